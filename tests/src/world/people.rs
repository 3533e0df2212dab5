//! The people and rooms of a world, and their actions.

use crate::contact::{Contact, Member};
use crate::message::{Incoming, name_on_the_wire};
use crate::routes::change::report_change;
use crate::world::{Event, World};

impl World {
    /// Adds a friend. The name is plain, or has its emoji as spans. Returns the `UserName`.
    pub fn add_person(&mut self, nick_name: &str) -> String {
        let contact = Contact { contact_flag: 3, sns_flag: 17, ..self.somebody(nick_name) };
        self.add(contact)
    }

    /// Adds a person who is no contact, for example a future member of rooms. Returns the `UserName`.
    pub fn add_stranger(&mut self, nick_name: &str) -> String {
        let contact = self.somebody(nick_name);
        self.add(contact)
    }

    /// Adds an official account. Returns the `UserName`.
    pub fn add_official(&mut self, nick_name: &str) -> String {
        let permanent = format!("gh_{}", self.rng.hex(12));
        let contact = Contact {
            contact_flag: 3,
            verify_flag: 8,
            key_word: "gh_".to_owned(),
            permanent,
            sex: 0,
            ..self.somebody(nick_name)
        };
        self.add(contact)
    }

    /// Adds a special account with a bare name, such as `filehelper`. Returns the `UserName`.
    pub fn add_special(&mut self, user_name: &str, nick_name: &str) -> String {
        let contact = Contact {
            user_name: user_name.to_owned(),
            permanent: user_name.to_owned(),
            nick_name: name_on_the_wire(nick_name),
            py_initial: "WJCSZS".to_owned(),
            py_quan_pin: "wenjianchuanshuzhushou".to_owned(),
            contact_flag: 3,
            ..Contact::default()
        };
        self.add(contact)
    }

    /// Adds a room of the account and these members. It is a recent chat and not in the address book. Other accounts
    /// among the members also have the room. Returns the `UserName`.
    pub fn add_room(&mut self, name: &str, members: &[&str]) -> String {
        let room = self.new_room(name, members);
        let room = self.add(room);
        self.share_room(&room, &[]);
        room
    }

    /// Creates a room without adding it. The account is the last member, the first one is the owner.
    pub(crate) fn new_room(&mut self, name: &str, members: &[&str]) -> Contact {
        let mut members: Vec<Member> = members.iter().map(|name| Member::new(name)).collect();
        members.push(Member::new(&self.account.user_name));
        Contact {
            user_name: format!("@@{}", self.rng.hex(64)),
            permanent: format!("{}@chatroom", self.rng.digits(10)),
            nick_name: name_on_the_wire(name),
            contact_flag: 2,
            statues: 1,
            encry_chat_room_id: format!("@{}", self.rng.hex(32)),
            owner: members[0].user_name.clone(),
            members,
            ..Contact::default()
        }
    }

    /// Adds a room to the address book.
    pub fn save_room(&mut self, room: &str) {
        if let Some(room) = self.contact_mut(room) {
            room.saved = true;
            room.contact_flag |= 1;
        }
    }

    fn somebody(&mut self, nick_name: &str) -> Contact {
        let plain: String = nick_name.chars().filter(char::is_ascii_alphanumeric).collect();
        Contact {
            user_name: format!("@{}", self.rng.hex(64)),
            permanent: format!("wxid_{}", self.rng.hex(14)),
            nick_name: name_on_the_wire(nick_name),
            py_initial: plain.to_uppercase(),
            py_quan_pin: plain,
            sex: self.rng.between(0, 3) as i64,
            attr_status: self.rng.between(2_147_483_648, 2_147_600_000) as i64,
            ..Contact::default()
        }
    }

    pub(crate) fn add(&mut self, contact: Contact) -> String {
        let name = contact.user_name.clone();
        self.contacts.push(contact);
        name
    }

    /// Changes a contact and reports the change to the client. The new state of a room is also sent
    /// to the other accounts that are or were in it.
    pub fn change_contact(&mut self, user_name: &str, change: impl FnOnce(&mut Contact)) {
        let Some(contact) = self.contact_mut(user_name) else { return };
        let before = contact.members.clone();
        change(contact);
        report_change(self, user_name);
        self.share_room(user_name, &before);
    }

    /// Changes a contact without reporting it; for use before the login.
    pub fn set_contact(&mut self, user_name: &str, change: impl FnOnce(&mut Contact)) {
        if let Some(contact) = self.contact_mut(user_name) {
            change(contact);
        }
    }

    /// Removes a contact from the address book and reports it to the client. The person remains as a stranger.
    pub fn remove_contact(&mut self, user_name: &str) {
        if let Some(contact) = self.contact_mut(user_name) {
            contact.contact_flag = 0;
            contact.saved = false;
        }
        self.timeline.push(Event::Removed { user_name: user_name.to_owned(), contact_flag: 0 });
    }

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
}
