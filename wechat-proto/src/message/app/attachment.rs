//! Files and other attachments.

use alloc::boxed::Box;

use serde::Serialize;

use super::super::piece::{self, Hidden, Texts, number};
use super::super::wire::WireMessage;
use crate::ids::MsgId;

/// The attachment of an app message: `appattach`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attachment {
    /// The size in bytes.
    pub length: u64,
    /// The MD5 in hex digits.
    pub md5: Box<str>,
    /// The file name extension, in lower case and without the dot.
    pub extension: Box<str>,
    /// The id in the service's storage.
    pub attach_id: Hidden,
    /// The name in the CDN of the phone apps.
    pub cdn_url: Box<str>,
    /// The name of the thumbnail in the CDN of the phone apps.
    pub cdn_thumb_url: Box<str>,
    /// Width of the thumbnail, in pixels.
    pub thumb_width: u32,
    /// Height of the thumbnail, in pixels.
    pub thumb_height: u32,
    /// The encryption key in the CDN of the phone apps.
    pub aes_key: Hidden,
}

impl Attachment {
    pub(super) fn of(mut texts: Texts) -> Self {
        Self {
            length: texts.take("totallen").number(),
            md5: texts.take_either("emoticonmd5", "md5").plain(),
            extension: lower(texts.get("fileext")),
            attach_id: texts.take("attachid").hidden(),
            cdn_url: texts.take("cdnattachurl").plain(),
            cdn_thumb_url: texts.take("cdnthumburl").plain(),
            thumb_width: number(texts.get("cdnthumbwidth")),
            thumb_height: number(texts.get("cdnthumbheight")),
            aes_key: texts.take("aeskey").hidden(),
        }
    }
}

/// A file: `AppMsgType` 6, and 74 while it is being uploaded.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct File {
    /// The name chosen by the sender. Validate it before using it as a path.
    pub name: Box<str>,
    /// The size in bytes.
    pub length: u64,
    /// The file name extension, in lower case and without the dot.
    pub extension: Box<str>,
    /// The id by which it is downloaded.
    pub media_id: Hidden,
    /// The percent-encoded name used to download it; only since 2018.
    pub encry_file_name: Box<str>,
    /// Whether its sender is still uploading it: it cannot be downloaded yet, and another message
    /// replaces this one when it is complete.
    #[serde(rename = "uploading")]
    pub is_uploading: bool,
    /// The [`Message::id`](crate::Message::id) of the [`is_uploading`](Self::is_uploading) message that
    /// this message replaces; empty if there is none.
    pub replaces: MsgId,
    /// The attachment in the XML.
    pub attachment: Attachment,
}

impl File {
    /// Builds a file. `name` is the record's file name, otherwise the title.
    pub(super) fn of(texts: Texts, record: WireMessage, name: Box<str>, uploading: bool) -> Self {
        let replaces = texts.get("overwrite_newmsgid").into();
        let attachment = Attachment::of(texts);
        // The record takes precedence.
        let length = match piece::unsigned(record.file_size) {
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
            is_uploading: uploading,
            replaces,
            attachment,
        }
    }
}

fn lower(text: &str) -> Box<str> {
    text.trim().to_lowercase().into()
}
