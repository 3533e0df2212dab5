//! Logins, entries, restored sessions and their ends.

pub(crate) mod accounts;
pub(crate) mod entries;
pub(crate) mod failures;
pub(crate) mod misc;
pub(crate) mod resume;
pub(crate) mod story;
pub(crate) mod transitions;

use wechat_proto::login::Progress;
use wechat_proto::message::SendText;

use crate::wire::{Bot, Place};

/// Describes a step of a login.
fn word(progress: &Progress) -> String {
    match progress {
        Progress::Code { .. } => "code".into(),
        Progress::ConfirmOnPhone { .. } => "on phone".into(),
        Progress::Scanned { .. } => "scanned".into(),
        Progress::Cancelled => "cancelled".into(),
        Progress::Closed { ret, .. } => format!("closed {}", ret.0),
        Progress::LoggedIn(_) => "logged in".into(),
        Progress::Resumed(_) => "resumed".into(),
        other => panic!("{other:?}"),
    }
}

/// Sends a text, which arrives.
fn assert_usable<B: Bot>(place: &Place, bot: &mut B) {
    bot.call(SendText::new(place.named("朋友"), "here")).unwrap();
    assert_eq!(place.world().sent().last().unwrap().content, "here");
}
