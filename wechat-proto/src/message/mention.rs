//! Mentions in rooms: `docs/protocol.md` §9.5.

use alloc::string::String;

use super::{AppKind, Kind, Message};
use crate::contact::Directory;
use crate::session::Me;

/// The separator that the service's own clients append to a name: a four-per-em space.
const SEPARATOR: char = '\u{2005}';
/// All accepted separators: some clients append an ordinary blank, and people type others.
const ENDS: [char; 6] = [SEPARATOR, ' ', '\n', '\t', '\u{a0}', '\u{3000}'];
/// The names that mention everybody, in Chinese and in English.
const EVERYBODY: [&str; 2] = ["所有人", "All"];

impl Message {
    /// Returns whether the message mentions this account: whether somebody else's text in a room
    /// contains `@` and its name.
    ///
    /// The name is the account's display name in this room, if the directory knows it, otherwise its
    /// nickname. Remarks of others and quoted text do not count. The text does not identify the
    /// account: a mention of another member with the same name matches, too.
    pub fn mentions(&self, directory: &Directory, me: &Me) -> bool {
        let room = directory.find(self.peer());
        let member = room.and_then(|room| room.member(&me.user_name));
        let there = member.map(|member| &*member.display_name).filter(|name| !name.is_empty());
        let name = there.unwrap_or(&me.nick_name);
        self.words_to_room().is_some_and(|words| is_called(words, name))
    }

    /// Returns whether the message mentions everybody in the room: `@所有人` or `@All`. Only the
    /// room's owner and managers can send it as more than text.
    pub fn mentions_everybody(&self) -> bool {
        self.words_to_room()
            .is_some_and(|words| EVERYBODY.into_iter().any(|name| is_called(words, name)))
    }

    /// Returns the text that somebody else wrote in a room, without quotations.
    fn words_to_room(&self) -> Option<&str> {
        if self.is_outgoing() || !self.peer().is_room() {
            return None;
        }
        match &self.kind {
            Kind::Text(text) => Some(without_quotation(text)),
            Kind::App(app) if app.kind == AppKind::QUOTE => Some(&app.title),
            _ => None,
        }
    }
}

/// Builds a text that begins with a mention, in the format of the service's own clients.
///
/// It is only a text: the mentioned person's phone shows no notification, which is a limit of the
/// web (`docs/protocol.md` §9.5). Use the person's display name in the room, otherwise their
/// nickname ([`name_of_author`]), never this account's remark for them.
pub fn text(name: &str, text: &str) -> String {
    let mut out = String::with_capacity(name.len() + text.len() + 4);
    out.push('@');
    out.push_str(name);
    out.push(SEPARATOR);
    out.push_str(text);
    out
}

/// Returns the name by which to mention the author of a message in its room. Returns `None` outside
/// of rooms, for messages of this account, and for people whose name the directory does not know.
pub fn name_of_author<'a>(directory: &'a Directory, message: &Message) -> Option<&'a str> {
    let speaker = message.speaker.as_ref()?;
    let member = directory.find(message.peer()).and_then(|room| room.member(speaker));
    let member = member.map(|member| [&*member.display_name, &*member.nick_name]);
    let nick_name = directory.find(speaker).map(|contact| &*contact.nick_name);
    let names = member.into_iter().flatten().chain(nick_name);
    names.into_iter().find(|name| !name.is_empty())
}

/// Strips a quotation from a text: `「name：quoted」`, a line of `- - -`, the reply. This is the
/// quotation format of older clients and the official page.
///
/// Quotations may be nested: the last such line counts.
pub fn without_quotation(text: &str) -> &str {
    if !text.starts_with('「') {
        return text;
    }
    let mut before = text;
    while let Some(at) = before.rfind("」\n") {
        let line_at = at + "」\n".len();
        let rest = text.get(line_at..).unwrap_or_default();
        let (line, reply) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.trim();
        if line.starts_with("- -") && line.bytes().all(|byte| matches!(byte, b'-' | b' ')) {
            return reply;
        }
        before = before.get(..at).unwrap_or_default();
    }
    text
}

/// Returns whether a text contains `@` and the name, followed by a blank or the end.
fn is_called(text: &str, name: &str) -> bool {
    if name.is_empty() || !text.contains('@') {
        return false;
    }
    let mut called = String::with_capacity(name.len() + 4);
    called.push('@');
    called.push_str(name);
    // One search for each separator keeps the time linear: a search for the name alone would have to
    // resume after each false match.
    text.ends_with(&*called)
        || ENDS.into_iter().any(|end| {
            called.push(end);
            let found = text.contains(&*called);
            called.pop();
            found
        })
}

#[cfg(test)]
#[path = "mention_tests.rs"]
mod tests;
