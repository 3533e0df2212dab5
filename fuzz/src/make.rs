//! Constructors of endpoints, whose texts a test can replace.

use std::str::FromStr;

use bytes::Bytes;
use serde_json::Value;
use wechat_proto::fuzz::uploaded;
use wechat_proto::media::{LocalFile, Md5Sum, MediaType, UploadPiece, UploadPlan, Uploaded};
use wechat_proto::report::{Report, ReportKind};
use wechat_proto::room::RoomMembers;
use wechat_proto::{Account, MsgId};

use super::{NOW, me, of};

/// A constructor of an endpoint from texts of the caller, each at its own place.
pub struct Make<E>(fn(&mut Account, &mut Texts<'_>) -> Option<E>);

impl<E> Clone for Make<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Make<E> {}

impl<E> Make<E> {
    /// Returns a function as a [`Make`].
    pub(crate) const fn of(make: fn(&mut Account, &mut Texts<'_>) -> Option<E>) -> Self {
        Self(make)
    }

    /// Makes a valid value.
    ///
    /// # Panics
    ///
    /// Panics if the table has an invalid text.
    pub fn value(self, account: &mut Account) -> E {
        (self.0)(account, &mut Texts::default()).expect("valid texts")
    }

    /// Returns the number of places.
    pub fn places(self, account: &mut Account) -> usize {
        let mut texts = Texts::default();
        (self.0)(account, &mut texts).map_or(0, |_| texts.place)
    }

    /// Makes a value with another text at one of the places. Also returns the text in its form in
    /// the request. Returns `None` if the text is refused.
    pub fn with(self, account: &mut Account, place: usize, text: &str) -> Option<(E, String)> {
        let mut texts = Texts { place: 0, other: Some((place, text)), written: None };
        let value = (self.0)(account, &mut texts)?;
        Some((value, texts.written.map_or_else(|| text.into(), |written| written(text))))
    }
}

/// The texts of an endpoint.
#[derive(Default)]
pub(crate) struct Texts<'a> {
    place: usize,
    other: Option<(usize, &'a str)>,
    written: Option<fn(&str) -> String>,
}

impl<'a> Texts<'a> {
    /// Returns the text at the next place.
    pub(crate) fn text(&mut self, valid: &'a str) -> &'a str {
        self.place += 1;
        self.other.filter(|(place, _)| place + 1 == self.place).map_or(valid, |(_, text)| text)
    }

    /// Returns the text at the next place, which the request contains in the form of `written`.
    fn text_as(&mut self, valid: &'a str, written: fn(&str) -> String) -> &'a str {
        if self.other.is_some_and(|(place, _)| place == self.place) {
            self.written = Some(written);
        }
        self.text(valid)
    }

    /// Parses the text at the next place.
    pub(crate) fn parse<T: FromStr>(&mut self, valid: &'a str) -> Option<T> {
        self.text(valid).parse().ok()
    }

    /// Returns two members, the second from the text at the next place.
    pub(crate) fn members(&mut self) -> Option<RoomMembers> {
        RoomMembers::new([of("@a"), self.parse("@b")?]).ok()
    }

    /// Returns a list with a report whose JSON is the text at the next place.
    pub(crate) fn reports(&mut self) -> Option<Vec<Report>> {
        let inside = |text: &str| {
            let json = Value::from(text).to_string();
            json[1..json.len() - 1].to_owned()
        };
        let json = Value::from(self.text_as("x", inside)).to_string();
        Some([Report::new(ReportKind::Timing, &json).ok()?].into())
    }

    /// Returns the id of a message from the text at the next place, of which at most 32 bytes are
    /// sent.
    pub(crate) fn number(&mut self) -> MsgId {
        let written = |text: &str| {
            let end =
                text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 32);
            text[..end.last().unwrap_or(0)].to_owned()
        };
        MsgId::from(self.text_as("7", written))
    }

    /// Returns a local file of this length, named by the text at the next place.
    pub(crate) fn file(&mut self, length: u64) -> Option<LocalFile> {
        LocalFile::new(&format!("{}.zip", self.text("a")), length).ok()
    }

    /// Returns the piece of a file of this length.
    pub(crate) fn piece(&mut self, account: &mut Account, length: u64) -> Option<UploadPiece> {
        let (file, sum) = (self.file(length)?, Md5Sum::of(b"abc"));
        let plan = UploadPlan::new(account.session_mut(), me(), file, sum, None, NOW);
        Some(UploadPiece::new(plan, 0, Bytes::from_static(b"abc")))
    }

    /// Returns an uploaded document, named by the text at the next place. XML cannot represent all
    /// characters of the name.
    pub(crate) fn document(&mut self) -> Uploaded {
        let written = |text: &str| {
            let held = |c: &char| *c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}');
            text.chars().filter(|c| held(c) || matches!(c, '\t' | '\n' | '\r')).collect()
        };
        file(MediaType::Document, &format!("{}.pdf", self.text_as("d", written)))
    }
}

/// Returns the reference of an uploaded file.
pub(crate) fn file(media_type: MediaType, name: &str) -> Uploaded {
    uploaded(media_type, "@crypt_1", name, 1760, ["", ""])
}
