//! `POST /cgi-bin/mmwebwx-bin/webwxinit`
//!
//! Opens the session: returns the account, its recent chats and the first `SyncKey`
//! (`docs/protocol.md` §4.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::Credentials;
use crate::contact::Contact;
use crate::contact::wire::WireContact;
use crate::endpoint::LISTS;
use crate::flow::{Response, Want};
use crate::secret::Secret;
use crate::session::Me;
use crate::sync::SyncKey;
use crate::sync::key::WireKey;
use crate::text::decode;
use crate::wire::envelope::{self, Uin, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::lenient::List;
use crate::wire::object::object;
use crate::wire::query::Url;
use crate::{Body, Device, Endpoint, Error, Session, Text, Timestamp, UserName};

const ENDPOINT: &str = "webwxinit";
/// The maximum number of recent chats, which are stored with the session; more than any phone lists.
const CHATS: usize = 1000;

/// The account's state at the start of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Init {
    /// The account itself.
    pub me: Me,
    /// The recent chats. Members of rooms have only a `UserName`.
    pub contacts: Vec<Contact>,
    /// The names of the recent chats, including unsaved rooms.
    pub chat_set: Vec<UserName>,
    /// The position in the account's messages. If it is empty, which is rare, repeat the request
    /// once, as [`Login`](super::Login) does.
    pub sync_key: SyncKey,
    /// The new `Skey`, if there is one.
    pub(crate) skey: Secret,
    /// The version of the phone's client; in hex, the first digit is its platform.
    pub client_version: i64,
    /// The service's clock.
    pub system_time: Timestamp,
    /// `GrayScale`
    pub gray_scale: i64,
    /// The minimum number of members of a room to which new members are invited instead of added;
    /// 40 if the reply does not contain it.
    pub invite_start_count: u32,
    /// The interval at which the official page reports clicks.
    pub click_report_interval: Duration,
    /// The latest articles of official accounts.
    pub subscriptions: Vec<Subscription>,
}

/// A post of an official account: `MPSubscribeMsgList`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Subscription {
    /// The official account.
    pub user_name: UserName,
    /// The nickname.
    pub nick_name: Box<str>,
    /// The time of the post.
    pub time: Timestamp,
    /// The articles.
    pub articles: Vec<MpArticle>,
}

/// An article of an official account.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MpArticle {
    /// The title.
    pub title: Box<str>,
    /// The summary.
    pub digest: Box<str>,
    /// The address of its picture.
    pub cover: Box<str>,
    /// The address.
    pub url: Box<str>,
}

/// A request that opens a session on the service.
#[derive(Clone, Debug)]
pub struct InitSession {
    credentials: Credentials,
}

impl InitSession {
    /// Returns a request with the credentials of a login.
    pub const fn new(credentials: Credentials) -> Self {
        Self { credentials }
    }
}

impl Endpoint for InitSession {
    type State = Device;
    type Output = Init;

    const WANT: Want = LISTS;

    fn request(&mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        let Self { credentials } = self;
        let (uin, device_id) = (Uin::Text(credentials.uin.expose()), device.rng.device_id());
        let base_request = credentials.base_request(uin, &device_id);
        let body = Object.with("BaseRequest", base_request).json();
        Url::api(ENDPOINT)
            .with("r", now.inverted())
            .with("lang", device.lang.as_str())
            .with("pass_ticket", credentials.pass_ticket.expose())
            .post_json(device, now, body)
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret), including [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response, and if the reply does not name the
    ///   account.
    fn parse(&self, response: &Response) -> Result<Init, Error> {
        let wire: WireInit = envelope::answer(ENDPOINT, response)?;
        let malformed = || envelope::malformed(ENDPOINT, "a User with a UserName", "none");
        let user = wire.user.take().ok_or_else(malformed)?;
        Ok(Init {
            me: Me::of(user),
            contacts: wire.contacts.0,
            // The list ends with a comma.
            chat_set: wire
                .chat_set
                .split(',')
                .filter_map(|name| name.parse().ok())
                .take(CHATS)
                .collect(),
            sync_key: wire.sync_key.take().unwrap_or_default(),
            // Ignores an skey that is not a valid header value.
            skey: wire.skey.parse().unwrap_or_default(),
            client_version: wire.client_version,
            system_time: seconds(wire.system_time),
            gray_scale: wire.gray_scale,
            invite_start_count: match u32::try_from(wire.invite_start_count) {
                Ok(0) | Err(_) => 40,
                Ok(count) => count,
            },
            click_report_interval: Duration::from_millis(
                u64::try_from(wire.click_report_interval).unwrap_or(0),
            ),
            subscriptions: wire.subscriptions.0,
        })
    }
}

impl Session {
    /// Opens a session from the credentials of the login page and the reply to `webwxinit`.
    ///
    /// The device stores the number of the account, for
    /// [`Login::again`](crate::login::Login::again). The lifetime of the session, reported by
    /// [`SessionEnded`](crate::error::SessionEnded), begins at `now`.
    ///
    /// A session of a logged-in browser is opened in the same way. The cookies, the credentials and
    /// the reply must be of one login: that is not checked.
    ///
    /// ```
    /// use wechat_proto::login::{Credentials, InitSession};
    /// use wechat_proto::{Device, Endpoint as _, Session, Timestamp, http};
    ///
    /// # fn exchange(_: http::Request<wechat_proto::Body>) -> wechat_proto::flow::Response { unreachable!() }
    /// # fn random() -> [u8; 32] { [0; 32] }
    /// fn open(cookies: &str, skey: &str, now: Timestamp) -> Result<Session, Box<dyn std::error::Error>> {
    ///     let mut device = Device::new().with_seed(random());
    ///     device.import_cookies(cookies)?; // "wxuin=1234567; wxsid=…; webwx_data_ticket=…"
    ///     let credentials = Credentials::new("1234567", "the wxsid", skey, "")?;
    ///     let mut init = InitSession::new(credentials.clone());
    ///     let request = init.request(&mut device, now);
    ///     let uri = request.uri().clone();
    ///     let response = exchange(request); // your HTTP client
    ///     let init = init.receive(&mut device, &uri, &response, now)?;
    ///     Ok(Session::open(device, credentials, &init, now))
    /// }
    /// ```
    pub fn open(device: Device, credentials: Credentials, init: &Init, now: Timestamp) -> Self {
        let mut me = init.me.clone();
        if me.uin == 0 {
            // The login page has it as well: `docs/protocol.md` §1.7.
            me.uin = credentials.uin.expose().parse().unwrap_or(0);
        }
        let mut session = Self::new(device, credentials, me, init.sync_key.clone());
        session.device.remember(session.me.uin);
        session.device.begin(now);
        session.renew_skey(init.skey.clone());
        session.chat_set.clone_from(&init.chat_set);
        session.invite_start_count = init.invite_start_count;
        session
    }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(seconds).unwrap_or(0))
}

reply! {
    struct WireInit {
        "User" => user: WireContact,
        "ContactList" => contacts: List<WireContact>,
        "ChatSet" => chat_set: Text,
        "SyncKey" => sync_key: WireKey,
        "SKey" => skey: Text,
        "ClientVersion" => client_version: i64,
        "SystemTime" => system_time: i64,
        "GrayScale" => gray_scale: i64,
        "InviteStartCount" => invite_start_count: i64,
        "ClickReportInterval" => click_report_interval: i64,
        "MPSubscribeMsgList" => subscriptions: List<WireSubscription>,
    }
}

object! {
    struct WireSubscription listed as Subscription {
        "UserName" => user_name: Text,
        "NickName" => nick_name: Text,
        "Time" => time: i64,
        "MPArticleList" => articles: List<WireArticle>,
    }
}

impl WireSubscription {
    fn take(self) -> Option<Subscription> {
        Some(Subscription {
            user_name: self.user_name.parse().ok()?,
            nick_name: decode(self.nick_name),
            time: seconds(self.time),
            articles: self.articles.0,
        })
    }
}

object! {
    struct WireArticle listed as MpArticle {
        "Title" => title: Text,
        "Digest" => digest: Text,
        "Cover" => cover: Text,
        "Url" => url: Text,
    }
}

impl WireArticle {
    fn take(self) -> Option<MpArticle> {
        Some(MpArticle {
            title: decode(self.title),
            digest: decode(self.digest),
            cover: self.cover.into_boxed(),
            url: self.url.into_boxed(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{credentials, malformed, rendered, reply};

    fn init() -> InitSession {
        InitSession::new(credentials())
    }

    #[test]
    fn init_request_is_built() {
        insta::assert_snapshot!(rendered(init(), &mut Device::new()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxinit?r=862586243&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":"752650838","Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn init_reply_is_parsed() {
        let init = init().parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"Count":2,"ContactList":[{"UserName":"filehelper","NickName":"文件传输助手"},
            {"UserName":"@@r","NickName":"room","MemberCount":2,"MemberList":[{"UserName":"@a","NickName":""},{"UserName":"@b"}]}],
            "SyncKey":{"Count":2,"List":[{"Key":1,"Val":635705559},{"Key":2,"Val":4294967296}]},
            "User":{"Uin":3752650838,"UserName":"@me","NickName":"小A<span class=\"emoji emoji1f604\"></span>","Sex":1,"Signature":"s"},
            "ChatSet":"filehelper,@@r,@x,","SKey":"@crypt_new","ClientVersion":369302288,"SystemTime":1476608977,"GrayScale":1,
            "InviteStartCount":40,"MPSubscribeMsgCount":1,"MPSubscribeMsgList":[{"UserName":"@gh","NickName":"News","Time":1476600000,
            "MPArticleCount":1,"MPArticleList":[{"Title":"T &amp; t","Digest":"d","Cover":"http://c","Url":"http://u"}]}],"ClickReportInterval":600000}"#,
        ))
        .unwrap();
        assert_eq!((&*init.me.nick_name, init.me.uin), ("小A😄", 3_752_650_838));
        assert_eq!(init.contacts.len(), 2);
        assert_eq!(init.contacts[1].members.len(), 2);
        assert_eq!(init.chat_set.len(), 3);
        assert_eq!(init.sync_key.joined(), "1_635705559|2_4294967296");
        assert_eq!(init.skey.expose(), "@crypt_new");
        assert_eq!(init.system_time.as_secs(), 1_476_608_977);
        assert_eq!(init.click_report_interval, Duration::from_secs(600));
        assert_eq!(&*init.subscriptions[0].articles[0].title, "T & t");
        assert!(!alloc::format!("{init:?}").contains("crypt"));
    }

    #[test]
    fn sparse_reply_is_tolerated() {
        let init = init().parse(&reply(r#"{"BaseResponse":{"Ret":"0"},"User":{"UserName":"@me"},"ContactList":null,"SyncKey":[]}"#)).unwrap();
        assert!(init.sync_key.is_empty() && init.contacts.is_empty());
        assert_eq!(init.invite_start_count, 40);
    }

    #[test]
    fn reply_without_a_user_is_malformed() {
        let empty = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":""}}"#;
        malformed(&init(), &[r#"{"BaseResponse":{"Ret":0}}"#, empty]);
    }
}
