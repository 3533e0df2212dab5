//! Who is known.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::Contact;
use crate::ids::UserName;

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
    pub fn name_of(&self, name: &UserName) -> alloc::boxed::Box<str> {
        self.find(name).map_or_else(|| name.as_str().into(), Contact::name)
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
        directory.remove(&name);
        assert_eq!((directory.len(), &*directory.name_of(&name)), (1, "@1"));
    }
}
