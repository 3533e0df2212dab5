//! The account of a world.

use crate::rng::Rng;
use crate::wire::reply::Object;

/// The account of this world, and its credentials while it is logged in.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// `@` and 64 hexadecimal digits.
    pub user_name: String,
    /// The name that others see.
    pub nick_name: String,
    /// The permanent id, which identifies it in other accounts: `wxid_…`.
    pub permanent: String,
    /// The account's number; may exceed 31 bits.
    pub uin: u64,
    /// The value from the login page; empty before the login.
    pub sid: String,
    /// The value from the login page; empty before the login. [`World::refresh_skey`](crate::World::refresh_skey)
    /// replaces it.
    pub skey: String,
    /// The percent-encoded value from the login page; empty before the login.
    pub pass_ticket: String,
}

impl Account {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut account = Self {
            user_name: format!("@{}", rng.hex(64)),
            nick_name: "小雨 Rain".to_owned(),
            permanent: String::new(),
            uin: 0,
            sid: String::new(),
            skey: String::new(),
            pass_ticket: String::new(),
        };
        account.identify(rng.between(2_200_000_000, 4_200_000_000));
        account
    }

    /// Sets the account's number, and the permanent id derived from it.
    pub(crate) fn identify(&mut self, uin: u64) {
        self.uin = uin;
        self.permanent = format!("wxid_{uin:014x}");
    }

    /// Returns the `User` object of an answer to `webwxinit` (docs/protocol.md §4.1).
    pub(crate) fn user(&self) -> Object {
        let icon = format!(
            "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=637275253&username={}&skey={}",
            self.user_name, self.skey
        );
        Object::new()
            .with("Uin", self.uin)
            .with("UserName", &self.user_name)
            .with("NickName", &self.nick_name)
            .with("HeadImgUrl", icon)
            .with("RemarkName", "")
            .with("PYInitial", "")
            .with("PYQuanPin", "")
            .with("RemarkPYInitial", "")
            .with("RemarkPYQuanPin", "")
            .with("HideInputBarFlag", 0_i64)
            .with("StarFriend", 0_i64)
            .with("Sex", 1_i64)
            .with("Signature", "雨天 & 晴天")
            .with("AppAccountFlag", 0_i64)
            .with("VerifyFlag", 0_i64)
            .with("ContactFlag", 0_i64)
            .with("WebWxPluginSwitch", 0_i64)
            .with("HeadImgFlag", 1_i64)
            .with("SnsFlag", 17_i64)
    }
}
