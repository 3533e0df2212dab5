//! Handlers of messages, selected by kind, chat, sender, mention or text.
//!
//! A [`Router`] is pure: it returns the handler of a message, of any type. The `Bot` of both clients
//! runs one.
//!
//! ```
//! use wechat_proto::message::Kind;
//! use wechat_proto::router::{Router, When};
//!
//! let router = Router::new()
//!     .on(When::command("/help"), "help")
//!     .on(When::mentioned(), "answer")
//!     .on(When::kind(|kind| matches!(kind, Kind::Image(_))).in_chat("Photos"), "save")
//!     .on(When::text("good *morning*"), "greet");
//! # let _ = router;
//! ```

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::contact::{Directory, Recipient};
use crate::error::Chain;
use crate::message::{Kind, Message};
use crate::session::Me;
use crate::text::fold::fold;
use crate::{Event, UserName};

/// A condition on messages, under which a handler is called. All parts of the condition must be
/// met. Messages that the account itself sent from its phone match only with
/// [`or_own`](When::or_own).
///
/// Texts are compared in the normalized form of [`Directory::named`], without a mention of the
/// account.
#[derive(Clone, Debug, Default)]
pub struct When {
    kind: Option<fn(&Kind) -> bool>,
    chat: Option<Recipient>,
    sender: Option<Recipient>,
    is_room: Option<bool>,
    is_mentioned: bool,
    is_own: bool,
    text: Option<Text>,
}

#[derive(Clone, Debug)]
enum Text {
    Command(Box<str>),
    /// The parts between the asterisks of a pattern.
    Pattern(Vec<String>),
}

impl When {
    /// Returns the condition that every message meets.
    pub fn any() -> Self {
        Self::default()
    }

    /// Returns the condition that the payload is of a kind for which this function returns `true`.
    pub fn kind(is: fn(&Kind) -> bool) -> Self {
        Self { kind: Some(is), ..Self::default() }
    }

    /// Returns the condition that the message is a friend request, to be accepted with
    /// [`VerifyUser::accept_request`](crate::contact::VerifyUser::accept_request).
    pub fn friend_request() -> Self {
        Self::kind(|kind| matches!(kind, Kind::FriendRequest(_)))
    }

    /// Returns the condition that the message mentions the account in a room.
    pub fn mentioned() -> Self {
        Self { is_mentioned: true, ..Self::default() }
    }

    /// Returns the condition that the whole text matches this pattern; `*` matches any text,
    /// including none.
    pub fn text(pattern: &str) -> Self {
        let parts =
            pattern.split('*').map(|part| if part.is_empty() { String::new() } else { fold(part) });
        Self { text: Some(Text::Pattern(parts.collect())), ..Self::default() }
    }

    /// Returns the condition that the first word of the text is this one, such as `/help`.
    /// [`Router::find`] returns the text after it.
    pub fn command(word: &str) -> Self {
        Self { text: Some(Text::Command(fold(word).into())), ..Self::default() }
    }

    /// Adds the condition that the message is in this chat, with a person or in a room. A name
    /// matches every contact that has it.
    #[must_use]
    pub fn in_chat(self, chat: impl Into<Recipient>) -> Self {
        Self { chat: Some(chat.into()), ..self }
    }

    /// Adds the condition that the message is in a room.
    #[must_use]
    pub fn in_rooms(self) -> Self {
        Self { is_room: Some(true), ..self }
    }

    /// Adds the condition that the message is in a chat with one person.
    #[must_use]
    pub fn in_private_chats(self) -> Self {
        Self { is_room: Some(false), ..self }
    }

    /// Adds the condition that this person wrote the message, in a room or not. A name matches
    /// every person who has it, in the room or as a contact: names do not identify people.
    #[must_use]
    pub fn from(self, sender: impl Into<Recipient>) -> Self {
        Self { sender: Some(sender.into()), ..self }
    }

    /// Includes messages of the account itself.
    #[must_use]
    pub fn or_own(self) -> Self {
        Self { is_own: true, ..self }
    }

    /// Returns the rest of the text if a message meets the conditions.
    fn matches(&self, message: &Message, directory: &Directory, me: &Me) -> Option<String> {
        if message.is_outgoing() && !self.is_own
            || self.kind.is_some_and(|is| !is(&message.kind))
            || self.is_room.is_some_and(|is_room| message.peer().is_room() != is_room)
            || self.chat.as_ref().is_some_and(|chat| !directory.is_named(message.peer(), chat))
            || self.sender.as_ref().is_some_and(|sender| {
                let author = message.author();
                let is_member = |name: &str| fold(&directory.author_name(message)) == fold(name);
                !directory.is_named(author, sender)
                    && !matches!(sender, Recipient::Named(name) if is_member(name))
            })
            || self.is_mentioned && message.mentions(directory, me) != Some(true)
        {
            return None;
        }
        let text = message.text_without_mention(directory, me);
        match &self.text {
            None => Some(text.unwrap_or_default()),
            Some(Text::Pattern(parts)) => text.filter(|text| fits(&fold(text), parts)),
            Some(Text::Command(command)) => {
                let text = text?;
                let text = text.trim_start();
                let (word, rest) =
                    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
                (fold(word) == **command).then(|| rest.trim().into())
            }
        }
    }
}

/// Returns whether a text consists of these parts with any texts between them, in linear time.
fn fits(text: &str, parts: &[String]) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|part| part == text);
    };
    let Some(mut rest) = text.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last))
    else {
        return false;
    };
    for part in middle {
        match rest.split_once(&**part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

/// A report of a running bot.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Report<'a> {
    /// An event without a handler. The last one is [`Event::Closed`].
    Event(&'a Event),
    /// The handler of this message failed with this error. The message is acknowledged, unless the
    /// handler is called again.
    Failed(&'a Message, &'a (dyn core::error::Error + Send + Sync + 'static)),
}

/// Writes a line for a log.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Failed(message, error) => {
                write!(f, "the handler of \"{message}\" failed: {}", Chain(*error))
            }
        }
    }
}

/// Handlers with their conditions. A message is handled by the first whose condition it meets.
#[derive(Clone, Debug)]
pub struct Router<H> {
    routes: Vec<(When, H)>,
}

impl<H> Default for Router<H> {
    fn default() -> Self {
        Self { routes: Vec::new() }
    }
}

impl<H> Router<H> {
    /// Returns a router without handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler.
    #[must_use]
    pub fn on(mut self, when: When, handler: H) -> Self {
        self.routes.push((when, handler));
        self
    }

    /// Returns the handler of a message, and the message's text without a mention of the account; after
    /// a command, the text that follows it. The text is empty if the message has none.
    ///
    /// Returns `None` if the message meets no condition.
    pub fn find(
        &mut self,
        message: &Message,
        directory: &Directory,
        me: &Me,
    ) -> Option<(&mut H, String)> {
        self.routes.iter_mut().find_map(|(when, handler)| {
            when.matches(message, directory, me).map(|rest| (handler, rest))
        })
    }
}

/// Tasks that run concurrently for several chats, and in order within each.
#[derive(Clone, Debug)]
pub struct Turns<T> {
    /// The waiting tasks of each chat with a running one.
    chats: BTreeMap<UserName, VecDeque<T>>,
    count: usize,
    limit: usize,
}

impl<T> Turns<T> {
    /// Returns turns for at most `limit` tasks, running and waiting; a limit of 0 counts as 1.
    pub fn new(limit: usize) -> Self {
        Self { chats: BTreeMap::new(), count: 0, limit: limit.max(1) }
    }

    /// Returns whether another task may be [added](Turns::add).
    pub fn has_room(&self) -> bool {
        self.count < self.limit
    }

    /// Adds a task of a chat; returns it if it may run now, otherwise it waits for its turn.
    pub fn add(&mut self, chat: UserName, task: T) -> Option<T> {
        self.count += 1;
        match self.chats.get_mut(&chat) {
            Some(waiting) => {
                waiting.push_back(task);
                None
            }
            None => {
                self.chats.insert(chat, VecDeque::new());
                Some(task)
            }
        }
    }

    /// Ends the running task of a chat; returns the next one, which runs now.
    pub fn end(&mut self, chat: &UserName) -> Option<T> {
        let waiting = self.chats.get_mut(chat)?;
        self.count -= 1;
        let next = waiting.pop_front();
        if next.is_none() {
            self.chats.remove(chat);
        }
        next
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
