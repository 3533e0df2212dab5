//! Who is spoken to in a room: `docs/protocol.md` §9.5.

use alloc::string::String;

use super::{AppKind, Kind, Message};
use crate::contact::Directory;
use crate::session::Me;

/// What the service's own clients put behind a name: a blank of a quarter em.
const BEHIND: char = '\u{2005}';
/// What is found there: some clients put an ordinary blank, people type others.
const ENDS: [char; 6] = [BEHIND, ' ', '\n', '\t', '\u{a0}', '\u{3000}'];
/// The name of everybody, in Chinese and in English.
const EVERYBODY: [&str; 2] = ["所有人", "All"];

impl Message {
    /// Whether it speaks to this account: in a room, somebody else's text has `@` and its name.
    ///
    /// That name is what the account calls itself in this room, if the directory knows that, else
    /// its nickname; what others call it does not count, nor does what the text quotes. A text is
    /// all there is: whoever has the same name is meant, too.
    pub fn mentions(&self, directory: &Directory, me: &Me) -> bool {
        let room = directory.find(self.peer());
        let member = room.and_then(|room| room.member(&me.user_name));
        let there = member.map(|member| &*member.display_name).filter(|name| !name.is_empty());
        let name = there.unwrap_or(&me.nick_name);
        self.words_to_room().is_some_and(|words| is_called(words, name))
    }

    /// Whether it speaks to everybody in the room: `@所有人` or `@All`, which the service lets
    /// only its owner and managers send as more than text.
    pub fn mentions_everybody(&self) -> bool {
        self.words_to_room()
            .is_some_and(|words| EVERYBODY.into_iter().any(|name| is_called(words, name)))
    }

    /// What somebody else says in a room, without what they quote.
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

/// A text that begins with a mention, as the service's own clients write it.
///
/// It is mere text: the phone of the one mentioned raises no notice, which is a limit of the web
/// (`docs/protocol.md` §9.5). The name to use is what the person calls itself in the room, else
/// its nickname ([`name_of_author`]), never what this account calls it.
pub fn text(name: &str, text: &str) -> String {
    let mut out = String::with_capacity(name.len() + text.len() + 4);
    out.push('@');
    out.push_str(name);
    out.push(BEHIND);
    out.push_str(text);
    out
}

/// The name by which the author of a message is mentioned in its room; nothing outside of rooms,
/// for what this account wrote, and for people whose name the directory does not know.
pub fn name_of_author<'a>(directory: &'a Directory, message: &Message) -> Option<&'a str> {
    let speaker = message.speaker.as_ref()?;
    let member = directory.find(message.peer()).and_then(|room| room.member(speaker));
    let member = member.map(|member| [&*member.display_name, &*member.nick_name]);
    let nick_name = directory.find(speaker).map(|contact| &*contact.nick_name);
    let names = member.into_iter().flatten().chain(nick_name);
    names.into_iter().find(|name| !name.is_empty())
}

/// A text without what it quotes: `「name：quoted」`, a line of `- - -`, the reply. Older clients
/// quote that way, and the official page.
///
/// What was quoted may itself quote: the last such line counts.
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

/// Whether a text has `@` and the name, followed by a blank or the end.
fn is_called(text: &str, name: &str) -> bool {
    if name.is_empty() || !text.contains('@') {
        return false;
    }
    let mut called = String::with_capacity(name.len() + 4);
    called.push('@');
    called.push_str(name);
    // One search for each end: a search for the name alone would have to go back behind each
    // that something else follows.
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
