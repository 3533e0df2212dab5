//! Files, and what else is attached.

use alloc::boxed::Box;

use serde::Serialize;

use super::super::envelope::WireMessage;
use super::super::piece::{self, Hidden, Piece, pixels};

/// What is attached to an app message: `appattach`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attachment {
    /// Its size in bytes.
    pub length: u64,
    /// MD5 of it, in hex digits.
    pub md5: Box<str>,
    /// What its name ends in, in small letters and without the dot.
    pub extension: Box<str>,
    /// Its id in the service's storage.
    pub attach_id: Hidden,
    /// Its name in the phones' storage network.
    pub cdn_url: Box<str>,
    /// The name of its thumbnail there.
    pub cdn_thumb_url: Box<str>,
    /// Width of the thumbnail, in pixels.
    pub thumb_width: u32,
    /// Height of the thumbnail, in pixels.
    pub thumb_height: u32,
    /// The key that it is encrypted with there.
    pub aes_key: Hidden,
}

/// A file: `AppMsgType` 6.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct File {
    /// Its name, as its sender chose it: no name to store it under unchecked.
    pub name: Box<str>,
    /// Its size in bytes.
    pub length: u64,
    /// What its name ends in, in small letters and without the dot.
    pub extension: Box<str>,
    /// What it is fetched by.
    pub media_id: Hidden,
    /// Its name in the form in which it is fetched, percent-encoded; only since 2018.
    pub encry_file_name: Box<str>,
    /// What else the XML says of it.
    pub attachment: Attachment,
}

impl File {
    /// `name` is the record's, else the title.
    pub(super) fn of(draft: Draft, record: WireMessage, name: Box<str>) -> Self {
        let attachment = draft.finish();
        // The record goes before.
        let length = match piece::unsigned(record.file_size.0) {
            0 => attachment.length,
            length => length,
        };
        let extension = match &*attachment.extension {
            "" => name.rsplit_once('.').map(|(_, end)| lower(end)).unwrap_or_default(),
            extension => extension.into(),
        };
        Self {
            name,
            length,
            extension,
            media_id: Box::<str>::from(record.media_id).into(),
            encry_file_name: record.encry_file_name.into(),
            attachment,
        }
    }
}

fn lower(text: &str) -> Box<str> {
    text.trim().to_lowercase().into()
}

/// An attachment, while it is read.
#[derive(Default)]
pub(super) struct Draft {
    length: Piece,
    md5: Piece,
    emoticon_md5: Piece,
    extension: Piece,
    attach_id: Piece,
    cdn_url: Piece,
    cdn_thumb_url: Piece,
    thumb_width: Piece,
    thumb_height: Piece,
    aes_key: Piece,
}

impl Draft {
    pub(super) fn push(&mut self, name: &str, text: &str) {
        let field = match name {
            "totallen" => &mut self.length,
            "md5" => &mut self.md5,
            "emoticonmd5" => &mut self.emoticon_md5,
            "fileext" => &mut self.extension,
            "attachid" => &mut self.attach_id,
            "cdnattachurl" => &mut self.cdn_url,
            "cdnthumburl" => &mut self.cdn_thumb_url,
            "cdnthumbwidth" => &mut self.thumb_width,
            "cdnthumbheight" => &mut self.thumb_height,
            "aeskey" => &mut self.aes_key,
            _ => return,
        };
        field.push(text);
    }

    pub(super) fn finish(self) -> Attachment {
        let md5 = if self.emoticon_md5.is_empty() { self.md5 } else { self.emoticon_md5 };
        Attachment {
            length: self.length.size(),
            md5: md5.plain(),
            extension: lower(self.extension.as_str()),
            attach_id: self.attach_id.hidden(),
            cdn_url: self.cdn_url.plain(),
            cdn_thumb_url: self.cdn_thumb_url.plain(),
            thumb_width: pixels(self.thumb_width.as_str()),
            thumb_height: pixels(self.thumb_height.as_str()),
            aes_key: self.aes_key.hidden(),
        }
    }
}
