//! Identities of contacts beyond one login: `docs/protocol.md` §10.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Contact, Directory, PermanentId};
use crate::ids::UserName;

/// The data of a contact that may remain valid beyond this login. It can be stored and compared
/// with that of other logins: [`Identity::compare`].
///
/// A [`UserName`] is valid for one login. The web service has no permanent name for a contact; it
/// sends one only occasionally: in the list of recent chats that the phone sends after a login
/// (empty in current versions), and in a friend request. So `id` is `None` for most contacts, and
/// all other fields can be changed by their owner or shared by several contacts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// Whether this is an account or a room.
    pub kind: IdentityKind,
    /// The permanent id, if the service sent it.
    pub id: Option<PermanentId>,
    /// The contact's number, which is nearly always 0.
    pub uin: i64,
    /// The id by which the contact can be found. It is unique, but the contact can change it
    /// occasionally.
    pub alias: Box<str>,
    /// The remark that the account gave the contact. The service does not require it to be unique.
    pub remark_name: Box<str>,
    /// The nickname; a room's topic.
    pub nick_name: Box<str>,
    /// 1 male, 2 female, 0 unknown.
    pub sex: i64,
    /// Province, in the service's language.
    pub province: Box<str>,
    /// City, in the service's language.
    pub city: Box<str>,
}

/// The kind of an [`Identity`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentityKind {
    /// A person, an official account or a built-in one.
    Account,
    /// A room.
    Room,
}

/// The evidence that two identities belong to the same person or room, weakest first.
///
/// Only [`Different`](Evidence::Different) and [`Same`](Evidence::Same) are certain.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// The contacts are different: their permanent ids or numbers differ, or only one is a room.
    Different,
    /// No evidence. This is also the result for a person who changed alias and nickname, unless both
    /// identities have a permanent id or number.
    Inconclusive,
    /// The same nickname, without a difference in alias, sex, province or city. Many contacts may
    /// match.
    Names,
    /// The same remark: certain only if the account's remarks are unique.
    Remark,
    /// The same alias: unique in the service at any time, but it can be given up and reused by
    /// another person.
    Alias,
    /// The same permanent id or number.
    Same,
}

impl Identity {
    /// Returns the strongest evidence that two identities belong to the same person or room.
    pub fn compare(&self, other: &Self) -> Evidence {
        /// Returns whether two values are present and equal.
        fn same(one: &str, other: &str) -> bool {
            !one.is_empty() && one == other
        }
        /// Returns whether two values are present and not equal.
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
            Evidence::Inconclusive
        }
    }
}

impl Directory {
    /// Returns the identity of the contact or room member with this name. The identity of a room
    /// member who is not a contact has little more than a nickname.
    pub fn identity(&self, name: &UserName) -> Identity {
        let kind = if name.is_room() { IdentityKind::Room } else { IdentityKind::Account };
        let contact = self.find(name);
        let member = || self.rooms_with(name).find_map(|room| room.member(name));
        let member = if contact.is_none() { member() } else { None };
        let nick_name = contact.map(|contact| &contact.nick_name);
        let text =
            |field: fn(&Contact) -> &Box<str>| contact.map(field).cloned().unwrap_or_default();
        Identity {
            kind,
            id: PermanentId::of(name).or_else(|| self.ids.get(name).cloned()),
            uin: contact.map_or(0, |contact| contact.uin),
            alias: text(|contact| &contact.alias),
            remark_name: text(|contact| &contact.remark_name),
            nick_name: nick_name
                .or(member.map(|member| &member.nick_name))
                .cloned()
                .unwrap_or_default(),
            sex: contact.map_or(0, |contact| contact.sex),
            province: text(|contact| &contact.province),
            city: text(|contact| &contact.city),
        }
    }

    /// Returns the contacts that may have this identity, which may come from another login, each
    /// with its evidence, strongest first. [`Evidence::Same`] is certain. There may be several
    /// weaker candidates, and all of them may be wrong.
    pub fn candidates(&self, identity: &Identity) -> Vec<(&UserName, Evidence)> {
        let mut found: Vec<_> = self
            .iter()
            .map(|contact| {
                (&contact.user_name, self.identity(&contact.user_name).compare(identity))
            })
            .filter(|(_, evidence)| *evidence > Evidence::Inconclusive)
            .collect();
        found.sort_by_key(|(_, evidence)| core::cmp::Reverse(*evidence));
        found
    }

    /// Returns the `UserName` for which the service sent this permanent id, whether it is a contact
    /// or not.
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
    use crate::testing::{directory, name};

    fn identity(fields: &str) -> Identity {
        let json = format!("{{\"UserName\":\"@1\",{fields}}}");
        directory(&[&json]).identity(&name("@1"))
    }

    fn with_id(fields: &str, id: &str) -> Identity {
        Identity { id: id.parse().ok(), ..identity(fields) }
    }

    #[test]
    fn evidence_follows_from_equal_fields() {
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
            (identity(base), identity(r#""NickName":"n","City":"d""#), Evidence::Inconclusive),
            (identity(base), identity(r#""NickName":"n","Province":"d""#), Evidence::Inconclusive),
            (identity(base), identity(r#""NickName":"n","Sex":1"#), Evidence::Inconclusive),
            (identity(base), identity(r#""NickName":"n","Alias":"eva""#), Evidence::Inconclusive),
            (identity(r#""Sex":1"#), identity(r#""Sex":1"#), Evidence::Inconclusive),
        ] {
            assert_eq!(one.compare(&other), evidence, "{one:?} {other:?}");
            assert_eq!(other.compare(&one), evidence, "{other:?} {one:?}");
        }
        let room = directory(&[r#"{"UserName":"@@1","NickName":"n","Alias":"ada"}"#]);
        let room = room.identity(&name("@@1"));
        assert_eq!(room.compare(&identity(base)), Evidence::Different);
    }

    #[test]
    fn permanent_user_names_are_ids() {
        for (name, permanent) in [
            ("filehelper", true),
            ("weixin", true),
            ("wxid_abc", true),
            ("gh_abc", true),
            ("123@chatroom", true),
            ("@0f", false),
            ("@@0f", false),
            ("v1_0f@stranger", false),
        ] {
            let name = self::name(name);
            let id = PermanentId::of(&name);
            assert_eq!(id.is_some(), permanent, "{name}");
            assert_eq!(Directory::default().identity(&name).id, id);
        }
    }

    #[test]
    fn stored_identity_finds_its_contact() {
        let mut directory = directory(&[
            r#"{"UserName":"@1","NickName":"n"}"#,
            r#"{"UserName":"@2","NickName":"m","Alias":"ada"}"#,
            r#"{"UserName":"@3","NickName":"n"}"#,
            r#"{"UserName":"@@4","MemberList":[{"UserName":"@5","NickName":"member","DisplayName":"d"}]}"#,
        ]);
        directory.identify(name("@3"), "wxid_3".parse().unwrap());
        directory.identify(name("@6"), "wxid_6".parse().unwrap());
        let stored = serde_json::to_string(&directory.identity(&name("@3"))).unwrap();
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
        let found = [by_id("wxid_3"), by_id("wxid_6"), by_id("wxid_9")];
        assert_eq!(found, [Some("@3"), Some("@6"), None]);
        let member = directory.identity(&name("@5"));
        assert_eq!((&*member.nick_name, member.id), ("member", None));
    }
}
