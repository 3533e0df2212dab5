//! The messages of a world.

use crate::media::{Asset, Part};
use crate::message::Incoming;
use crate::message::app::Quoted;
use crate::message::kinds::MAP;
use crate::message::reaction::Reaction;
use crate::wire::text::off_the_wire;
use crate::world::{Event, World};

impl World {
    /// Delivers a text from a person. Returns the `MsgId`.
    pub fn person_writes(&mut self, from: &str, text: &str) -> String {
        self.deliver(Incoming::text(from, text))
    }

    /// Delivers a text from a member of a room. Returns the `MsgId`.
    pub fn member_writes(&mut self, room: &str, member: &str, text: &str) -> String {
        self.deliver(Incoming::text(member, text).in_room(room))
    }

    /// Delivers a message of any type and content. Returns the `MsgId`. A message from the account's phone or from a
    /// member of a room is also delivered to the other accounts in the chat.
    pub fn deliver(&mut self, mut message: Incoming) -> String {
        message.msg_id.get_or_insert_with(|| self.rng.digits(19));
        self.share(&message);
        self.deliver_here(message)
    }

    /// Delivers a file from a person. Returns its `MsgId` and `MediaId`.
    pub fn person_sends_file(&mut self, from: &str, file_name: &str) -> (String, String) {
        let media_id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(128));
        let bytes = self.media(&Asset::File(media_id.clone())).bytes;
        let message = Incoming::file(from, file_name, bytes);
        (self.deliver(Incoming { media_id: media_id.clone(), ..message }), media_id)
    }

    /// Delivers a location from a person: a text whose `Content` names a map. Returns its `MsgId`.
    pub fn person_sends_place(&mut self, from: &str, label: &str) -> String {
        self.deliver(Incoming::location(from, label, "", (22.513_590, 113.936_287)))
    }

    /// Returns a delivered message as a reply quotes it, for [`App::quote`](crate::App::quote).
    pub fn quoted(&self, msg_id: &str) -> Option<Quoted> {
        let (_, message) = self.arrived().find(|(id, _)| id == msg_id)?;
        let permanent = |name: &str| self.contact(name).map(|contact| contact.permanent.clone());
        let (speaker, _) = message.said();
        let contact = self.contact(speaker);
        Some(Quoted {
            msg_type: message.msg_type,
            msg_id: msg_id.to_owned(),
            from: permanent(&message.from).unwrap_or_default(),
            speaker: contact.map(|contact| contact.permanent.clone()).unwrap_or_default(),
            name: contact.map(|contact| off_the_wire(&contact.nick_name)).unwrap_or_default(),
            at: message.create_time.unwrap_or_default(),
            content: message.plain(),
        })
    }

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

    /// Delivers a message to this account only.
    pub(crate) fn deliver_here(&mut self, mut message: Incoming) -> String {
        if message.to.is_empty() {
            message.to.clone_from(&self.account.user_name);
        }
        let names = [&*message.from, &message.to, &message.recommend.user_name, message.said().0];
        for name in names.into_iter().chain(message.status_notify_user_name.split(',')) {
            self.mention(name);
        }
        let msg_id = message.msg_id.unwrap_or_else(|| self.rng.digits(19));
        message.create_time.get_or_insert(self.now() / 1000);
        message.finish(self, msg_id);
        let at = self.now();
        let record = message.record(msg_id, at);
        self.timeline.push(Event::Message { message: Box::new(message), msg_id, at, record });
        msg_id.to_string()
    }

    /// Returns the messages for the account, whether already synced or not, with their ids.
    pub(crate) fn arrived(&self) -> impl Iterator<Item = (String, &Incoming)> {
        self.timeline.iter().filter_map(|event| match event {
            Event::Message { message, msg_id, .. } => Some((msg_id.to_string(), &**message)),
            _ => None,
        })
    }

    /// Returns the message of a file.
    pub(crate) fn message_of(&self, media_id: &str) -> Option<&Incoming> {
        let mut all = self.arrived().map(|(_, message)| message);
        all.find(|message| message.media_id == media_id)
    }
}

impl Incoming {
    /// Fills in the parts that are known only on delivery: the message id and the permanent id of the sender.
    fn finish(&mut self, world: &mut World, msg_id: u64) {
        self.content =
            self.content.replace(MAP, &MAP.replace("msgid=", &format!("msgid={msg_id}")));
        let (speaker, said) = self.said();
        if let Some(person) = world.person(speaker) {
            let by_id = |text: &str| {
                let forms = [
                    ("fromusername=\"", "\""),
                    ("fromusername = \"", "\""),
                    ("&lt;fromusername&gt;", "&lt;"),
                    ("&lt;session&gt;", "&lt;"),
                ];
                forms.iter().fold(text.to_owned(), |text, (front, end)| {
                    let new = format!("{front}{}{end}", person.permanent);
                    text.replace(&format!("{front}{speaker}{end}"), &new)
                })
            };
            let front = self.content.len() - said.len();
            let (said, ori_content) = (by_id(said), by_id(&self.ori_content));
            self.ori_content = ori_content;
            self.content.truncate(front);
            self.content.push_str(&said);
        }
        for (part, media) in std::mem::take(&mut self.attached) {
            if part == Part::File && self.media_id.is_empty() {
                self.media_id = format!("@crypt_{}_{}", world.rng.hex(8), world.rng.hex(128));
            }
            let asset = part.asset(&msg_id.to_string(), &self.media_id);
            world.plant(asset, media);
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
