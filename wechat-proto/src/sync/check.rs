//! `GET /cgi-bin/mmwebwx-bin/synccheck`
//!
//! Waits up to about 27 seconds for news (`docs/protocol.md` §7.1).

use core::time::Duration;

use crate::body::Body;
use crate::endpoint::Endpoint;
use crate::error::{Error, Ret};
use crate::flow::Response;
use crate::hosts::Role;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope;
use crate::wire::query::{Accept, Url};

const ENDPOINT: &str = "synccheck";

/// The result of a check: whether there is news to fetch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Check {
    /// No news.
    Quiet,
    /// News to fetch.
    News {
        /// A hint at the kind of news; clients should not rely on it.
        selector: Selector,
    },
}

/// The number that `synccheck` returns with news.
///
/// Its meaning is not documented, and sources differ (2 messages; 4 and 6 contacts; 7 the phone
/// opened or left a chat). Every number other than 0 means that there is news to fetch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Selector(pub i64);

/// A long poll that waits for news of the session.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SyncCheck;

impl SyncCheck {
    /// Returns a long poll.
    pub const fn new() -> Self {
        Self
    }
}

impl Endpoint for SyncCheck {
    type State = Session;
    type Output = Check;

    const DEADLINE: Duration = Duration::from_secs(35);

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let device_id = session.device_id();
        let entry = &session.device.entry;
        Url::new(Role::Push, "/cgi-bin/mmwebwx-bin/synccheck")
            .accept(Accept::Script)
            .with("r", now.as_millis())
            .with("skey", session.auth.skey.expose())
            .with("sid", session.auth.sid.expose())
            .with("uin", session.me.uin)
            .with("deviceid", device_id)
            .with("synckey", session.next_check_key().joined())
            .with_appid(entry)
            .with_some("_", (!entry.is_file_helper()).then(|| now.as_millis()))
            .get(&mut session.device, now)
    }

    /// Parses `window.synccheck={retcode:"0",selector:"2"}`.
    ///
    /// # Errors
    ///
    /// - The error for the `retcode`, a [`Ret`](crate::error::Ret), including
    ///   [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Check, Error> {
        let text = envelope::script(response);
        let script = envelope::assignments(response, &text);
        let unexpected = || {
            let expected = "window.synccheck with retcode and selector";
            envelope::unexpected(ENDPOINT, expected, response)
        };
        match script.number("synccheck.retcode") {
            Some(0) => {}
            Some(ret) => {
                return Err(envelope::question(envelope::refusal(ENDPOINT, Ret(ret), "")));
            }
            None => return Err(unexpected()),
        }
        match script.number("synccheck.selector") {
            Some(0) => Ok(Check::Quiet),
            Some(selector) => Ok(Check::News { selector: Selector(selector) }),
            None => Err(unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{malformed, rendered, reply, session};

    #[test]
    fn check_request_is_built() {
        insta::assert_snapshot!(rendered(SyncCheck, &mut session()), @"
        GET https://webpush.wx.qq.com/cgi-bin/mmwebwx-bin/synccheck?r=1476606163580&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&sid=kByRoJSUlD7S2pif&uin=566148615&deviceid=e356902031041503&synckey=1_643606091%7C2_643606203&_=1476606163580
        accept: */*
        ");
    }

    /// `docs/protocol.md` §15: on the page's own host, with its appid.
    #[test]
    fn file_helper_check_has_its_appid() {
        let mut session = session();
        session.device = session.device.with_entry(Entry::file_helper());
        insta::assert_snapshot!(rendered(SyncCheck, &mut session), @"
        GET https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/synccheck?r=1476606163580&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&sid=kByRoJSUlD7S2pif&uin=566148615&deviceid=e356902031041503&synckey=1_643606091%7C2_643606203&mmweb_appid=wx_webfilehelper
        accept: */*
        referer: https://filehelper.weixin.qq.com/?lang=zh_CN
        mmweb_appid: wx_webfilehelper
        ");
    }

    /// The other codes, and all selectors, are those of `corpus/replies`.
    #[test]
    fn check_reply_is_parsed() {
        let answer = |ret: &str| {
            let script = alloc::format!("window.synccheck={{retcode:\"{ret}\",selector:\"0\"}}");
            SyncCheck.parse(&reply(&script))
        };
        assert!(matches!(answer("1205"), Err(Error::Limited { .. })));
        for ret in ["-1", "-2"] {
            assert!(matches!(answer(ret), Err(Error::ServiceFailed { .. })));
        }
        for ret in ["1200", "99999999999"] {
            assert!(matches!(answer(ret), Err(Error::Refused { .. })));
        }
        let halves = ["window.synccheck={retcode:\"0\"}", "window.synccheck={selector:\"0\"}"];
        malformed(&SyncCheck, &[halves[0], halves[1], "HTTP/1.1 0"]);
    }
}
