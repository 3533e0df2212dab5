//! Who is known.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::Contact;
use crate::ids::UserName;
use crate::message::Message;

/// The contacts of a session, by `UserName`: persons, rooms, official accounts.
///
/// Fed by the login, the contact lists and every `webwxsync`. A copy is a copy of pointers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Directory {
    contacts: BTreeMap<UserName, Arc<Contact>>,
}

impl Directory {
    /// The contact of this name.
    pub fn find(&self, name: &UserName) -> Option<&Contact> {
        self.contacts.get(name).map(AsRef::as_ref)
    }

    /// What to call whoever has this name: [`Contact::name`], else the name itself.
    pub fn name_of(&self, name: &UserName) -> Box<str> {
        self.find(name).map_or_else(|| name.as_str().into(), Contact::name)
    }

    /// What to call whoever said a message: the remark, else (in a room) the name that the
    /// member has there, else the nickname, else the `UserName` (`docs/protocol.md` §10).
    pub fn author_name(&self, message: &Message) -> Box<str> {
        let author = message.author();
        let contact = self.find(author);
        if let Some(contact) = contact.filter(|contact| !contact.remark_name.is_empty()) {
            return contact.name();
        }
        let room = self.find(message.peer()).filter(|room| room.is_room());
        match room.and_then(|room| room.member(author)) {
            Some(member) => member.name().into(),
            None => self.name_of(author),
        }
    }

    /// All of them, in the order of their `UserName`s.
    pub fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.values().map(AsRef::as_ref)
    }

    /// The rooms among them.
    pub fn rooms(&self) -> impl Iterator<Item = &Contact> {
        self.iter().filter(|contact| contact.is_room())
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.contacts.len()
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }

    /// Takes a record; what is empty in it erases nothing.
    pub(crate) fn merge(&mut self, contact: Contact) {
        let contact = match self.contacts.get(&contact.user_name) {
            Some(old) => contact.over(old),
            None => contact,
        };
        self.contacts.insert(contact.user_name.clone(), Arc::new(contact));
    }

    pub(crate) fn remove(&mut self, name: &UserName) {
        self.contacts.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::contact::record::WireContact;
    use crate::wire::lenient::Lenient as _;

    #[test]
    fn merges_and_removes() {
        let record = |json: &str| WireContact::read(json).take().unwrap();
        let mut directory = Directory::default();
        directory.merge(record(r#"{"UserName":"@1","NickName":"a","RemarkName":"r"}"#));
        directory.merge(record(r#"{"UserName":"@1","NickName":"b"}"#));
        directory.merge(record(r#"{"UserName":"@@2","NickName":"room"}"#));
        let name: UserName = "@1".parse().unwrap();
        assert_eq!(&*directory.find(&name).unwrap().nick_name, "b");
        assert_eq!(&*directory.name_of(&name), "r");
        assert_eq!(directory.rooms().count(), 1);
        let said = |room: &str| {
            crate::testing::message(&format!(
                r#""FromUserName":"{room}","Content":"@7:<br/>x","MsgType":1"#
            ))
        };
        directory.merge(record(
            r#"{"UserName":"@@3","MemberList":[{"UserName":"@7","NickName":"n","DisplayName":"d"}]}"#,
        ));
        assert_eq!(&*directory.author_name(&said("@@3")), "d");
        assert_eq!(&*directory.author_name(&said("@@2")), "@7");
        assert_eq!(&*directory.author_name(&said("@1")), "r");
        directory.merge(record(r#"{"UserName":"@7","NickName":"n","RemarkName":"remark"}"#));
        assert_eq!(&*directory.author_name(&said("@@3")), "remark");
        directory.remove(&name);
        assert_eq!((directory.len(), &*directory.name_of(&name)), (3, "@1"));
    }
}
