//! Answers to a message: texts, to where it came from.
//!
//! The web cannot quote (`docs/protocol.md` §6.2): an answer is a text like any other.

use super::send::Receipt;
use super::{Message, mention, send_text};
use crate::call::Call;
use crate::contact::Directory;
use crate::session::Session;
use crate::time::Timestamp;

/// Sends `text` to the chat that `message` belongs to: the person, or the room. For what this
/// account wrote on its phone, that is whom it wrote to.
///
/// This changes something: run it once, like [`send_text::request`].
pub fn text(session: &mut Session, message: &Message, text: &str, now: Timestamp) -> Call<Receipt> {
    send_text::request(session, message.peer(), text, now)
}

/// The same, in a room with a mention of whoever said the message ([`mention::text`]), if the
/// directory knows a name for them there.
pub fn mentioning(
    session: &mut Session,
    directory: &Directory,
    message: &Message,
    text: &str,
    now: Timestamp,
) -> Call<Receipt> {
    match mention::name_of_author(directory, message) {
        Some(name) => self::text(session, message, &mention::text(name, text), now),
        None => self::text(session, message, text, now),
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
