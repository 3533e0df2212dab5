//! The people and rooms of a world, and their actions.

use crate::contact::rooms::{Invitation, Verification};
use crate::contact::{Contact, Member, SPECIAL};
use crate::wire::text::name_on_the_wire;
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
        self.report_change(user_name);
        self.share_room(user_name, &before);
    }

    /// Changes a contact without reporting it; for use before the login.
    pub fn set_contact(&mut self, user_name: &str, change: impl FnOnce(&mut Contact)) {
        if let Some(contact) = self.contact_mut(user_name) {
            change(contact);
        }
    }

    /// Removes a contact from the address book and reports the removal to the client. The person remains as a stranger.
    pub fn remove_contact(&mut self, user_name: &str) {
        if let Some(contact) = self.contact_mut(user_name) {
            contact.contact_flag = 0;
            contact.saved = false;
        }
        self.timeline.push(Event::Removed { user_name: user_name.to_owned(), contact_flag: 0 });
    }

    /// Returns the room with this `EncryChatRoomId` or `UserName`: working clients use either (docs/protocol.md §16).
    pub(crate) fn room(&self, id: &str) -> Option<&Contact> {
        let mut rooms = self.contacts().iter().filter(|contact| contact.is_room());
        rooms.find(|room| [&*room.encry_chat_room_id, &room.user_name].contains(&id))
    }

    /// Returns the friend requests that the client has sent or answered, in order.
    pub fn verifications(&self) -> &[Verification] {
        &self.rooms.verifications
    }

    /// Returns the invitations into rooms, in order.
    pub fn invitations(&self) -> &[Invitation] {
        &self.rooms.invitations
    }

    /// Sets whether remarks are answered with 0 without effect, as by the service since 2023. Default: false.
    pub const fn ignore_remarks(&mut self, on: bool) {
        self.rooms.ignores_remarks = on;
    }

    /// Records that a person has blocked or deleted the account: new rooms omit that person.
    pub fn is_blocked_by(&mut self, user_name: &str) {
        self.rooms.blockers.insert(user_name.to_owned());
    }

    /// Refuses the next room. The answer has the code 0, no name, and this notice.
    pub fn make_no_room(&mut self, notice: &str) {
        self.rooms.notice = Some(notice.to_owned());
    }

    /// Sets the number of members at which people are invited instead of added, as announced by `webwxinit`. Default:
    /// 40.
    pub const fn invite_start_count(&mut self, count: usize) {
        self.rooms.invite_start = count;
    }

    /// Reports the current record of a contact to the client.
    pub(crate) fn report_change(&mut self, name: &str) {
        if let Some(contact) = self.contact(name).cloned() {
            let record = contact.changed(&|name| self.person(name));
            self.timeline.push(Event::Changed(record));
        }
    }

    /// Lists a new room among the chats when the client first writes into it.
    pub(crate) fn written_into(&mut self, room: &str) {
        if self.rooms.silent.remove(room) {
            self.change_contact(room, |contact| contact.contact_flag |= 2);
        }
    }

    /// Returns whether the client may know this name.
    pub(crate) fn is_known(&self, user_name: &str) -> bool {
        SPECIAL.contains(&user_name)
            || user_name == self.account.user_name
            || self.mentioned.contains(user_name)
            || self.contact(user_name).is_some()
    }

    pub(crate) fn mention(&mut self, user_name: &str) {
        self.mentioned.insert(user_name.to_owned());
    }

    /// Returns whether its picture needs no room to be fetched: contacts, official and special accounts.
    pub(crate) fn in_reach(&self, user_name: &str) -> bool {
        SPECIAL.contains(&user_name)
            || self.contact(user_name).is_some_and(|contact| contact.contact_flag & 1 != 0)
    }

    pub(crate) fn may_write_to(&self, user_name: &str) -> bool {
        if self.entry_page.is_file_helper() {
            return user_name == "filehelper";
        }
        SPECIAL.contains(&user_name)
            || user_name == self.account.user_name
            || self.rooms.silent.contains(user_name)
            || self.contact(user_name).is_some_and(Contact::is_reachable)
    }

    /// Returns whether `webwxgetcontact` lists it. Rooms are listed only if they were saved.
    pub(crate) fn in_book(&self, contact: &Contact) -> bool {
        contact.contact_flag & 1 != 0 && (!contact.is_room() || contact.saved)
    }

    /// Returns the recent chats: all rooms and the first few other contacts.
    pub(crate) fn recent(&self) -> Vec<String> {
        let here = |contact: &&Contact| contact.is_reachable();
        let rooms = self.contacts.iter().filter(here).filter(|contact| contact.is_room());
        let others = self.contacts.iter().filter(here).filter(|contact| !contact.is_room()).take(8);
        others.chain(rooms).map(|contact| contact.user_name.clone()).collect()
    }
}
