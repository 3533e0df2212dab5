//! `UserName`s with the login for which they are valid: `@abc…#1f3a90c2`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wechat_proto::{Session, UserName};

/// The login for which `UserName`s are valid: 8 hexadecimal digits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Epoch(String);

/// The names of the fields that contain `UserName`s, in messages, contacts and changes.
const FIELDS: [&str; 17] = [
    "user", "user_name", "user_names", "from", "to", "speaker", "me", "chat", "chat_room_owner",
    "room", "black_list", "owner", "author", "whom", "session", "creator", "operator",
];

impl Epoch {
    pub(crate) fn of(session: &Session) -> Self {
        let mut login = session.version().login().to_string();
        login.truncate(8);
        Self(login)
    }

    /// Splits a name into the `UserName` and its login. Returns `None` for names without a login.
    pub(crate) fn split(name: &str) -> Option<(UserName, Self)> {
        let (user, login) = name.strip_prefix('@').and(name.rsplit_once('#'))?;
        let is_login = login.len() == 8 && login.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some((user.parse().ok().filter(|_| is_login)?, Self(login.to_owned())))
    }

    /// Adds the login to all `UserName`s of a value. Names of built-in accounts, such as
    /// `filehelper`, are valid in every login and stay.
    pub(crate) fn add(&self, value: &mut Value) {
        if value.get("change").is_some_and(|change| change == "owner_changed") {
            self.add_to(&mut value["old"]);
            self.add_to(&mut value["new"]);
        }
        match value {
            Value::Object(fields) => {
                for (field, value) in fields {
                    match FIELDS.contains(&&**field) {
                        true => self.add_to(value),
                        false => self.add(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.add(value)),
            _ => {}
        }
    }

    fn add_to(&self, value: &mut Value) {
        match value {
            Value::String(name) if name.starts_with('@') => {
                name.push('#');
                name.push_str(&self.0);
            }
            Value::Array(names) => names.iter_mut().for_each(|name| self.add_to(name)),
            Value::Object(_) => self.add(value),
            _ => {}
        }
    }

    /// Removes the logins from all `UserName`s of a value.
    pub(crate) fn remove(value: &mut Value) {
        match value {
            Value::String(name) => {
                if let Some((user, _)) = Self::split(name) {
                    *name = user.as_str().to_owned();
                }
            }
            Value::Array(values) => values.iter_mut().for_each(Self::remove),
            Value::Object(fields) => fields.values_mut().for_each(Self::remove),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn login_is_added_to_user_names_only() {
        let epoch = Epoch("1f3a90c2".to_owned());
        let plain = json!({
            "type": "message", "chat": "@@room", "text": "@ada", "chat_name": "@home",
            "message": {"from": "@ada", "to": "filehelper", "speaker": null, "kind": {"text": "@ada"}},
            "change": {"change": "owner_changed", "user_name": "@@room", "old": "@a", "new": "@b"},
            "changes": [{"change": "renamed", "user_name": "@a", "old": "@old", "new": "@new"}],
            "black_list": ["@c", "weixin"],
            "system": [{"session": "@@room"}, {"from": "wxid_a", "whom": "@b"}],
        });
        let mut value = plain.clone();
        epoch.add(&mut value);
        assert_eq!(
            value,
            json!({
                "type": "message", "chat": "@@room#1f3a90c2", "text": "@ada", "chat_name": "@home",
                "message": {"from": "@ada#1f3a90c2", "to": "filehelper", "speaker": null,
                    "kind": {"text": "@ada"}},
                "change": {"change": "owner_changed", "user_name": "@@room#1f3a90c2",
                    "old": "@a#1f3a90c2", "new": "@b#1f3a90c2"},
                "changes": [{"change": "renamed", "user_name": "@a#1f3a90c2", "old": "@old", "new": "@new"}],
                "black_list": ["@c#1f3a90c2", "weixin"],
                "system": [{"session": "@@room#1f3a90c2"}, {"from": "wxid_a", "whom": "@b#1f3a90c2"}],
            })
        );
        Epoch::remove(&mut value);
        assert_eq!(value, plain);
    }

    #[test]
    fn other_names_are_not_split() {
        let (user, epoch) = Epoch::split("@@abc#0123abcd").unwrap();
        assert_eq!((user.as_str(), epoch), ("@@abc", Epoch("0123abcd".to_owned())));
        for name in ["@abc", "abc#0123abcd", "@abc#123", "@abc#0123abcg", "#0123abcd", ""] {
            assert_eq!(Epoch::split(name), None, "{name}");
        }
    }
}
