//! The account and the contacts that a capture has shown so far.

use wechat_proto::http;
use wechat_proto::login::{Credentials, Init, InitSession};
use wechat_proto::{Account, Device, Endpoint as _, Timestamp, UserName};

/// The account of a capture.
pub(crate) struct State {
    pub(super) account: Account,
}

impl State {
    /// Returns the state before the first exchange. `me` is the account that made the capture.
    pub(crate) fn new(me: &UserName) -> Self {
        let reply = serde_json::json!({
            "BaseResponse": { "Ret": 0 },
            "User": { "UserName": me, "NickName": "" },
        });
        let init = InitSession::new(credentials())
            .parse(&http::Response::new(reply.to_string().into()))
            .expect("a complete reply");
        Self { account: opened(init) }
    }

    /// Starts over with the reply to `webwxinit`, and keeps known contacts of the same account.
    pub(super) fn open(&mut self, init: Init) {
        let known: Vec<_> = match *self.me() == init.me.user_name {
            true => self.account.directory().iter().cloned().collect(),
            // Names are valid for one login.
            false => Vec::new(),
        };
        self.account = opened(init);
        self.account.learn(known);
    }

    /// Returns the name of the account.
    pub(super) fn me(&self) -> &UserName {
        &self.account.session().me().user_name
    }

    /// Returns the display name of a contact, or its id if the capture has not named it yet.
    pub(super) fn name(&self, name: &UserName) -> String {
        match &*self.account.directory().name_of(name) {
            "unknown" if name == self.me() => "me".to_owned(),
            "unknown" | "" => name.as_str().to_owned(),
            known => known.to_owned(),
        }
    }
}

fn opened(init: Init) -> Account {
    Account::open(Device::new(), credentials(), init, Timestamp::default())
}

/// Returns credentials to parse replies with; no request is sent.
fn credentials() -> Credentials {
    Credentials::new("1", "-", "-", "-").expect("valid credentials")
}

#[cfg(test)]
mod tests {
    use wechat_proto::contact::Contact;

    use super::*;

    #[test]
    fn contacts_are_named_as_they_become_known() {
        let name = |text: &str| text.parse::<UserName>().unwrap();
        let mut state = State::new(&name("@me"));
        assert_eq!((state.name(&name("@a")), state.name(&name("@me"))), ("@a".into(), "me".into()));
        assert_eq!(state.name(&UserName::file_helper()), "filehelper");
        let record = r#"{"UserName":"@a","NickName":"Ada","RemarkName":""}"#;
        state.account.learn([Contact::from_json(record).unwrap()]);
        assert_eq!(state.name(&name("@a")), "Ada");
    }
}
