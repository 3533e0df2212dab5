//! Identifiers of the protocol.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::Invalid;
use crate::rng::Generator;
use crate::text::text_type::text_type;
use crate::text::truncated;
use crate::time::Timestamp;

/// The `UserName` of a person, a room or a built-in account: the sender or receiver of messages.
///
/// It consists of `@` and 32 or 64 hex digits for a person or an official account, and of `@@` and
/// 64 hex digits for a room. For a built-in account, it is a plain word (`filehelper`). **Valid for
/// one login only**: the next login assigns other names (`docs/protocol.md` §1.6).
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct UserName(Box<str>);

impl UserName {
    /// The maximum length of a name in bytes. Real names have at most 66.
    pub const MAX: usize = 256;

    /// Returns the name as the service writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the name is that of a room (a group chat): `docs/protocol.md` §10.
    pub fn is_room(&self) -> bool {
        self.0.starts_with("@@") || self.0.ends_with("@chatroom")
    }

    /// Returns the name to display if no other is known: `unknown`, or the `UserName` of a built-in
    /// account.
    pub(crate) fn readable(&self) -> &str {
        if self.0.starts_with('@') || self.is_room() { "unknown" } else { &self.0 }
    }

    /// Returns the name of the file helper, whose chat appears on the account's own phone.
    pub fn file_helper() -> Self {
        Self("filehelper".into())
    }
}

impl TryFrom<Box<str>> for UserName {
    type Error = Invalid;

    /// Rejects commas, which join lists of names on the wire, control characters and white space.
    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        let legal = |c: char| !(c.is_control() || c.is_whitespace() || c == ',');
        // Lists have thousands of names; nearly all pass this fast check.
        let plain = |plain, byte: &u8| plain & (0x21..0x7f).contains(byte) & (*byte != b',');
        let legal = || text.as_bytes().iter().fold(true, plain) || text.chars().all(legal);
        if text.is_empty() || text.len() > Self::MAX || !legal() {
            return Err(Invalid {
                what: "a user name",
                expected: "1 to 256 bytes without commas, white space and control characters",
            });
        }
        Ok(Self(text))
    }
}

impl UserName {
    /// Returns a valid name derived from an invalid name of the service.
    pub(crate) fn nearest(text: &str) -> Self {
        let illegal = |c: char| c.is_control() || c.is_whitespace() || c == ',';
        let name = truncated(text, Self::MAX).replace(illegal, "_");
        Self(if name.is_empty() { "_".into() } else { name.into() })
    }
}

impl Borrow<str> for UserName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The service's id of a message: `MsgId`, up to 19 decimal digits as text.
///
/// [`Display`](fmt::Display) and serde write it as the service does. `NewMsgId`, the same
/// value as a JSON number, is rounded in some captures and is not used (`docs/protocol.md` §1.6).
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(from = "String")]
pub struct MsgId(Notation);

/// The notation of an id. Numbers need no memory of their own: an account keeps thousands of ids.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Notation {
    /// Decimal digits without leading zeros.
    Number(u64),
    Other(Arc<str>),
}

impl MsgId {
    /// Returns whether the id is usable. Repetitions of a message without a usable id cannot be
    /// detected.
    pub fn is_usable(&self) -> bool {
        match &self.0 {
            Notation::Number(number) => *number != 0,
            Notation::Other(text) => {
                // These characters need no escape in JSON, so that the length of a stored id is
                // bounded.
                let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
                (1..=32).contains(&text.len()) && text.bytes().all(plain)
            }
        }
    }
}

impl Default for MsgId {
    /// Returns an empty id, which is not usable.
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for MsgId {
    fn from(text: &str) -> Self {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        let number = text.parse().ok().filter(|_| is_number);
        Self(number.map_or_else(|| Notation::Other(text.into()), Notation::Number))
    }
}

impl From<String> for MsgId {
    fn from(text: String) -> Self {
        Self::from(&*text)
    }
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Notation::Number(number) => number.fmt(f),
            Notation::Other(text) => f.pad(text),
        }
    }
}

impl fmt::Debug for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MsgId").field(&self.to_string()).finish()
    }
}

impl Serialize for MsgId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The client's id of a message, by which a repetition can be recognised: `ClientMsgId` and
/// `LocalID`.
///
/// 17 digits: 13 of the clock's milliseconds, a `0`, and three random ones (`docs/protocol.md`
/// §1.6).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ClientMsgId(u64);

impl ClientMsgId {
    /// Returns an id above `last` for a message written at `now`. Ids increase even if the clock is
    /// set back.
    pub(crate) fn mint(rng: &mut Generator, last: Self, now: Timestamp) -> Self {
        // 13 digits of milliseconds last until the year 2286; later ones would need an 18th digit.
        let millis = now.as_millis().min(9_999_999_999_999);
        let drawn = millis * 10_000 + rng.digits(3);
        if drawn > last.0 {
            return Self(drawn);
        }
        // The fourth digit from the right is always `0`: the id after …0999 is in the next
        // millisecond.
        let next = last.0.saturating_add(1);
        Self(if next % 10_000 >= 1000 {
            (next / 10_000).saturating_add(1).saturating_mul(10_000)
        } else {
            next
        })
    }
}

impl Default for ClientMsgId {
    /// Returns an id below every generated id.
    fn default() -> Self {
        Self(0)
    }
}

impl FromStr for ClientMsgId {
    type Err = Invalid;

    /// Parses the form of `Display`, which the service returns as `LocalID`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.len() == 17 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        number.map(Self).ok_or(Invalid { what: "a client message id", expected: "17 digits" })
    }
}

impl fmt::Display for ClientMsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:017}", self.0)
    }
}

/// The UUID of one login attempt, which the QR code contains.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uuid(Box<str>);

impl Uuid {
    /// Parses word characters, `-`, `_` and `=`: `docs/protocol.md` §3.1.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
        (!text.is_empty() && text.len() <= 128 && text.bytes().all(legal))
            .then(|| Self(text.into()))
    }

    /// Returns the UUID as the service writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the content of the QR code: `docs/protocol.md` §3.2.
    pub fn url(&self) -> String {
        format!("https://login.weixin.qq.com/l/{}", self.0)
    }

    /// Returns the address of a picture of the QR code, on the service's own host.
    pub fn picture_url(&self) -> String {
        format!("https://login.weixin.qq.com/qrcode/{}", self.0)
    }
}

impl FromStr for Uuid {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid =
            Invalid { what: "a login UUID", expected: "1 to 128 letters, digits, -, _ and =" };
        Self::parse(text).ok_or(invalid)
    }
}

text_type! {
    UserName: FromStr Into Display Debug;
    Uuid: Display;
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_user_name_fits_the_wire() {
        for good in ["filehelper", "@0123", "@@ab", "12345@chatroom", "wxid_x", "测试"] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        for bad in ["", "a,b", "a b", "a\n", "a\u{7f}", &"x".repeat(257)] {
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
        }
        assert!("@@ab".parse::<UserName>().unwrap().is_room());
        assert!("1@chatroom".parse::<UserName>().unwrap().is_room());
        assert!(!"@ab".parse::<UserName>().unwrap().is_room());
    }

    #[test]
    fn maps_find_a_user_name_by_its_text() {
        let names = alloc::collections::BTreeSet::from([UserName::file_helper()]);
        assert!(names.contains("filehelper") && !names.contains("newsapp"));
    }

    /// Ids that look similar are different, and each keeps its notation.
    #[test]
    fn a_message_id_keeps_its_notation() {
        let ids = ["", "0", "1", "01", "+1", "1 ", "4527210051674039705", "18446744073709551616"];
        for text in ids {
            let id = MsgId::from(text);
            assert_eq!(id.to_string(), text);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<MsgId>(&json).unwrap(), id);
            assert_eq!(ids.iter().filter(|other| MsgId::from(**other) == id).count(), 1, "{text}");
        }
    }

    proptest! {
        /// With any clock, ids increase, keep their form and never overflow.
        ///
        /// Threats C1 and C2.
        #[test]
        fn client_message_ids_increase(clock in prop::collection::vec(1_000_000_000_000_u64..9_999_999_000_000, 1..50)) {
            let mut rng = Generator::default();
            let mut last = ClientMsgId::default();
            for millis in clock {
                let next = ClientMsgId::mint(&mut rng, last, Timestamp::from_millis(millis));
                prop_assert!(next > last);
                let text = next.to_string();
                prop_assert_eq!(text.len(), 17);
                prop_assert_eq!(text.as_bytes()[13], b'0');
                prop_assert_eq!(text.parse(), Ok(next));
                last = next;
            }
        }
    }

    #[test]
    fn a_client_message_id_has_17_digits() {
        for bad in ["", "1476614675634072", "147661467563407222", "+4766146756340722", "x"] {
            assert!(bad.parse::<ClientMsgId>().is_err(), "{bad:?}");
        }
        let least: ClientMsgId = "00000000000000000".parse().unwrap();
        assert_eq!(least, ClientMsgId::default());
    }

    /// Threat C2.
    #[test]
    fn client_message_ids_in_one_millisecond_are_unique() {
        let mut rng = Generator::default();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let mut last = ClientMsgId::default();
        for _ in 0..5000 {
            let next = ClientMsgId::mint(&mut rng, last, now);
            assert!(next > last);
            assert_eq!(next.to_string().as_bytes()[13], b'0');
            last = next;
        }
    }

    #[test]
    fn a_uuid_has_a_url() {
        let uuid = Uuid::parse("gf5Gk61zEA==").unwrap();
        assert_eq!(uuid.url(), "https://login.weixin.qq.com/l/gf5Gk61zEA==");
        assert_eq!(uuid.picture_url(), "https://login.weixin.qq.com/qrcode/gf5Gk61zEA==");
        assert_eq!(Uuid::parse("a/b"), None);
        assert_eq!(Uuid::parse(""), None);
    }
}
