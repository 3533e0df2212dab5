//! Who somebody is, beyond one login: `docs/protocol.md` §10.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Directory;
use super::classify::is_built_in;
use crate::error::Invalid;
use crate::ids::UserName;

/// An id that stays: `wxid_…` (or a word of its owner's choice) of a person, `gh_…` of an official
/// account, `…@chatroom` of a room, the name of a built-in account.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct PermanentId(UserName);

impl PermanentId {
    /// The id as the service writes it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The id that a `UserName` is by itself: of built-in accounts, and of the few records in which
    /// the service gives a permanent id in its place.
    pub fn of(name: &UserName) -> Option<Self> {
        let text = name.as_str();
        let lasting = !text.starts_with('@')
            && (is_built_in(name)
                || text.starts_with("wxid_")
                || text.starts_with("gh_")
                || text.ends_with("@chatroom"));
        lasting.then(|| Self(name.clone()))
    }

    /// Whether it can be the id of whoever has this name: rooms have ids of rooms, built-in
    /// accounts their own names.
    pub(crate) fn fits(&self, name: &UserName) -> bool {
        let session_name = self.as_str().starts_with('@');
        match Self::of(name) {
            Some(id) => id == *self,
            None => !session_name && name.is_room() == self.0.is_room(),
        }
    }
}

impl FromStr for PermanentId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self)
    }
}

impl fmt::Display for PermanentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of somebody that may hold beyond this login, to be stored and compared with
/// others: [`Identity::compare`].
///
/// A [`UserName`] is good for one login. The web service has no lasting name for a contact; it
/// only lets one slip now and then: in the list of recent chats that the phone sends after a login
/// (empty in current versions), and in a friend request. So `id` is nothing for most, and all the
/// rest can be changed by its owner, or shared by others.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// What it is.
    pub kind: IdentityKind,
    /// Its permanent id, if the service let it slip.
    pub id: Option<PermanentId>,
    /// Its number, 0 nearly always.
    pub uin: i64,
    /// The name it chose to be found by: nobody else has it, and it can be changed once in a while.
    pub alias: Box<str>,
    /// What the account calls it: as unique as the account makes it.
    pub remark_name: Box<str>,
    /// What it calls itself; a room's topic.
    pub nick_name: Box<str>,
    /// 1 male, 2 female, 0 not said.
    pub sex: i64,
    /// Province, as the service's language writes it.
    pub province: Box<str>,
    /// City, as the service's language writes it.
    pub city: Box<str>,
}

/// What an identity is of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentityKind {
    /// A person, an official account or a built-in one.
    Account,
    /// A room.
    Room,
}

/// How much speaks for two identities being of the same person or room, the weakest first.
///
/// Only [`Different`](Evidence::Different) and [`Same`](Evidence::Same) are facts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// Not the same: their permanent ids differ, or one is a room.
    Different,
    /// Nothing speaks for it. Whoever changed all of its names looks so, too.
    Nothing,
    /// The same nickname, and sex, province and city do not differ: there may be many such.
    Names,
    /// The same remark: as certain as the account's remarks are unique.
    Remark,
    /// The same alias: unique in the service at any time, but it can be given up and taken by
    /// somebody else.
    Alias,
    /// The same permanent id or number.
    Same,
}

impl Identity {
    /// Of whom nothing else is known.
    fn unknown(kind: IdentityKind) -> Self {
        Self {
            kind,
            id: None,
            uin: 0,
            alias: Box::default(),
            remark_name: Box::default(),
            nick_name: Box::default(),
            sex: 0,
            province: Box::default(),
            city: Box::default(),
        }
    }

    /// How much speaks for the two being of the same person or room: the strongest that there is.
    pub fn compare(&self, other: &Self) -> Evidence {
        /// Whether two values are there and the same.
        fn same(one: &str, other: &str) -> bool {
            !one.is_empty() && one == other
        }
        /// Whether two values are there and not the same.
        fn differ(one: &str, other: &str) -> bool {
            !one.is_empty() && !other.is_empty() && one != other
        }
        if self.kind != other.kind {
            return Evidence::Different;
        }
        let fact = |same| if same { Evidence::Same } else { Evidence::Different };
        if let (Some(id), Some(other)) = (&self.id, &other.id) {
            return fact(id == other);
        }
        if self.uin != 0 && other.uin != 0 {
            return fact(self.uin == other.uin);
        }
        if same(&self.alias, &other.alias) {
            Evidence::Alias
        } else if same(&self.remark_name, &other.remark_name) {
            Evidence::Remark
        } else if same(&self.nick_name, &other.nick_name)
            && !differ(&self.alias, &other.alias)
            && (self.sex == other.sex || self.sex == 0 || other.sex == 0)
            && !differ(&self.province, &other.province)
            && !differ(&self.city, &other.city)
        {
            Evidence::Names
        } else {
            Evidence::Nothing
        }
    }
}

impl Directory {
    /// What is known of whoever has this name that may hold beyond this login. Of a member of a
    /// room who is no contact, that is hardly more than a nickname.
    pub fn identity(&self, name: &UserName) -> Identity {
        let kind = if name.is_room() { IdentityKind::Room } else { IdentityKind::Account };
        let mut identity = Identity::unknown(kind);
        identity.id = PermanentId::of(name).or_else(|| self.ids.get(name).cloned());
        if let Some(contact) = self.find(name) {
            identity.uin = contact.uin;
            identity.alias.clone_from(&contact.alias);
            identity.remark_name.clone_from(&contact.remark_name);
            identity.nick_name.clone_from(&contact.nick_name);
            identity.sex = contact.sex;
            identity.province.clone_from(&contact.province);
            identity.city.clone_from(&contact.city);
        } else if let Some(member) = self.rooms_with(name).find_map(|room| room.member(name)) {
            identity.nick_name.clone_from(&member.nick_name);
        }
        identity
    }

    /// Whoever may have this identity, which may be of another login: with what speaks for it, the
    /// strongest first. [`Evidence::Same`] is a fact; of anything less there may be several, and the
    /// true one may be none of them.
    pub fn candidates(&self, identity: &Identity) -> Vec<(&UserName, Evidence)> {
        let mut found: Vec<_> = self
            .iter()
            .map(|contact| {
                (&contact.user_name, self.identity(&contact.user_name).compare(identity))
            })
            .filter(|(_, evidence)| *evidence > Evidence::Nothing)
            .collect();
        found.sort_by_key(|(_, evidence)| core::cmp::Reverse(*evidence));
        found
    }

    /// Whoever the service said to have this permanent id, contact or not.
    pub fn with_id(&self, id: &PermanentId) -> Option<&UserName> {
        let own = self.find(&id.0).map(|contact| &contact.user_name);
        own.or_else(|| self.ids.iter().find(|(_, known)| *known == id).map(|(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::testing::contact;

    fn identity(fields: &str) -> Identity {
        let mut directory = Directory::default();
        let json = format!("{{\"UserName\":\"@1\",{fields}}}");
        directory.merge(contact(&json));
        directory.identity(&"@1".parse().unwrap())
    }

    fn with_id(fields: &str, id: &str) -> Identity {
        Identity { id: id.parse().ok(), ..identity(fields) }
    }

    #[test]
    fn a_guess_is_called_one() {
        let base =
            r#""Alias":"ada","RemarkName":"r","NickName":"n","Sex":2,"Province":"p","City":"c""#;
        for (one, other, evidence) in [
            (with_id(base, "wxid_1"), with_id(r#""NickName":"else""#, "wxid_1"), Evidence::Same),
            (with_id(base, "wxid_1"), with_id(base, "wxid_2"), Evidence::Different),
            (with_id(base, "wxid_1"), identity(base), Evidence::Alias),
            (identity(r#""Uin":5,"Alias":"a""#), identity(r#""Uin":5"#), Evidence::Same),
            (
                identity(r#""Uin":5,"Alias":"a""#),
                identity(r#""Uin":6,"Alias":"a""#),
                Evidence::Different,
            ),
            (identity(base), identity(r#""RemarkName":"r","NickName":"m""#), Evidence::Remark),
            (identity(base), identity(r#""RemarkName":"r","Alias":"else""#), Evidence::Remark),
            (identity(base), identity(r#""NickName":"n""#), Evidence::Names),
            (identity(base), identity(r#""NickName":"n","City":"c","Sex":2"#), Evidence::Names),
            (identity(base), identity(r#""NickName":"n","City":"d""#), Evidence::Nothing),
            (identity(base), identity(r#""NickName":"n","Province":"d""#), Evidence::Nothing),
            (identity(base), identity(r#""NickName":"n","Sex":1"#), Evidence::Nothing),
            (identity(base), identity(r#""NickName":"n","Alias":"eva""#), Evidence::Nothing),
            (identity(r#""Sex":1"#), identity(r#""Sex":1"#), Evidence::Nothing),
        ] {
            assert_eq!(one.compare(&other), evidence, "{one:?} {other:?}");
            assert_eq!(other.compare(&one), evidence, "{other:?} {one:?}");
        }
        let mut directory = Directory::default();
        directory.merge(contact(r#"{"UserName":"@@1","NickName":"n","Alias":"ada"}"#));
        let room = directory.identity(&"@@1".parse().unwrap());
        assert_eq!(room.compare(&identity(base)), Evidence::Different);
    }

    #[test]
    fn some_names_are_ids() {
        for (name, lasting) in [
            ("filehelper", true),
            ("weixin", true),
            ("wxid_abc", true),
            ("gh_abc", true),
            ("123@chatroom", true),
            ("@0f", false),
            ("@@0f", false),
            ("v1_0f@stranger", false),
        ] {
            let name: UserName = name.parse().unwrap();
            let id = PermanentId::of(&name);
            assert_eq!(id.is_some(), lasting, "{name}");
            assert_eq!(Directory::default().identity(&name).id, id);
        }
    }

    #[test]
    fn is_kept_and_found_again() {
        let mut directory = Directory::default();
        for json in [
            r#"{"UserName":"@1","NickName":"n"}"#,
            r#"{"UserName":"@2","NickName":"m","Alias":"ada"}"#,
            r#"{"UserName":"@3","NickName":"n"}"#,
            r#"{"UserName":"@@4","MemberList":[{"UserName":"@5","NickName":"member","DisplayName":"d"}]}"#,
        ] {
            directory.merge(contact(json));
        }
        directory.identify("@3".parse().unwrap(), "wxid_3".parse().unwrap());
        directory.identify("@6".parse().unwrap(), "wxid_6".parse().unwrap());
        let stored = serde_json::to_string(&directory.identity(&"@3".parse().unwrap())).unwrap();
        assert_eq!(
            stored,
            r#"{"kind":"account","id":"wxid_3","uin":0,"alias":"","remark_name":"","nick_name":"n","sex":0,"province":"","city":""}"#
        );
        let stored: Identity = serde_json::from_str(&stored).unwrap();
        let candidates = |identity: &Identity| -> String {
            let found = directory.candidates(identity).into_iter();
            found.map(|(name, evidence)| format!("{name} {evidence:?};")).collect()
        };
        assert_eq!(candidates(&stored), "@3 Same;@1 Names;");
        let nameless = Identity { id: None, alias: "ada".into(), ..stored };
        assert_eq!(candidates(&nameless), "@2 Alias;@1 Names;@3 Names;");
        let by_id = |id: &str| directory.with_id(&id.parse().unwrap()).map(UserName::as_str);
        assert_eq!(
            [by_id("wxid_3"), by_id("wxid_6"), by_id("wxid_9")],
            [Some("@3"), Some("@6"), None]
        );
        let member = directory.identity(&"@5".parse().unwrap());
        assert_eq!((&*member.nick_name, member.id), ("member", None));
    }
}
