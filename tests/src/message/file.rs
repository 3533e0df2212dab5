//! Messages of files (docs/protocol.md §9.4).

use bytes::Bytes;

use crate::media::{Media, Part};
use crate::message::Incoming;
use crate::message::app::{App, Attachment};
use crate::message::kinds::md5;
use crate::wire::request::encode;
use crate::wire::text::on_the_wire;

impl Incoming {
    /// Builds a file. Unless `media_id` is set, the `MediaId` for downloading it is generated on delivery.
    pub fn file(from: &str, name: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let (md5, size) = (md5(&bytes), bytes.len());
        let app = App {
            kind: 6,
            title: name.to_owned(),
            attachment: Some(Attachment {
                size: size as u64,
                extension: name.rsplit_once('.').map(|(_, end)| end).unwrap_or_default().to_owned(),
                ..Attachment::of(&md5)
            }),
            ..App::default()
        };
        let mut media = Media::new("application/octet-stream", bytes);
        media.disposition = format!("attachment; filename=\"{}\"", name.replace('"', "\\\""));
        Self {
            file_size: size.to_string(),
            encry_file_name: encode(name).replace('.', "%2E").replace('_', "%5F"),
            ..Self::app(from, &app)
        }
        .attach(Part::File, media)
    }

    /// Builds a file that its sender is still uploading. The message that completes it is [`Incoming::file`], followed by
    /// [`replacing`](Self::replacing).
    pub fn uploading_file(from: &str, name: &str, size: u64) -> Self {
        let extension = name.rsplit_once('.').map(|(_, end)| end).unwrap_or_default().to_owned();
        let attachment = Some(Attachment { size, extension, ..<_>::default() });
        Self::app(from, &App { attachment, ..App::new(74, name) })
    }

    /// Marks a [`file`](Self::file) as the completion of the [`uploading_file`](Self::uploading_file) with this `MsgId`:
    /// `appattach > overwrite_newmsgid` (docs/protocol.md §9.4).
    #[must_use]
    pub fn replacing(mut self, msg_id: &str) -> Self {
        let end = "</appattach>";
        let id = format!("<overwrite_newmsgid>{msg_id}</overwrite_newmsgid>\n{end}");
        self.content = self.content.replacen(&on_the_wire(end), &on_the_wire(&id), 1);
        self
    }
}
