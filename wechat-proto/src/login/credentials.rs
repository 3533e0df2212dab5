//! The credentials of a login.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::secret::Secret;
use crate::wire::envelope::{BaseRequest, Uin};

/// The credentials of a login, from the login page.
///
/// They are used only in requests and stored sessions. Their values can be neither read nor
/// printed.
///
/// ```compile_fail,E0616
/// fn show(credentials: &wechat_proto::login::Credentials) {
///     println!("{:?}", credentials.skey);
/// }
/// ```
/// ```compile_fail,E0277
/// fn show(credentials: &wechat_proto::login::Credentials) {
///     println!("{credentials}");
/// }
/// ```
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Credentials {
    /// The account's number as text, from the login page.
    pub(crate) uin: Secret,
    pub(crate) sid: Secret,
    pub(crate) skey: Secret,
    /// Percent-encoded, from the login page; encoded again in queries.
    pub(crate) pass_ticket: Secret,
}

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Credentials {}

/// Fails to compile if a field is not wiped.
#[cfg(feature = "zeroize")]
const _: fn(Credentials) = |Credentials { uin, sid, skey, pass_ticket }| {
    const fn wiped<T: zeroize::ZeroizeOnDrop, const N: usize>(_: &[T; N]) {}
    wiped(&[uin, sid, skey, pass_ticket]);
};

impl Credentials {
    /// Returns credentials from another source, such as a logged-in browser: the values of the
    /// login page, or of the cookies `wxuin` and `wxsid`. `skey` and `pass_ticket` may be empty.
    ///
    /// In the requests of the browser, `skey` is `BaseRequest.Skey`. `pass_ticket` stays
    /// percent-encoded, as on the page: URLs contain it encoded twice (`%252B` there is `%2B` here).
    ///
    /// # Errors
    ///
    /// [`Invalid`] if `uin` is not a number, if `sid` is empty, or if one of them is longer than
    /// 4,096 characters or has any that are not visible ASCII.
    pub fn new(uin: &str, sid: &str, skey: &str, pass_ticket: &str) -> Result<Self, Invalid> {
        if uin.parse::<i64>().is_err() {
            return Err(Invalid { what: "a uin", expected: "a number" });
        }
        if sid.is_empty() {
            return Err(Invalid { what: "a sid", expected: "one visible character or more" });
        }
        Ok(Self {
            uin: uin.parse()?,
            sid: sid.parse()?,
            skey: skey.parse()?,
            pass_ticket: pass_ticket.parse()?,
        })
    }

    /// Returns the credentials of a logged-in browser: `wxuin` and `wxsid` of its cookies, in the form
    /// of [`Device::import_cookies`](crate::Device::import_cookies), and the `skey` and `pass_ticket` of
    /// its requests, as for [`Credentials::new`].
    ///
    /// # Errors
    ///
    /// [`Invalid`] if a cookie is missing, or as in [`Credentials::new`].
    pub fn from_cookies(cookies: &str, skey: &str, pass_ticket: &str) -> Result<Self, Invalid> {
        let value = |name: &str| {
            let cookies = cookies.split_once(':').map_or(cookies, |(_, cookies)| cookies);
            let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
            let missing = Invalid {
                what: "the cookies of a login",
                expected: "wxuin and wxsid, as in the browser's Cookie header",
            };
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value).ok_or(missing)
        };
        Self::new(value("wxuin")?, value("wxsid")?, skey, pass_ticket)
    }

    /// Returns the `BaseRequest` of a request.
    pub(crate) fn base_request<'a>(&'a self, uin: Uin<'a>, device_id: &'a str) -> BaseRequest<'a> {
        BaseRequest { uin, sid: self.sid.expose(), skey: self.skey.expose(), device_id }
    }
}

/// Shows names, never values.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials { uin, sid, skey, pass_ticket: [redacted] }")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_credentials_are_validated() {
        assert!(Credentials::new("566148615", "kByR+/=", "", "").is_ok());
        assert!(Credentials::new("-7", "s", "@crypt_1", "a%2Bb").is_ok());
        let long = "s".repeat(4097);
        for [uin, sid, skey, ticket] in [
            ["", "s", "", ""],
            ["x7", "s", "", ""],
            ["7", "", "", ""],
            ["7", "s s", "", ""],
            ["7", &*long, "", ""],
            ["7", "s", "k\n", ""],
            ["7", "s", "", "雨"],
        ] {
            assert!(
                Credentials::new(uin, sid, skey, ticket).is_err(),
                "{uin} {sid} {skey} {ticket}"
            );
        }
    }

    #[test]
    fn credentials_of_a_browser_come_from_its_cookies() {
        for cookies in ["wxuin=7; wxsid=a+b/=; x=y", "Cookie: x=y;wxsid=a+b/=;wxuin=7"] {
            let credentials = Credentials::from_cookies(cookies, "@crypt_1", "p%2B").unwrap();
            assert!(credentials == Credentials::new("7", "a+b/=", "@crypt_1", "p%2B").unwrap());
        }
        for cookies in ["", "wxuin=7", "wxsid=a", "wxuin=x; wxsid=a", "mywxuin=7; wxsid=a"] {
            assert!(Credentials::from_cookies(cookies, "", "").is_err(), "{cookies}");
        }
    }
}
