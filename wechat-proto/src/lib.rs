//! A sans-IO implementation of the WeChat web protocol ("webwx", the protocol of `wx.qq.com`).
//!
//! This crate builds requests, parses responses and applies them to the state of a session. It
//! opens no socket, reads no clock, starts no thread and draws no randomness of its own: the same
//! inputs produce the same bytes. (The crate is `#![no_std]`, so its own source cannot use any of
//! these; the `http` crate, on which it depends, needs `std`.) `wechat-transport-ureq` (blocking)
//! and `wechat-transport-hyper` (async) execute the requests: to write a bot, start with one of
//! them. You can also execute the requests yourself, with a loop like the one below.
//!
//! - An **endpoint** is a value: [`Endpoint::request`] builds its request, complete with cookies,
//!   and [`Endpoint::receive`] parses the response and applies it. It can be used alone.
//! - A **flow** is a sequence of exchanges: [`login::Login`], [`contact::LoadContacts`], [`sync::Events`],
//!   [`sync::Inbox`], [`media::Upload`], and a [`Call`] of any endpoint. [`flow`] lists the
//!   obligations of a driver.
//! - **State** is a value: a [`Device`] before the login, an [`Account`] after it, whose
//!   [`Session`] is the only part to store.
//!
//! # One endpoint
//!
//! ```
//! use wechat_proto::message::SendText;
//! use wechat_proto::{Endpoint as _, Error, Session, Timestamp, UserName, flow, http};
//!
//! # fn exchange(_: http::Request<wechat_proto::Body>) -> flow::Response {
//! #     let reply = r#"{"BaseResponse":{"Ret":0},"MsgID":"4527381"}"#;
//! #     http::Response::new(wechat_proto::bytes::Bytes::from(reply))
//! # }
//! fn send(session: &mut Session, now: Timestamp) -> Result<(), Error> {
//!     let mut send = SendText::new(UserName::file_helper(), "hello");
//!     let request = send.request(session, now);
//!     let (uri, response) = (request.uri().clone(), exchange(request)); // your HTTP client
//!     let receipt = send.receive(session, &uri, &response, now)?;
//!     println!("sent as {}", receipt.msg_id);
//!     Ok(())
//! }
//! # use wechat_proto::login::{Credentials, InitSession};
//! # let init = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"}}"#;
//! # let credentials = Credentials::new("7", "s", "k", "p").unwrap();
//! # let init = http::Response::new(wechat_proto::bytes::Bytes::from(init));
//! # let init = InitSession::new(credentials.clone()).parse(&init).unwrap();
//! # let now = Timestamp::from_secs(1_476_606_163);
//! # let mut session = Session::open(wechat_proto::Device::new(), credentials, &init, now);
//! # send(&mut session, now).unwrap();
//! ```
//!
//! `cargo run -p wechat-proto --example endpoint` shows the request.
//!
//! # A custom driver loop
//!
//! ```no_run
//! use wechat_proto::contact::LoadContacts;
//! use wechat_proto::login::{Login, Progress};
//! use wechat_proto::message::SendText;
//! use wechat_proto::sync::Inbox;
//! use wechat_proto::{Account, Call, Device, Error, Flow, Input, Interrupt, Timestamp, flow};
//!
//! # fn exchange(request: flow::Request) -> Result<flow::Response, wechat_proto::error::Failure> {
//! #     unreachable!("{request:?}")
//! # }
//! # fn sleep(_: std::time::Duration) {}
//! fn now() -> Timestamp {
//!     let elapsed = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
//!     Timestamp::default().after(elapsed)
//! }
//!
//! /// Runs a flow to its next output. `exchange` calls your HTTP client, `sleep` your timer.
//! fn run<F: Flow>(flow: &mut F, state: &mut F::State) -> Result<F::Output, Error> {
//!     loop {
//!         match flow.poll(state, now()) {
//!             Ok(output) => return Ok(output),
//!             Err(Interrupt::Send(request)) => flow.handle(Input::Reply(exchange(*request))),
//!             Err(Interrupt::Sleep(time)) => sleep(time),
//!             Err(Interrupt::Fail(error)) => return Err(error),
//!             Err(Interrupt::Read(_)) => unreachable!("only uploads read a source"),
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let mut device = Device::new().with_seed([7; 32]); // 32 random bytes
//! let mut login = Login::new();
//! let mut account: Box<Account> = loop {
//!     match run(&mut login, &mut device)? {
//!         Progress::Code { uuid } => println!("scan {}", uuid.url()),
//!         Progress::LoggedIn(account) => break account,
//!         _ => {}
//!     }
//! };
//! println!("logged in as {}", account.session().me().nick_name);
//! run(&mut LoadContacts::new(), &mut account)?; // names, for `account.directory()`
//! let mut inbox = Inbox::new();
//! loop {
//!     // Returns an error once the session has ended.
//!     let message = run(&mut inbox, &mut account)?;
//!     if message.text() == Some("ping") {
//!         let reply = SendText::reply(&message, "pong");
//!         run(&mut Call::new(reply), account.session_mut())?;
//!     }
//! }
//! # }
//! ```
//!
//! # References
//!
//! [`reference::endpoints`] lists the type for each call of the page, and [`reference::limits`] the
//! limits of the protocol. [`reference::protocol`] describes the protocol, [`reference::shapes`]
//! the observed shapes of its replies, and [`reference::threats`] the faults that the crate
//! tolerates. Comments in the code cite these pages as `docs/protocol.md §7.1`.
#![no_std]
// Data from the network must never be indexed or unwrapped.
#![warn(clippy::indexing_slicing, clippy::unwrap_used)]

extern crate alloc;

pub mod account;
mod backoff;
pub mod body;
mod call;
pub mod contact;
pub mod device;
pub mod endpoint;
pub mod entry;
pub mod error;
pub mod feedback;
#[cfg(test)]
mod file_helper_tests;
pub mod flow;
#[cfg(any(test, feature = "_fuzz"))]
pub mod fuzz;
pub mod hosts;
mod ids;
pub mod link;
pub mod login;
pub mod media;
pub mod message;
mod origin;
mod parts;
pub mod report;
pub mod retry;
mod rng;
pub mod room;
pub mod router;
mod secret;
mod send_rate;
pub mod session;
pub mod store;
pub mod sync;
#[cfg(test)]
mod testing;
pub mod text;
mod time;
mod wire;

pub use account::Account;
pub use body::Body;
pub use bytes;
pub use call::Call;
pub use device::{Device, Lang};
pub use endpoint::Endpoint;
pub use entry::Entry;
pub use error::Error;
pub use flow::{Flow, Input, Interrupt};
pub use hosts::Hosts;
pub use http;
pub use ids::{ClientMsgId, MsgId, UserName, Uuid};
pub use message::Message;
pub use session::Session;
pub use sync::Event;
pub use text::Text;
pub use time::Timestamp;

/// The documents that the code cites.
pub mod reference {
    #[doc = include_str!("../docs/protocol.md")]
    pub mod protocol {}

    #[doc = include_str!("../docs/endpoints.md")]
    pub mod endpoints {}

    #[doc = include_str!("../docs/bounds.md")]
    pub mod bounds {}

    #[doc = include_str!("../docs/limits.md")]
    pub mod limits {}

    #[doc = include_str!("../docs/shapes.md")]
    pub mod shapes {}

    #[doc = include_str!("../docs/json.md")]
    pub mod json {}

    #[doc = include_str!("../docs/threats.md")]
    pub mod threats {}

    #[doc = include_str!("../docs/migration-0.2.md")]
    pub mod migration_0_2 {}
}
