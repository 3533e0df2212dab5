//! Mentions in rooms: `docs/protocol.md` §9.5.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::{AppKind, Kind, Message};
use crate::contact::Directory;
use crate::session::Me;
use crate::text::fold::{fold, fold_part};

/// The separator that the service's own clients append to a name: a four-per-em space.
const SEPARATOR: &str = "\u{2005}";
/// The ordinary, the full-width and the small sign.
const AT: [char; 3] = ['@', '\u{ff20}', '\u{fe6b}'];
/// The names that mention everybody, in Chinese and in English.
const EVERYBODY: [&str; 2] = ["所有人", "All"];

impl Message {
    /// Returns whether the message mentions this account: whether somebody else's text in a room
    /// contains `@` and the account's name, compared as in [`Directory::named`]. Returns `None` if
    /// the text contains `@` and the directory does not list the account as a member of the room.
    ///
    /// The name is the account's display name in this room, otherwise its nickname. Remarks of
    /// others and quoted text do not count. The text does not identify the account: a mention of
    /// another member with the same name matches, too.
    pub fn mentions(&self, directory: &Directory, me: &Me) -> Option<bool> {
        let Some(words) = self.words_to_room().filter(|words| words.contains(AT)) else {
            return Some(false);
        };
        let name = self.name_there(directory, me)?;
        Some(!places(words, name).is_empty())
    }

    /// Returns whether the message mentions everybody in the room: `@所有人` or `@All`. Only the
    /// room's owner and managers can send it as more than text.
    pub fn mentions_everybody(&self) -> bool {
        self.words_to_room()
            .is_some_and(|words| EVERYBODY.into_iter().any(|name| !places(words, name).is_empty()))
    }

    /// Returns the text of a text message or a reply, without quotations and without
    /// [mentions](Message::mentions) of this account: `@bot help` becomes `help`. Returns `None` for
    /// other kinds of messages.
    pub fn text_without_mention(&self, directory: &Directory, me: &Me) -> Option<String> {
        let words = self.words()?;
        let name = self.words_to_room().and_then(|_| self.name_there(directory, me));
        let mut out = String::with_capacity(words.len());
        let mut from = 0;
        for place in name.map(|name| places(words, name)).unwrap_or_default() {
            out.push_str(words.get(from..place.start).unwrap_or_default());
            let blank = words.get(place.end..).and_then(|rest| rest.chars().next());
            from = place.end + blank.map_or(0, char::len_utf8);
        }
        out.push_str(words.get(from..).unwrap_or_default());
        Some(out.trim().into())
    }

    /// Returns the name of this account in the message's room, if its members are known.
    fn name_there<'a>(&self, directory: &'a Directory, me: &'a Me) -> Option<&'a str> {
        let member = directory.find(self.peer())?.member(&me.user_name)?;
        let names = [&member.display_name, &me.nick_name, &member.nick_name];
        names.into_iter().map(|name| &**name).find(|name| member.has_name() && !name.is_empty())
    }

    /// Returns the text that somebody else wrote in a room, without quotations.
    fn words_to_room(&self) -> Option<&str> {
        if self.is_outgoing() || !self.peer().is_room() { None } else { self.words() }
    }

    fn words(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(without_quotation(text)),
            Kind::App(app) if app.kind == AppKind::QUOTE => Some(&app.title),
            _ => None,
        }
    }
}

/// Builds a text that begins with a mention, in the format of the service's own clients.
///
/// The phone of the mentioned person shows no notification for it, which is a limit of the web
/// (`docs/protocol.md` §9.5). Use the person's display name in the room, otherwise their nickname
/// ([`name_of_author`]), never this account's remark for them.
pub fn text(name: &str, text: &str) -> String {
    ["@", name, SEPARATOR, text].concat()
}

/// Returns the name by which to mention the author of a message in its room. Returns `None` outside
/// of rooms, for messages of this account, and for people whose name is not in the directory.
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
/// Quotations may be nested, so the last such line is the end.
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

/// Returns the places in a text of `@` and the name, followed by a blank or the end, in linear time.
fn places(text: &str, name: &str) -> Vec<Range<usize>> {
    let mut called = fold(&["@", name].concat());
    if called == "@" || !text.contains(AT) {
        return Vec::new();
    }
    called.push(' ');
    // The parts of the text, which end at blanks and before `@`, as ranges of it and of its folded
    // form.
    let mut parts: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut folded = String::with_capacity(text.len() + 1);
    let mut start = 0;
    for (end, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if AT.contains(&c) || c.is_whitespace() {
            let from = folded.len();
            folded.push_str(&fold_part(text.get(start..end).unwrap_or_default()));
            if from < folded.len() {
                parts.push((start..end, from..folded.len()));
            }
            start = end;
            if c.is_whitespace() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
    }
    let place = |(from, found): (usize, &str)| {
        let end = from + found.len() - 1;
        let first = parts.binary_search_by_key(&from, |(_, part)| part.start).ok()?;
        let last = parts.binary_search_by_key(&end, |(_, part)| part.end).ok()?;
        Some(parts.get(first)?.0.start..parts.get(last)?.0.end)
    };
    folded.match_indices(&*called).filter_map(place).collect()
}

#[cfg(test)]
#[path = "mention_tests.rs"]
mod tests;
