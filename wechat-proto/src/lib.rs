//! The WeChat web protocol ("webwx", what `wx.qq.com` speaks) without input and output.
//!
//! This crate builds requests, reads replies and knows what follows what. It opens no socket,
//! reads no clock, starts no thread and draws no randomness of its own: given the same inputs,
//! the same bytes leave. (It is `#![no_std]`, so that its own source can name none of these; the
//! `http` crate that it is built on needs `std`.) `wechat-transport-ureq` (blocking) and `wechat-transport-hyper` (async)
//! move the bytes; so can you, with the loop below.
//!
//! - An **endpoint** is a module with two functions: `request` builds a [`Call`], `parse` reads
//!   the reply. [`message::send_text`] is one.
//! - A **flow** is a conversation: [`login::Login`], [`contact::Contacts`], [`sync::Inbox`],
//!   [`media::Upload`], and every [`Call`]. [`flow`] says what a driver owes it.
//! - **State** is a value: a [`Device`] before the login, an [`Account`] after it, whose
//!   [`Session`] is the one thing to store.
//!
//! # A loop of your own
//!
//! ```no_run
//! use wechat_proto::login::{Login, Progress};
//! use wechat_proto::{Account, Device, Error, Flow, Input, Interrupt, Timestamp, flow};
//!
//! # fn exchange(request: flow::Request) -> Result<flow::Response, wechat_proto::error::Failure> {
//! #     unreachable!("{request:?}")
//! # }
//! fn now() -> Timestamp {
//!     let elapsed = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
//!     Timestamp::default().after(elapsed)
//! }
//!
//! /// Runs a flow to its next output. `exchange` is your HTTP stack.
//! fn run<F: Flow>(flow: &mut F, state: &mut F::State) -> Result<F::Output, Error> {
//!     loop {
//!         match flow.poll(state, now()) {
//!             Ok(output) => return Ok(output),
//!             Err(Interrupt::Send(request)) => flow.handle(Input::Reply(exchange(*request))),
//!             Err(Interrupt::Sleep(time)) => std::thread::sleep(time),
//!             Err(Interrupt::Fail(error)) => return Err(error),
//!             Err(_) => unreachable!("only uploads read"),
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let mut device = Device::new().with_seed([7; 32]); // 32 random bytes
//! let mut login = Login::new();
//! let account: Box<Account> = loop {
//!     match run(&mut login, &mut device)? {
//!         Progress::Code { uuid } => println!("scan {}", uuid.url()),
//!         Progress::LoggedIn(account) => break account,
//!         _ => {}
//!     }
//! };
//! println!("logged in as {}", account.session().me().nick_name);
//! # Ok(())
//! # }
//! ```
//!
//! # References
//!
//! [`reference::protocol`] is what is known of the protocol, [`reference::shapes`] what its
//! replies have been seen to look like, [`reference::threats`] what is survived. Comments in the
//! code cite them as `docs/protocol.md §7.1`.
#![no_std]
// What the network says is never indexed or unwrapped.
#![warn(clippy::indexing_slicing, clippy::unwrap_used)]

extern crate alloc;

pub mod account;
pub mod body;
#[cfg(test)]
mod bounds_tests;
mod call;
#[cfg(test)]
mod circle_tests;
#[cfg(test)]
mod clock_tests;
pub mod contact;
#[cfg(test)]
mod corpus_tests;
pub mod device;
mod ended;
pub mod entry;
pub mod error;
pub mod feedback;
pub mod flow;
#[cfg(feature = "_fuzz")]
pub mod fuzz;
pub mod hosts;
mod ids;
#[cfg(test)]
mod injection_tests;
mod jar;
pub mod link;
pub mod login;
pub mod media;
pub mod message;
mod origin;
mod pace;
pub mod report;
mod rng;
pub mod room;
mod secret;
#[cfg(test)]
mod seeds;
pub mod session;
mod storage;
pub mod store;
mod stored;
pub mod sync;
mod taken;
#[cfg(test)]
mod testing;
pub mod text;
mod time;
mod wire;

pub use account::Account;
pub use body::Body;
pub use call::Call;
pub use device::{Device, Lang};
pub use entry::Entry;
pub use error::Error;
pub use flow::{Flow, Input, Interrupt};
pub use hosts::Hosts;
pub use ids::{ClientMsgId, MsgId, UserName, Uuid};
pub use message::Message;
pub use session::Session;
pub use text::Text;
pub use time::Timestamp;

/// What the code rests on.
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
}
