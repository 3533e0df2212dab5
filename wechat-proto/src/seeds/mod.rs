//! Test vectors: the requests and replies printed in two public descriptions of the protocol.
//!
//! The *first notes* are the 2016 notes of lbbniu/WebWechat, the *second notes* those of
//! biezhi/wechat-robot: notes-L and notes-B of `docs/protocol.md`. The samples are copied literally,
//! with four exceptions:
//!
//! - omissions (`...`, `xxx`, words for values) are filled in, and comments are removed;
//! - names and numbers of people, and the credentials of their logins, are invented, with the same
//!   shape, and consistent across the samples;
//! - the second notes' tables are written as the requests that they describe, and literals of
//!   another language are written as JSON;
//! - line breaks are added for readability.
//!
//! [`compare`] compares a request of this library with the printed one. It requires every difference
//! to be listed with the paragraph of `docs/protocol.md` that is the reason for it, and every listed
//! difference to occur.

mod contact;
mod download;
mod harness;
mod login;
mod messages;
mod rooms;
mod send;
mod send_media;
mod session;
mod sync;
mod systems;
mod upload;
mod vectors;

use harness::How::{Added, Changed, Moved, Omitted, Random};
use harness::{Difference, Json, compare, compare_form};

use crate::device::Device;
use crate::hosts::{Family, Hosts};
use crate::ids::UserName;
use crate::login::Credentials;
use crate::session::{Me, Session};
use crate::sync::SyncKey;

/// The account of all samples.
const UIN: i64 = 752_650_838;
const ME: &str = "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d";
/// A person, and two rooms.
const FRIEND: &str = "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42";
const ROOM: &str = "@@7cd324e910a655b1242610ef55ea62fd1b41b6dc7ee7e06d75b6e28ba12f7f0a";
const OTHER_ROOM: &str = "@@30eeaf63df54cd27d1a9dbf2120e3e481c0473daba1abb19b712bff391196641";

/// The credentials of a login. The first notes have three of them.
struct Login {
    sid: &'static str,
    skey: &'static str,
    pass_ticket: &'static str,
}

/// The login of the samples of logging in and of opening the session.
const FIRST: Login = Login {
    sid: "kByRoJSUlD7S2pif",
    skey: "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e",
    pass_ticket: "xYZ2UYgVCw0xSwWT%2FlQGCIMDn9LHCGnnKxo6%2B8ZXXt5ZgNdB6r6cF3SLDse4fQhy",
};
/// The login of the samples of contacts and `synccheck`.
const SECOND: Login = Login {
    sid: "YAqzRQVYIhbG6DFO",
    skey: "@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073",
    pass_ticket: "PLSyHTx2CHPnLz7BbX6TZu%2B50SskQ9JGjlOZld5NE%2F4V39k8tO0N6myM%2B6n5IRL0",
};
/// The login of the samples of messages.
const THIRD: Login = Login {
    sid: "2uor+DO3JHqeS5te",
    skey: "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
    pass_ticket: "zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%2BdzhO6iR178dcV0zQQ%2FxeHlI3nvoalQC4",
};

impl Login {
    fn credentials(&self) -> Credentials {
        Credentials {
            uin: alloc::format!("{UIN}").parse().unwrap(),
            sid: self.sid.parse().unwrap(),
            skey: self.skey.parse().unwrap(),
            pass_ticket: self.pass_ticket.parse().unwrap(),
        }
    }

    /// Returns the session of this login, with the sync key `key`.
    fn session(&self, family: Family, key: SyncKey) -> Session {
        let me = Me {
            user_name: name(ME),
            nick_name: "MiaoXu".into(),
            head_img_url: "".into(),
            uin: UIN,
            signature: "".into(),
            sex: 1,
        };
        Session::new(device(family), self.credentials(), me, key)
    }
}

fn device(family: Family) -> Device {
    Device::new().with_hosts(Hosts::new(family))
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

/// A parameter that most requests of the notes lack.
const LANG: Difference = Difference {
    what: "?lang",
    how: Added("zh_CN"),
    why: "docs/protocol.md §1.2: a page opened with a language sends it in its calls",
};

/// Random digits: only the shape is the same.
const DEVICE_ID: Difference = Difference {
    what: "BaseRequest.DeviceID",
    how: Random("\"e???????????????\""),
    why: "docs/protocol.md §1.4: e and 15 digits, random in each request",
};

/// The second notes' `Content-Type`, where it is spelled correctly, has a blank in its value.
const CONTENT_TYPE: Difference = Difference {
    what: "content-type:",
    how: Changed("application/json;charset=UTF-8"),
    why: "docs/protocol.md §1.3: the official page writes it without a blank",
};

/// The second notes' misspelled `ContentType`, and the correct header.
const MISSPELLED_CONTENT_TYPE: Difference = Difference {
    what: "contenttype:",
    how: Omitted,
    why: "docs/protocol.md §17: the header ContentType is one of their errors",
};
const ADDED_CONTENT_TYPE: Difference = Difference {
    what: "content-type:",
    how: Added("application/json;charset=UTF-8"),
    why: "docs/protocol.md §1.3: the correct spelling",
};
