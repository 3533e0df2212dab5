//! Voice messages: `docs/protocol.md` §9.2.

use alloc::boxed::Box;
use core::time::Duration;

use serde::Serialize;

use super::piece::{self, Hidden, attributes, millis, number, plain};
use super::wire::WireMessage;

/// A voice message: `MsgType` 34. It is downloaded by message id.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Voice {
    /// The duration.
    #[serde(rename = "duration_ms", serialize_with = "millis")]
    pub duration: Duration,
    /// The size on the phone, in bytes; the download is an MP3 of a different size.
    pub length: u64,
    /// The format on the phone: 4 is SILK.
    pub format: i64,
    /// Whether the recording is complete.
    #[serde(rename = "complete")]
    pub is_complete: bool,
    /// Whether the sender cancelled the recording.
    #[serde(rename = "cancelled")]
    pub is_cancelled: bool,
    /// The phone's buffer id.
    pub buffer_id: Box<str>,
    /// The permanent id of the sender.
    pub from: Box<str>,
    /// The sending phone's id of the message.
    pub client_msg_id: Box<str>,
    /// The encryption key in the CDN of the phone apps.
    pub aes_key: Hidden,
}

impl Voice {
    /// Returns `None` if it is not a voice message.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut voice = Box::new(Self {
            duration: Duration::from_millis(piece::unsigned(record.voice_length)),
            ..Self::default()
        });
        let mut any = record.content.trim().is_empty() || !voice.duration.is_zero();
        let is_voice = |path: &[&str]| path.last() == Some(&"voicemsg");
        any |= attributes(&record.content, is_voice, |name, value| voice.attribute(name, value));
        any.then_some(voice)
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "voicelength" if self.duration.is_zero() => {
                self.duration = Duration::from_millis(number(value));
            }
            "length" => self.length = number(value),
            "voiceformat" => self.format = number(value),
            "endflag" => self.is_complete = number::<i64>(value) != 0,
            "cancelflag" => self.is_cancelled = number::<i64>(value) != 0,
            "bufid" => self.buffer_id = plain(value),
            "fromusername" => self.from = plain(value),
            "clientmsgid" => self.client_msg_id = plain(value),
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

    fn read(fields: &str, content: &str) -> Option<Voice> {
        match said(34, fields, content).kind {
            Kind::Voice(voice) => Some(*voice),
            Kind::Unreadable { reason: "not a voice message", .. } => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn record_takes_precedence_over_xml() {
        let content = "<msg><voicemsg voicelength=\"1999\" aeskey=\"6b65\"/></msg>";
        let voice = read(r#""VoiceLength":1580"#, content).unwrap();
        assert_eq!((voice.duration.as_millis(), voice.aes_key.expose()), (1580, "6b65"));
        assert!(!alloc::format!("{voice:?}").contains("6b65"));
    }

    #[test]
    fn partial_content_is_parsed() {
        let xml = read("", "<msg><voicemsg voicelength=\"1999\"/></msg>").unwrap();
        assert_eq!(xml.duration, Duration::from_millis(1999));
        let record = read(r#""VoiceLength":"70""#, "malformed").unwrap();
        assert_eq!(record.duration, Duration::from_millis(70));
        assert_eq!(read("", ""), Some(Voice::default()));
        for incomplete in ["malformed", "<msg/>", "<msg><img/></msg>"] {
            assert_eq!(read(r#""VoiceLength":-1"#, incomplete), None, "{incomplete}");
        }
    }
}
