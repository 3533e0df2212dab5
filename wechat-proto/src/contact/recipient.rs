//! References to contacts, by `UserName` or by name.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Candidate, Contact, ContactKind, Directory, LoadContacts, Member};
use crate::text::fold::fold;
use crate::{Account, Error, Flow, Input, Interrupt, Message, Timestamp, UserName};

/// A person or a room, identified by its `UserName` or by a name.
///
/// Functions take `impl Into<Recipient>`: a [`UserName`], a [`Contact`], a [`Member`], a [`Message`]
/// (its chat), or a text. A text is the `UserName` of a known contact, `filehelper`, or the remark,
/// the nickname or the alias of one contact ([`Directory::named`]).
///
/// ```
/// use wechat_proto::UserName;
/// use wechat_proto::contact::Recipient;
///
/// assert_eq!(Recipient::from("老张").to_string(), "老张");
/// assert_eq!(Recipient::from(UserName::file_helper()).to_string(), "filehelper");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Recipient {
    /// The contact of this `UserName`, known or not.
    User(UserName),
    /// The contact of this name.
    Named(Box<str>),
}

impl Recipient {
    fn text(&self) -> &str {
        match self {
            Self::User(name) => name.as_str(),
            Self::Named(name) => name,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Implements the conversion from a type and from its reference.
macro_rules! from {
    ($($from:ty, $value:ident => $to:expr;)*) => {$(
        impl From<&$from> for Recipient {
            fn from($value: &$from) -> Self {
                $to
            }
        }
    )*};
}

from! {
    UserName, name => Self::User(name.clone());
    Contact, contact => Self::User(contact.user_name.clone());
    Member, member => Self::User(member.user_name.clone());
    Message, message => Self::User(message.peer().clone());
    Self, recipient => recipient.clone();
    str, name => Self::Named(name.into());
    String, name => Self::Named(name.as_str().into());
}

impl From<UserName> for Recipient {
    fn from(name: UserName) -> Self {
        Self::User(name)
    }
}

impl From<String> for Recipient {
    fn from(name: String) -> Self {
        Self::Named(name.into())
    }
}

impl Directory {
    /// Returns the only contact that a recipient names.
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownContact`] if no known contact has the name. A [`Recipient::User`] is never
    ///   unknown.
    /// - [`Error::AmbiguousContact`] if several have it, with all of them.
    pub fn resolve(&self, recipient: &Recipient) -> Result<UserName, Error> {
        let name = match recipient {
            Recipient::User(name) => return Ok(name.clone()),
            Recipient::Named(name) => name,
        };
        let file_helper = UserName::file_helper();
        if **name == *file_helper.as_str() {
            return Ok(file_helper);
        }
        if let Some(contact) = name.parse().ok().and_then(|name| self.find(&name)) {
            return Ok(contact.user_name.clone());
        }
        one(name, self.named(name).map(Candidate::of).collect())
    }

    /// Returns whether a recipient names this contact, alone or among others.
    pub(crate) fn is_named(&self, user: &UserName, recipient: &Recipient) -> bool {
        let name = match recipient {
            Recipient::User(name) => return name == user,
            Recipient::Named(name) => name,
        };
        let folded = fold(name);
        **name == *user.as_str()
            || self.find(user).is_some_and(|contact| {
                let names = [&contact.remark_name, &contact.nick_name, &contact.alias];
                !folded.is_empty() && names.into_iter().any(|known| fold(known) == folded)
            })
    }

    /// Returns the only member of a room that a recipient names: by the name in the room, the
    /// nickname, or the account's remark; otherwise like [`Directory::resolve`].
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownContact`] if neither a member nor a known contact has the name.
    /// - [`Error::AmbiguousContact`] if several members have it or, if none has, several contacts.
    pub fn resolve_member(&self, room: &UserName, member: &Recipient) -> Result<UserName, Error> {
        if let (Recipient::Named(name), Some(room)) = (member, self.find(room)) {
            let folded = fold(name);
            let has_name = |member: &&Member| {
                let contact = self.find(&member.user_name);
                let remark = contact.map_or("", |contact| &*contact.remark_name);
                let names = [&*member.display_name, &*member.nick_name, remark];
                !folded.is_empty() && names.into_iter().any(|known| fold(known) == folded)
            };
            let candidates: Vec<_> = room
                .members
                .iter()
                .filter(has_name)
                .map(|member| Candidate {
                    user_name: member.user_name.clone(),
                    kind: ContactKind::Person,
                    remark_name: member.display_name.clone(),
                    nick_name: member.nick_name.clone(),
                    alias: Box::default(),
                })
                .collect();
            if !candidates.is_empty() {
                return one(name, candidates);
            }
        }
        self.resolve(member)
    }
}

fn one(name: &str, candidates: Vec<Candidate>) -> Result<UserName, Error> {
    match &*candidates {
        [] => Err(Error::UnknownContact { name: name.into() }),
        [one] => Ok(one.user_name.clone()),
        _ => Err(Error::AmbiguousContact { name: name.into(), candidates: candidates.into() }),
    }
}

/// A flow that finds the contact that a recipient names.
///
/// To find a name, it first loads all contacts, once per account. It does not load them on the
/// file-transfer page, which has no contacts.
#[derive(Debug)]
pub struct Resolve {
    recipient: Recipient,
    load: LoadContacts,
}

impl Resolve {
    /// Returns a flow that finds this contact.
    pub fn new(recipient: impl Into<Recipient>) -> Self {
        Self { recipient: recipient.into(), load: LoadContacts::new() }
    }
}

impl Flow for Resolve {
    type State = Account;
    type Output = UserName;

    /// Fails with the errors of [`Directory::resolve`] and [`LoadContacts`].
    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<UserName, Interrupt> {
        let found = account.directory.resolve(&self.recipient);
        let is_user_name =
            found.as_ref().is_ok_and(|found| found.as_str() == self.recipient.text());
        if is_user_name || account.has_contacts() {
            return Ok(found?);
        }
        self.load.poll(account, now)?;
        Ok(account.directory.resolve(&self.recipient)?)
    }

    fn handle(&mut self, input: Input) {
        self.load.handle(input);
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::testing::{Host, account, contact, directory, ok};

    fn people() -> Directory {
        directory(&[
            r#"{"UserName":"@1","NickName":"Tom","Alias":"tom1","RemarkName":"老\u202e张"}"#,
            r#"{"UserName":"@2","NickName":"Ada","Alias":"TOM"}"#,
            r#"{"UserName":"@3","NickName":"Cy","RemarkName":"@2"}"#,
            r#"{"UserName":"@@r","NickName":"Ada","MemberList":[
                {"UserName":"@1","DisplayName":"Ada"},{"UserName":"@9","NickName":"Cy"},
                {"UserName":"@8","NickName":"x"},{"UserName":"@7","DisplayName":"X"}]}"#,
        ])
    }

    fn shown(result: Result<UserName, Error>) -> String {
        result.map_or_else(|error| error.to_string(), |name| name.to_string())
    }

    #[test]
    fn one_contact_is_found_by_any_name() {
        let directory = people();
        for (name, found) in [
            ("tom1", "@1"),
            ("老张", "@1"),
            ("cy", "@3"),
            // A `UserName` takes precedence over a name.
            ("@2", "@2"),
            ("@1", "@1"),
            ("filehelper", "filehelper"),
            ("@5", "no contact is named \"@5\""),
            ("", "no contact is named \"\""),
            ("a\nb", "no contact is named \"a\\nb\""),
            (
                "ada",
                "several contacts are named \"ada\": person \"Ada\" alias \"TOM\", room \"Ada\"",
            ),
            (
                "tom",
                "several contacts are named \"tom\": person remark \"老\\u{202e}张\" \"Tom\" alias \
                 \"tom1\", person \"Ada\" alias \"TOM\"",
            ),
        ] {
            assert_eq!(shown(directory.resolve(&name.into())), found);
        }
        // Not every `UserName` is known.
        let unknown = "@5".parse::<UserName>().unwrap();
        assert_eq!(shown(directory.resolve(&unknown.into())), "@5");
    }

    #[test]
    fn member_of_the_room_takes_precedence_over_other_contacts() {
        let (directory, room) = (people(), "@@r".parse().unwrap());
        for (name, found) in [
            ("Ada", "@1"),
            ("Cy", "@9"),
            ("老张", "@1"),
            ("tom1", "@1"),
            ("x", "several contacts are named \"x\": person \"x\", person remark \"X\""),
        ] {
            assert_eq!(shown(directory.resolve_member(&room, &name.into())), found);
        }
    }

    #[test]
    fn many_candidates_are_cut() {
        let mut directory = Directory::default();
        for n in 0..9 {
            directory.merge(contact(&alloc::format!(r#"{{"UserName":"@{n}","NickName":"n"}}"#)));
        }
        let text = shown(directory.resolve(&"n".into()));
        assert!(text.ends_with("person \"n\", person \"n\" and 4 more"), "{text}");
    }

    /// The contacts are loaded only to find a name, and only once.
    #[test]
    fn contacts_are_loaded_once_for_names() {
        const PAGE: &str = r#"{"BaseResponse":{"Ret":0},"Seq":0,"MemberCount":1,"MemberList":[
            {"UserName":"@1","NickName":"Ada"}]}"#;
        let (mut host, mut account) = (Host::new(), account());
        let mut found = |recipient: Recipient| {
            let found = host.run(&mut Resolve::new(recipient), &mut account, |_| ok(PAGE));
            (shown(found), host.requests.len())
        };
        assert_eq!(found("filehelper".into()), ("filehelper".into(), 0));
        assert_eq!(found(UserName::file_helper().into()).1, 0);
        assert_eq!(found("ada".into()), ("@1".into(), 1));
        assert_eq!(found("@1".into()), ("@1".into(), 1));
        assert_eq!(found("bo".into()), ("no contact is named \"bo\"".into(), 1));
    }
}
