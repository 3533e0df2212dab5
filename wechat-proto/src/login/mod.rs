//! Logging in and out: `docs/protocol.md` §3, §4.
//!
//! [`Login`] does all of it; the modules are its steps, each a request and the parser of its
//! reply.

pub mod announce;
mod credentials;
mod flow;
pub mod init;
pub mod logout;
mod open;
mod progress;
pub mod push;
pub mod qrcode;
pub mod redeem;
pub mod scan;
pub mod uuid;

pub use credentials::{Credentials, Redirect};
pub use flow::Login;
pub use open::{Open, Resume};
pub use progress::Progress;
