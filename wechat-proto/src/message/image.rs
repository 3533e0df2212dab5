//! Pictures: `docs/protocol.md` §9.2.

use alloc::boxed::Box;

use serde::Serialize;

use super::piece::{self, Hidden, attributes, number, plain};
use super::wire::WireMessage;

/// A picture: `MsgType` 3.
///
/// It is downloaded by message id. The fields only describe it. Missing fields are 0 or empty.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Image {
    /// Width of the thumbnail, in pixels.
    pub width: u32,
    /// Height of the thumbnail, in pixels.
    pub height: u32,
    /// Size of the picture, in bytes.
    pub length: u64,
    /// Size of the high-definition picture, in bytes, if there is one.
    pub hd_length: u64,
    /// MD5 of the picture, in hex digits.
    pub md5: Box<str>,
    /// The name in the CDN of the phone apps.
    pub cdn_url: Box<str>,
    /// The name of the thumbnail in the CDN of the phone apps.
    pub cdn_thumb_url: Box<str>,
    /// The key with which both are encrypted in the CDN of the phone apps.
    pub aes_key: Hidden,
    /// The replacement of the XML in newer versions: `@` and hex digits of unknown meaning.
    pub blob: Box<str>,
}

impl Image {
    /// Returns `None` if it is not a picture.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let content = record.content.trim();
        let mut image = Box::new(Self {
            width: piece::unsigned(record.img_width),
            height: piece::unsigned(record.img_height),
            ..Self::default()
        });
        let mut any = content.is_empty() || image.width > 0 || image.height > 0;
        if content.starts_with('@') {
            image.blob = content.into();
            return Some(image);
        }
        let is_image = |path: &[&str]| path.last() == Some(&"img");
        any |= attributes(content, is_image, |name, value| image.attribute(name, value));
        any.then_some(image)
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "length" => self.length = number(value),
            "hdlength" => self.hd_length = number(value),
            "md5" => self.md5 = plain(value),
            "cdnmidimgurl" => self.cdn_url = plain(value),
            "cdnbigimgurl" if self.cdn_url.is_empty() => self.cdn_url = plain(value),
            "cdnthumburl" => self.cdn_thumb_url = plain(value),
            "aeskey" => self.aes_key = plain(value).into(),
            // The record's values take precedence.
            "cdnthumbwidth" if self.width == 0 => self.width = number(value),
            "cdnthumbheight" if self.height == 0 => self.height = number(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use crate::testing::said;

    fn read(fields: &str, content: &str) -> Option<Image> {
        match said(3, fields, content).kind {
            Kind::Image(image) => Some(*image),
            Kind::Unreadable { reason: "not a picture", .. } => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn partial_content_is_parsed() {
        let thumb =
            read("", "<msg><img cdnthumbheight=\"12\" cdnthumbwidth=\"9\"/></msg>").unwrap();
        assert_eq!((thumb.width, thumb.height), (9, 12));
        assert_eq!(&*read("", "@8f3e6a0b").unwrap().blob, "@8f3e6a0b");
        assert_eq!(read("", ""), Some(Image::default()));
        // The record takes precedence.
        let xml = "<msg><img cdnthumbheight=\"12\" cdnthumbwidth=\"9\"/></msg>";
        for content in ["malformed", xml] {
            let image = read(r#""ImgWidth":7,"ImgHeight":8"#, content).unwrap();
            assert_eq!((image.width, image.height), (7, 8), "{content}");
        }
        assert_eq!(read(r#""ImgWidth":-7,"ImgHeight":"x""#, ""), Some(Image::default()));
        // The complete part of truncated XML is parsed.
        assert_eq!(read("", "<msg><img length=\"5\"/><").unwrap().length, 5);
        for incomplete in ["malformed", "<msg/>", "<msg><videomsg/></msg>", "<img"] {
            assert_eq!(read("", incomplete), None, "{incomplete}");
        }
    }
}
