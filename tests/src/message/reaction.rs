//! Automatic answers to messages of the client.

use crate::message::{Incoming, Sent};
use crate::world::World;

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

    fn matches(&self, sent: &Sent) -> bool {
        self.to.as_ref().is_none_or(|to| *to == sent.to)
            && self.content.as_ref().is_none_or(|content| *content == sent.content)
            && self.part.as_ref().is_none_or(|part| sent.content.contains(part))
    }
}

impl World {
    /// Adds an automatic answer. It applies to messages that the client sends from now on.
    pub fn react(&mut self, reaction: Reaction) {
        self.reactions.push(reaction);
    }

    /// Delivers the answers to the messages from the index `first` on.
    pub(crate) fn answer_messages(&mut self, first: usize) {
        let answers: Vec<Incoming> = self.sent[first..]
            .iter()
            .flat_map(|sent| self.reactions.iter().filter(|reaction| reaction.matches(sent)))
            .map(|reaction| reaction.answer.clone())
            .collect();
        for answer in answers {
            self.deliver(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;

    #[test]
    fn matching_messages_are_answered() {
        let mut client = Client::ready(World::demo());
        let (ada, ben) = {
            let mut world = client.simulator.world();
            let (ada, ben) = (world.add_person("Ada"), world.add_person("Ben"));
            let answer = |text| Reaction::new(Incoming::text(&ada, text));
            world.react(answer("every"));
            world.react(answer("to Ada").to(&ada));
            world.react(answer("equal").equal_to("ping"));
            world.react(answer("part").containing("pin"));
            (ada, ben)
        };
        for (to, text, answers) in [
            (&ada, "ping", vec!["every", "to Ada", "equal", "part"]),
            (&ben, "pins", vec!["every", "part"]),
            (&ben, "hello", vec!["every"]),
        ] {
            let before = client.simulator.world().delivered().len();
            client.message(to, text);
            client.sync();
            let world = client.simulator.world();
            let found: Vec<_> =
                world.delivered()[before..].iter().map(|message| &*message.content).collect();
            assert_eq!(found, answers, "{text}");
        }
        client.assert_clean();
    }
}
