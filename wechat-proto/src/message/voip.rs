//! Calls: `docs/protocol.md` §9.2.

use alloc::boxed::Box;
use core::time::Duration;

use serde::Serialize;

use super::content::document;
use super::msg_type::MsgType;
use super::piece::{Piece, millis};
use super::wire::WireMessage;
use crate::text::decode;
use crate::wire::document::{Found, walk};

/// A voice or video call, which only the phone can answer: `MsgType` 50, 52 and 53.
///
/// The web displays it as a text. The other fields are known from phones only and were not observed
/// on the web.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Voip {
    /// The step of the call.
    pub step: VoipStep,
    /// The displayed text, such as the duration of the call; often empty.
    pub text: Box<str>,
    /// The medium: voice or video.
    pub by: Option<VoipBy>,
    /// The duration of an ended call.
    #[serde(rename = "duration_ms", serialize_with = "millis")]
    pub duration: Duration,
}

/// A step of a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VoipStep {
    /// `MsgType` 50: a current or past call.
    Message,
    /// `MsgType` 52: a change of the call's state.
    Notify,
    /// `MsgType` 53: an invitation.
    Invite,
}

/// The medium of a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VoipBy {
    /// `invitetype` 1.
    Voice,
    /// `invitetype` 0.
    Video,
}

impl Voip {
    pub(super) fn read(record: WireMessage) -> Box<Self> {
        let step = match MsgType(record.msg_type) {
            MsgType::VOIP_NOTIFY => VoipStep::Notify,
            MsgType::VOIP_INVITE => VoipStep::Invite,
            _ => VoipStep::Message,
        };
        let mut voip =
            Box::new(Self { step, text: Box::default(), by: None, duration: Duration::ZERO });
        let Some(document) = document(&record.content) else {
            voip.text = decode(record.content);
            return voip;
        };
        let (mut words, mut by, mut seconds) = <(Piece, Piece, Piece)>::default();
        walk(&document, |path, found| match (path, found) {
            // Phones use both spellings.
            ([.., "msg" | "display_content" | "diaplay_content"], Found::Text(text)) => {
                words.push(text);
            }
            ([.., "invitetype" | "invite_type"], Found::Text(text)) => by.push(text),
            ([.., "duration"], Found::Text(text)) => seconds.push(text),
            _ => {}
        });
        voip.text = words.plain();
        voip.duration = Duration::from_secs(seconds.number());
        voip.by = match by.as_str() {
            "0" => Some(VoipBy::Video),
            "1" => Some(VoipBy::Voice),
            _ => None,
        };
        voip
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use crate::testing::said;

    fn read(msg_type: i64, content: &str) -> Voip {
        let Kind::Voip(voip) = said(msg_type, "", content).kind else { panic!("{msg_type}") };
        *voip
    }

    #[test]
    fn fields_are_parsed() {
        for (msg_type, step) in
            [(50, VoipStep::Message), (52, VoipStep::Notify), (53, VoipStep::Invite)]
        {
            let empty = Voip { step, text: "".into(), by: None, duration: Duration::ZERO };
            assert_eq!(read(msg_type, ""), empty);
            let words = Voip { text: "a & b".into(), ..empty };
            assert_eq!(read(msg_type, "a &amp; b"), words);
        }
        let bubble = read(
            50,
            "&lt;voipmsg type=\"VoIPBubbleMsg\"&gt;&lt;VoIPBubbleMsg&gt;&lt;msg&gt;&lt;![CDATA[通话时长 00:05]]&gt;&lt;/msg&gt;<br/>&lt;room_type&gt;1&lt;/room_type&gt;&lt;/VoIPBubbleMsg&gt;&lt;/voipmsg&gt;",
        );
        assert_eq!((&*bubble.text, bubble.by), ("通话时长 00:05", None));
        for (number, by) in [("0", Some(VoipBy::Video)), ("1", Some(VoipBy::Voice)), ("7", None)] {
            let content = alloc::format!(
                "<voipinvitemsg><roomid>1</roomid><key>2</key><status>4</status><invitetype>{number}</invitetype></voipinvitemsg><voiplocalinfo><wordingtype>4</wordingtype><duration>147</duration></voiplocalinfo>"
            );
            let voip = read(53, &content);
            assert_eq!((voip.by, voip.duration), (by, Duration::from_secs(147)));
        }
    }
}
