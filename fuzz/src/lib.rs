//! The fuzz targets, and the table of all endpoints that they and other tests share.
//!
//! Each entry accepts any bytes and panics if a guarantee of `docs/threats.md` is violated. The
//! programs in `fuzz_targets` and the replay in `tests/it/parsers/corpus.rs` use the same table, [`TARGETS`].

use std::fmt::Debug;
use std::str::FromStr;

use bytes::Bytes;
use wechat_proto::flow::Response;
use wechat_proto::login::{Credentials, InitSession};
use wechat_proto::{Account, Device, Endpoint as _, Timestamp, UserName};

mod checks;
mod differential;
mod downloads;
mod endpoints;
mod flows;
mod json;
mod make;
mod messages;
mod records;
mod targets;
mod text;

pub use endpoints::{ENDPOINTS, Row, Visitor, endpoints};
pub use make::Make;
pub use targets::{TARGETS, Table, dispatch, entries, run};

/// A function that accepts any bytes.
pub type Entry = fn(&[u8]);

/// The time of all requests.
pub const NOW: Timestamp = Timestamp::from_millis(1_476_606_163_580);

/// A part of each credential of [`account`].
const PLANTED: &str = "5137019420553";

/// Checks `docs/threats.md` S1: the printed value does not show [`PLANTED`], unless the input
/// `bytes` contain it as well.
fn hides_secrets(printed: &impl Debug, bytes: &[u8]) {
    let text = format!("{printed:?}");
    let shown = text.contains(PLANTED);
    assert!(!shown || String::from_utf8_lossy(bytes).contains(PLANTED), "{text}");
}

fn reply(bytes: &[u8]) -> Response {
    Response::new(Bytes::copy_from_slice(bytes))
}

/// Parses a value.
fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid value")
}

fn credentials() -> Credentials {
    let [sid, skey, ticket] = ["sid", "skey", "ticket"].map(|name| format!("{name}-{PLANTED}"));
    Credentials::new(PLANTED, &sid, &skey, &ticket).expect("valid credentials")
}

/// Returns an account with two recent chats and no contacts.
pub fn account() -> Account {
    let init = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"filehelper","NickName":"me","Uin":1},"ChatSet":"@@1,@2"}"#;
    let init = InitSession::new(credentials()).parse(&reply(init.as_bytes())).expect("a reply");
    Account::open(Device::new(), credentials(), init, NOW)
}

fn me() -> UserName {
    UserName::file_helper()
}
