//! Logging in and out: `docs/protocol.md` §3, §4.
//!
//! [`Login`] logs in, [`Open`] resumes a stored session; the endpoints are their steps.

mod announce;
mod credentials;
mod flow;
mod init;
mod logout;
mod open;
mod progress;
mod push;
mod qrcode;
mod redeem;
mod redirect;
mod scan;
#[cfg(test)]
mod testing;
mod uuid;

pub use announce::Announce;
pub use credentials::Credentials;
pub use flow::Login;
pub use init::{Init, InitSession, MpArticle, Subscription};
pub use logout::{Logout, LogoutReason};
pub use open::{Open, Resume};
pub use progress::Progress;
pub use push::{PushHost, PushLogin};
pub use qrcode::GetQrCode;
pub use redeem::{RedeemTicket, Redeemed};
pub use redirect::Redirect;
pub use scan::{CheckScan, Scan};
pub use uuid::GetUuid;
