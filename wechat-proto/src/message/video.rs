//! Videos: `docs/protocol.md` §9.2.

use alloc::boxed::Box;
use core::time::Duration;

use serde::Serialize;

use super::msg_type::MsgType;
use super::piece::{self, Hidden, attributes, millis, number, plain};
use super::wire::WireMessage;

/// A video: `MsgType` 43, 44 and 62. The video and its thumbnail are downloaded by message id.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Video {
    /// Whether it is a video of a few seconds recorded in the chat: `MsgType` 62.
    #[serde(rename = "short")]
    pub is_short: bool,
    /// The duration.
    #[serde(rename = "duration_ms", serialize_with = "millis")]
    pub duration: Duration,
    /// The size in bytes.
    pub length: u64,
    /// Width of the thumbnail, in pixels.
    pub width: u32,
    /// Height of the thumbnail, in pixels.
    pub height: u32,
    /// MD5 of the video, in hex digits.
    pub md5: Box<str>,
    /// The permanent id of the sender.
    pub from: Box<str>,
    /// The name in the CDN of the phone apps.
    pub cdn_url: Box<str>,
    /// The name of the thumbnail in the CDN of the phone apps.
    pub cdn_thumb_url: Box<str>,
    /// The key with which both are encrypted in the CDN of the phone apps.
    pub aes_key: Hidden,
}

impl Video {
    /// Returns `None` if it is not a video.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut video = Box::new(Self {
            is_short: record.msg_type == MsgType::SHORT_VIDEO.0,
            duration: Duration::from_secs(piece::unsigned(record.play_length)),
            width: piece::unsigned(record.img_width),
            height: piece::unsigned(record.img_height),
            ..Self::default()
        });
        let content = record.content.trim();
        // Newer versions send `@` and hex digits, as for pictures.
        let mut any = content.is_empty() || content.starts_with('@') || !video.duration.is_zero();
        // Videos of 2016 have the XML of pictures.
        let is_video = |path: &[&str]| matches!(path, [.., "videomsg" | "img"]);
        any |= attributes(content, is_video, |name, value| video.attribute(name, value));
        any.then_some(video)
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "length" => self.length = number(value),
            "playlength" if self.duration.is_zero() => {
                self.duration = Duration::from_secs(number(value));
            }
            "cdnthumbwidth" if self.width == 0 => self.width = number(value),
            "cdnthumbheight" if self.height == 0 => self.height = number(value),
            "md5" => self.md5 = plain(value),
            "fromusername" => self.from = plain(value),
            "cdnvideourl" => self.cdn_url = plain(value),
            "cdnthumburl" => self.cdn_thumb_url = plain(value),
            "aeskey" => self.aes_key = plain(value).into(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use crate::testing::said;

    fn read(msg_type: i64, fields: &str, content: &str) -> Option<Video> {
        match said(msg_type, fields, content).kind {
            Kind::Video(video) => Some(*video),
            Kind::Unreadable { reason: "not a video", .. } => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn record_takes_precedence_over_xml() {
        let content =
            "<msg><videomsg playlength=\"28\" cdnthumbwidth=\"224\" cdnthumbheight=\"398\"/></msg>";
        let record = r#""PlayLength":27,"ImgWidth":112,"ImgHeight":199"#;
        for (fields, expected) in [("", (28, 224, 398)), (record, (27, 112, 199))] {
            let video = read(43, fields, content).unwrap();
            assert_eq!((video.duration.as_secs(), video.width, video.height), expected);
        }
    }

    #[test]
    fn partial_content_is_parsed() {
        let old = read(
            62,
            "",
            "<msg><img length=\"6503\" hdlength=\"0\" /><commenturl></commenturl></msg>",
        );
        assert_eq!(old, Some(Video { is_short: true, length: 6503, ..Video::default() }));
        assert_eq!(read(43, "", ""), Some(Video::default()));
        assert_eq!(read(43, "", "@8f3e6a0b"), Some(Video::default()));
        assert_eq!(read(43, r#""PlayLength":3"#, "malformed").unwrap().duration.as_secs(), 3);
        for incomplete in ["malformed", "<msg/>"] {
            assert_eq!(read(43, "", incomplete), None, "{incomplete}");
        }
    }
}
