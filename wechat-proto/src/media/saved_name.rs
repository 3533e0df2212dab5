//! Names of saved media.

use alloc::format;

use super::file_name::FileName;
use super::{GetFile, Head};
use crate::Message;
use crate::message::Kind;
use crate::text::truncated;

impl FileName {
    /// Returns the name under which to save the media of a message whose download has this head.
    ///
    /// A file has its own name. Other media have the name of their kind and the message's id, with
    /// the extension for the media type of the head: `image-4527210051674039705.jpg`.
    pub fn of_media(message: &Message, head: &Head) -> Self {
        if let Some(file) = GetFile::of(message) {
            return file.file_name();
        }
        let (kind, usual) = match &message.kind {
            Kind::Image(_) => ("image", "jpg"),
            Kind::Emoticon(_) => ("sticker", "gif"),
            Kind::Voice(_) => ("voice", "mp3"),
            Kind::Video(_) => ("video", "mp4"),
            Kind::Location(_) => ("map", "jpg"),
            _ => ("media", "bin"),
        };
        let extension = match head.content_type.as_deref() {
            Some("image/jpeg" | "image/jpg") => "jpg",
            Some("image/png") => "png",
            Some("image/gif") => "gif",
            Some("image/bmp") => "bmp",
            Some("image/webp") => "webp",
            Some("audio/mp3" | "audio/mpeg") => "mp3",
            Some("video/mp4") => "mp4",
            _ => usual,
        };
        match message.id.is_usable() {
            true => Self::from(&*format!("{kind}-{}.{extension}", message.id)),
            false => Self::from(&*format!("{kind}.{extension}")),
        }
    }

    /// Returns the name for the file with this number among files of the same name: `a (1).txt`.
    /// File 0 has the name itself.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        if number == 0 {
            return self.clone();
        }
        let name = self.as_str();
        let dot = name.rfind('.').filter(|dot| name.len() - dot <= Self::EXTENSION);
        let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
        let number = format!(" ({number})");
        let stem = truncated(stem, Self::MAX - extension.len() - number.len());
        Self::from(&*[stem, &number, extension].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::said;

    fn head(content_type: &str) -> Head {
        Head {
            endpoint: "x",
            content_type: Some(content_type.into()),
            length: None,
            file_name: None,
        }
    }

    #[test]
    fn extension_follows_from_the_media_type() {
        let file = r#""MsgId":"7","AppMsgType":6,"MediaId":"@m","FileName":"../报告.pdf""#;
        for (msg_type, fields, content_type, name) in [
            (3, r#""MsgId":"7""#, "image/png", "image-7.png"),
            (3, r#""MsgId":"7""#, "application/octet-stream", "image-7.jpg"),
            (3, "", "image/jpeg", "image.jpg"),
            (34, r#""MsgId":"7""#, "audio/mp3", "voice-7.mp3"),
            (43, r#""MsgId":"7""#, "video/mp4", "video-7.mp4"),
            (47, r#""MsgId":"7""#, "image/gif", "sticker-7.gif"),
            (49, file, "application/octet-stream", "_报告.pdf"),
            // An id is not trusted either.
            (3, r#""MsgId":"../7""#, "image/png", "image-.._7.png"),
        ] {
            let name_of = FileName::of_media(&said(msg_type, fields, ""), &head(content_type));
            assert_eq!(name_of.as_str(), name);
        }
    }

    #[test]
    fn numbers_precede_the_extension() {
        let long = format!("{}.txt", "长".repeat(83));
        let cut = format!("{} (12).txt", "长".repeat(82));
        for (name, number, numbered) in [
            ("a.txt", 0, "a.txt"),
            ("a.txt", 1, "a (1).txt"),
            ("a.tar.gz", 2, "a.tar (2).gz"),
            ("a", 3, "a (3)"),
            (&long, 12, &cut),
        ] {
            assert_eq!(FileName::from(name).numbered(number).as_str(), numbered);
        }
    }
}
