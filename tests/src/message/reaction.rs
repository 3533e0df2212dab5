//! Automatic answers to messages of the client.

use crate::message::{Incoming, Sent};

/// An answer to each message of the client that matches, delivered as soon as that message is sent.
///
/// ```
/// use wechat_simulator::{Incoming, Reaction, World};
///
/// let mut world = World::demo();
/// let ada = world.add_person("Ada");
/// world.react(Reaction::new(Incoming::text(&ada, "pong")).to(&ada).containing("ping"));
/// ```
#[derive(Clone, Debug)]
pub struct Reaction {
    pub(crate) answer: Incoming,
    pub(crate) to: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) part: Option<String>,
}

impl Reaction {
    /// Creates an answer to every message.
    pub const fn new(answer: Incoming) -> Self {
        Self { answer, to: None, content: None, part: None }
    }

    /// Restricts it to messages to this `UserName`.
    #[must_use]
    pub fn to(mut self, user_name: &str) -> Self {
        self.to = Some(user_name.to_owned());
        self
    }

    /// Restricts it to messages with exactly this content.
    #[must_use]
    pub fn equal_to(mut self, content: &str) -> Self {
        self.content = Some(content.to_owned());
        self
    }

    /// Restricts it to messages whose content contains this text.
    #[must_use]
    pub fn containing(mut self, part: &str) -> Self {
        self.part = Some(part.to_owned());
        self
    }

    pub(crate) fn matches(&self, sent: &Sent) -> bool {
        self.to.as_ref().is_none_or(|to| *to == sent.to)
            && self.content.as_ref().is_none_or(|content| *content == sent.content)
            && self.part.as_ref().is_none_or(|part| sent.content.contains(part))
    }
}
