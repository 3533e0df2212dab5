//! Stickers: `docs/protocol.md` §9.2.

use alloc::boxed::Box;

use serde::Serialize;

use super::content::document;
use super::piece::{self, Hidden, number, plain, url};
use super::wire::WireMessage;
use crate::wire::document::{Attributes, Found, walk};

/// A sticker: `MsgType` 47. It is downloaded by message id, like a picture.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Emoticon {
    /// Whether it is from the sticker shop (`HasProductId`). Such a sticker is visible on the phone
    /// only, cannot be downloaded, and its other fields are usually empty.
    #[serde(rename = "from_shop")]
    pub is_from_shop: bool,
    /// MD5 of its file in hex digits, by which it can be sent again.
    pub md5: Box<str>,
    /// Size of its file, in bytes.
    pub length: u64,
    /// 1: static; 2: animated; others occur.
    pub kind: i64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The set that it belongs to, if any.
    pub product_id: Box<str>,
    /// The id of its designer, if known.
    pub designer_id: Box<str>,
    /// The permanent id of the sender.
    pub from: Box<str>,
    /// The permanent id of the receiver.
    pub to: Box<str>,
    /// The public URL of its file.
    pub cdn_url: Box<str>,
    /// The URL of a thumbnail.
    pub thumb_url: Box<str>,
    /// The URL of its encrypted file.
    pub encrypt_url: Box<str>,
    /// The URL of its file in another format.
    pub extern_url: Box<str>,
    /// The key of the encrypted file.
    pub aes_key: Hidden,
    /// The description.
    pub description: Box<str>,
    /// The result, if the emoticon is a game sticker.
    pub game: Option<Game>,
}

/// The random result of a game sticker.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Game {
    /// Rock, paper, scissors.
    Hand(Hand),
    /// A die roll, from 1 to 6.
    Dice(u8),
    /// Another game, or another result.
    Other {
        /// `type`
        kind: i64,
        /// `content`
        content: i64,
    },
}

/// A hand of rock, paper, scissors.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hand {
    /// Scissors.
    Scissors,
    /// Rock.
    Rock,
    /// Paper.
    Paper,
}

impl Game {
    /// Returns `None` if it is not a game: `kind` is 0.
    fn of(kind: i64, content: i64) -> Option<Self> {
        Some(match (kind, content) {
            (0, _) => return None,
            (1, 1) => Self::Hand(Hand::Scissors),
            (1, 2) => Self::Hand(Hand::Rock),
            (1, 3) => Self::Hand(Hand::Paper),
            (2, 4..=9) => Self::Dice(piece::unsigned(content - 3)),
            _ => Self::Other { kind, content },
        })
    }
}

impl Emoticon {
    /// Returns `None` if it is not a sticker.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let content = record.content.trim();
        let mut emoticon = Box::new(Self {
            is_from_shop: record.has_product_id != 0,
            width: piece::unsigned(record.img_width),
            height: piece::unsigned(record.img_height),
            ..Self::default()
        });
        // A shop sticker has an empty content (in a room, only the prefix). Newer versions send `@`
        // and hex digits, as for pictures.
        let mut any = content.is_empty() || content.starts_with('@') || emoticon.is_from_shop;
        if let Some(document) = document(content) {
            walk(&document, |path, found| match (path, found) {
                ([.., "emoji"], Found::Element(attributes)) => {
                    any = true;
                    for (name, value) in attributes.iter() {
                        emoticon.attribute(name, &value);
                    }
                }
                ([.., "gameext"], Found::Element(attributes)) => emoticon.game = game(&attributes),
                _ => {}
            });
        }
        any.then_some(emoticon)
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "md5" => self.md5 = plain(value),
            "len" => self.length = number(value),
            "type" => self.kind = number(value),
            "width" if self.width == 0 => self.width = number(value),
            "height" if self.height == 0 => self.height = number(value),
            "productid" => self.product_id = plain(value),
            "designerid" => self.designer_id = plain(value),
            "fromusername" => self.from = plain(value),
            "tousername" => self.to = plain(value),
            "cdnurl" => self.cdn_url = url(value),
            "thumburl" => self.thumb_url = url(value),
            "encrypturl" => self.encrypt_url = url(value),
            "externurl" => self.extern_url = url(value),
            "aeskey" => self.aes_key = plain(value).into(),
            "desc" => self.description = plain(value),
            _ => {}
        }
    }
}

fn game(attributes: &Attributes<'_>) -> Option<Game> {
    let (mut kind, mut content) = (0, 0);
    for (name, value) in attributes.iter() {
        match name {
            "type" => kind = number(&value),
            "content" => content = number(&value),
            _ => {}
        }
    }
    Game::of(kind, content)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::message::Kind;
    use crate::testing::said;

    fn read(fields: &str, content: &str) -> Option<Emoticon> {
        match said(47, fields, content).kind {
            Kind::Emoticon(emoticon) => Some(*emoticon),
            Kind::Unreadable { reason: "not a sticker", .. } => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn record_takes_precedence_over_xml() {
        let content =
            "<msg><emoji width=\"80\" height=\"70\" externurl=\"http://emoji.qpic.cn/x\"/></msg>";
        let emoticon = read(r#""ImgWidth":85"#, content).unwrap();
        assert_eq!((emoticon.width, emoticon.height), (85, 70));
        assert_eq!(&*emoticon.extern_url, "http://emoji.qpic.cn/x");
    }

    #[test]
    fn game_results_are_parsed() {
        for (kind, content, game) in [
            (0, 0, None),
            (1, 1, Some(Game::Hand(Hand::Scissors))),
            (1, 2, Some(Game::Hand(Hand::Rock))),
            (1, 3, Some(Game::Hand(Hand::Paper))),
            (1, 4, Some(Game::Other { kind: 1, content: 4 })),
            (2, 4, Some(Game::Dice(1))),
            (2, 9, Some(Game::Dice(6))),
            (2, 3, Some(Game::Other { kind: 2, content: 3 })),
            (2, 10, Some(Game::Other { kind: 2, content: 10 })),
            (3, 0, Some(Game::Other { kind: 3, content: 0 })),
        ] {
            let content = format!(
                "<msg><emoji md5=\"e\"/><gameext type=\"{kind}\" content='{content}'></gameext></msg>"
            );
            assert_eq!(read("", &content).unwrap().game, game, "{content}");
        }
    }

    /// `docs/shapes.md` S36, S53.
    #[test]
    fn partial_content_is_parsed() {
        for product in ["1", "\"1\""] {
            let fields = format!("\"HasProductId\":{product}");
            let shop = Some(Emoticon { is_from_shop: true, ..Emoticon::default() });
            assert_eq!(read(&fields, ""), shop);
            assert_eq!(read(&fields, "look at the phone"), shop);
        }
        assert_eq!(read("", ""), Some(Emoticon::default()));
        assert_eq!(read("", "@8f3e6a0b"), Some(Emoticon::default()));
        for incomplete in ["malformed", "<msg><gameext type=\"2\" content=\"4\"/></msg>"] {
            assert_eq!(read("\"HasProductId\":0", incomplete), None, "{incomplete}");
        }
    }
}
