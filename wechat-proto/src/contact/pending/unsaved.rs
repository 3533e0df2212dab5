//! The contacts that are not in the address book, in the order of their last use.

use alloc::collections::BTreeMap;

use crate::ids::UserName;

/// The contacts that are not in the address book, in the order of their last use.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsaved {
    by_use: BTreeMap<u64, UserName>,
    last_use: BTreeMap<UserName, u64>,
    uses: u64,
}

impl Unsaved {
    /// Adds a contact, or records another use of it.
    pub(super) fn touch(&mut self, name: &UserName) {
        self.uses += 1;
        let name = match self.last_use.get_mut(name) {
            Some(last) => self.by_use.remove(&core::mem::replace(last, self.uses)),
            None => {
                self.last_use.insert(name.clone(), self.uses);
                Some(name.clone())
            }
        };
        self.by_use.extend(name.map(|name| (self.uses, name)));
    }

    /// Removes a contact.
    pub(super) fn remove(&mut self, name: &UserName) {
        if let Some(last) = self.last_use.remove(name) {
            self.by_use.remove(&last);
        }
    }

    /// Removes the contact whose last use is the oldest.
    pub(super) fn pop_oldest(&mut self) -> Option<UserName> {
        let (_, name) = self.by_use.pop_first()?;
        self.last_use.remove(&name);
        Some(name)
    }

    pub(super) fn len(&self) -> usize {
        self.by_use.len()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use crate::account::Account;
    use crate::testing::{contact, message, session};

    fn learn(account: &mut Account, name: &str, flag: u32, members: usize) {
        let members: Vec<String> = (0..members)
            .map(|n| format!(r#"{{"UserName":"@{n}","NickName":"{n:01000}"}}"#))
            .collect();
        account.learn([contact(&format!(
            r#"{{"UserName":"{name}","NickName":"n","ContactFlag":{flag},"MemberList":[{}]}}"#,
            members.join(",")
        ))]);
    }

    fn names(account: &Account) -> Vec<&str> {
        account.directory().iter().map(|contact| contact.user_name.as_str()).collect()
    }

    /// Threat W3.
    #[test]
    fn oldest_unsaved_contacts_leave_a_directory_that_is_too_large() {
        let mut account = Account::from(session());
        account.limit_directory(350_000);
        learn(&mut account, "@friend", 3, 0);
        learn(&mut account, "@@1", 0, 100);
        learn(&mut account, "@@2", 3, 100);
        learn(&mut account, "@@3", 0, 100);
        // A message counts as a use of its contact.
        let said = message(r#""FromUserName":"@@1","ToUserName":"@me","MsgType":1"#);
        account.pending.note(&mut account.directory, &said);
        learn(&mut account, "@@4", 0, 100);
        assert_eq!(names(&account), ["@@1", "@@2", "@@4", "@friend"]);
        // Contacts of the address book are kept, and no others are added once they fill the
        // directory.
        learn(&mut account, "@@5", 3, 300);
        assert_eq!(names(&account), ["@@2", "@@5", "@friend"]);
        learn(&mut account, "@@6", 3, 1);
        learn(&mut account, "@@2", 3, 110);
        assert_eq!(names(&account), ["@@2", "@@5", "@friend"]);
        let room = |account: &Account| {
            account.directory().find(&"@@2".parse().unwrap()).unwrap().members.len()
        };
        assert_eq!(room(&account), 100);
        account.limit_directory(1 << 20);
        learn(&mut account, "@@2", 3, 110);
        assert_eq!(room(&account), 110);
    }
}
