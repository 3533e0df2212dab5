//! The WeChat web service, simulated: for the tests, examples and demonstrations of `wechat-proto`.
//!
//! [`World`] is the service as a state machine, as strict as the real one: whatever it would refuse is kept in
//! [`World::violations`]. [`Simulator`] shares a world between threads and plays a script in it. [`Server`] puts it
//! behind a socket. [`Demo`] is a small story that runs by itself.
//!
//! What a call looks like is written down in `docs/protocol.md` of `wechat-proto`. Nothing here uses that crate's code,
//! so that the two cannot share a mistake.

mod account;
mod check;
#[cfg(test)]
mod client;
mod contact;
mod date;
mod demo;
mod form;
mod handle;
mod headers;
mod jar;
mod layout;
mod log;
mod message;
mod people;
mod phone;
mod reply;
mod request;
mod rng;
mod routes;
#[cfg(test)]
mod seeds;
mod server;
mod service;
mod session;
mod simulator;
#[cfg(test)]
mod strictness;
mod tls;
mod world;

pub use account::Account;
pub use check::Violation;
pub use contact::{Contact, Member};
pub use demo::Demo;
pub use form::Form;
pub use layout::Layout;
pub use log::Logged;
pub use message::{Delivered, Incoming, Recommend, Sent};
pub use phone::Phone;
pub use routes::ROUTES;
pub use server::Server;
pub use simulator::{Answer, Simulator, WorldGuard};
pub use world::World;

/// The examples of the front page, compiled.
#[cfg(doctest)]
mod front_page {
    #[doc = include_str!("../../README.md")]
    struct English;

    #[doc = include_str!("../../README.zh-CN.md")]
    struct Chinese;
}
