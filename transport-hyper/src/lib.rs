//! The async transport of [`wechat_proto`], over [hyper](https://docs.rs/hyper).
//!
//! A [`Transport`] is the HTTP stack, shared by any number of clients. [`Client::open`] opens the
//! session that is stored ([`FileStore`], or a store of your own), or logs in; [`Client::login`]
//! shows a QR code, [`Client::resume`] resumes a session. [`Client::messages`] waits for messages;
//! [`Client::call`] calls an endpoint; [`Client::run`] runs any [`Flow`](wechat_proto::Flow). A
//! client is cheap to clone and can be used from several tasks at once, the messages on one and
//! calls on others.
//!
//! ```no_run
//! use wechat_proto::login::Progress;
//! use wechat_proto::{Device, Error};
//! use wechat_transport_hyper::{Client, Options, Transport};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     let transport = Transport::new(Options::default())?;
//!     let mut device = Device::new();
//!     let client = Client::login(&transport, &mut device, |progress| {
//!         if let Progress::Code { uuid } = progress {
//!             println!("scan the QR code of {}", uuid.url());
//!         }
//!     });
//!     let client = client.await?;
//!     println!("{} contacts", client.contacts().await?.len());
//!     let mut messages = client.messages();
//!     while let Some(message) = messages.next().await {
//!         println!("{:?}", message?);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # What it does with the network
//!
//! It keeps the promises that [`wechat_proto::flow`] asks of a driver: requests are sent as they
//! are, nothing is followed, added or remembered, every failure is returned as a value.
//!
//! - TLS is rustls with the `ring` provider, passed explicitly: a program that also contains
//!   another provider works. Trusted are Mozilla's roots and [`Options::root_certificate`].
//! - No proxy is taken from the environment; [`Options::proxy`] sets one.
//! - One deadline covers the whole of an exchange: look-up, connection, handshake, request, reply.
//! - [`Client::stop`] breaks the long poll of the messages without touching a call under way.
//!
//! # Runtimes
//!
//! By default it runs on tokio, with time and I/O enabled. [`Options::service`] and
//! [`Options::timer`] bring another client and timer; then no tokio runtime is needed. On a
//! runtime of several threads, spawn what talks to the service: the thread of `block_on` is a
//! slower place for it.
//!
//! # Logging
//!
//! With the feature `tracing`, each exchange is an event at debug level: host, path, status and
//! duration, never a query, a header or a body. (The blocking sibling of this crate is built on
//! ureq, which logs whole URLs at trace level under the log target `ureq`: a program that uses
//! both caps that target at debug.)

mod body;
mod client;
mod connect;
mod drive;
mod exchange;
mod failure;
#[cfg(feature = "tracing")]
mod log;
mod messages;
mod open;
mod options;
mod service;
mod source;
mod store;
mod timer;
mod tls;
mod transport;

pub use body::{Download, RequestBody};
pub use bytes::Bytes;
pub use client::Client;
pub use messages::Messages;
pub use options::Options;
pub use source::Source;
pub use store::{Blocking, FileStore};
pub use transport::Transport;

/// Any error: what services and bodies may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
