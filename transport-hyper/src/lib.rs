//! The async transport of [`wechat_proto`], over [hyper](https://docs.rs/hyper).
//!
//! [`Client::open`] resumes the session of a store ([`FileStore`], or your own), or logs in, and
//! saves the session automatically. [`Client::events`] returns all events, and [`Client::messages`]
//! only the messages. The client has a function for each common operation ([`Client::reply`],
//! [`Client::send_file`], [`Client::save`], …).
//!
//! At a lower level, [`Client::call`] calls an endpoint, and [`Client::run`] runs any
//! [`Flow`](wechat_proto::Flow). A [`Transport`] is the HTTP stack, which any number of clients can
//! share. A client is cheap to clone and can be used from several tasks at once, for example one
//! for the events and others for calls.
//!
//! ```no_run
//! use wechat_proto::Error;
//! use wechat_transport_hyper::{Client, FileStore, Options};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     let store = FileStore::open("bot.session").await?;
//!     let client = Client::open(store, Options::default(), |step| println!("{step}")).await?;
//!     let mut messages = client.messages();
//!     while let Some(message) = messages.next().await {
//!         let message = message?;
//!         if message.text() == Some("ping") {
//!             client.reply(&message, "pong").await?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! An error that `main` returns is printed in its `Debug` form. [`Chain`](wechat_proto::error::Chain)
//! displays it in one line, with its causes.
//!
//! The functions are those of the blocking client, whose
//! [guides](https://docs.rs/wechat-transport-ureq/latest/wechat_transport_ureq/guide/) apply: a cookbook, and tables for
//! users of openwechat, itchat, wxpy and wechat4u.
//!
//! # Network behaviour
//!
//! The transport meets the requirements of [`wechat_proto::flow`] for a driver: it sends requests
//! unchanged, follows no redirects, adds no headers, keeps no cookies, and returns every failure as a
//! value.
//!
//! - TLS is rustls with the `ring` provider, passed explicitly, so that a program may also contain
//!   another provider. It trusts Mozilla's roots and [`Options::root_certificate`], or, with the feature
//!   `platform-verifier`, the authorities of the operating system (`Options::platform_verifier`). Without the
//!   feature `rustls`, requests to `https` hosts fail.
//! - The addresses of a name are tried at intervals of 250 ms, or at once after a failure; the first
//!   that responds is used.
//! - Proxy environment variables are ignored; [`Options::proxy`] sets an HTTP or a SOCKS proxy.
//! - One deadline covers the whole exchange: lookup, connection, handshake, request, reply.
//!   [`Options::connect_timeout`] limits the part before the request. If a kept connection turns out
//!   to be closed, only the deadline limits the connection that replaces it.
//! - Header names are spelled as browsers do: `User-Agent`.
//! - The head of a reply may have 64 KB. hyper checks this between reads, so that a head of up to
//!   128 KB may pass.
//! - A failure reports [`Sent::No`](wechat_proto::error::Sent::No) if no connection could be made for
//!   the request; its source names the host and the port. Once there is a connection, the outcome is
//!   unknown, even if no byte of the request left the machine.
//! - The name lookup of a cancelled request ends in the background, on a blocking thread of tokio.
//! - [`Client::stop`] cancels the long poll of the messages without affecting a call in progress.
//!
//! # Runtimes
//!
//! The default client and timer need a tokio runtime with time and I/O enabled.
//! [`Transport::with_service`] replaces both; then no tokio runtime is needed: the traits of
//! [`tokio::io`], which uploads and downloads use, work without one. On a multi-threaded runtime,
//! spawn tasks that use a client: they run slower on the thread of `block_on`.
//!
//! Replies of 256 KB and more to the messages and to [`Client::contacts`] are parsed on a thread of
//! their own; other flows parse theirs on the runtime. Applying a batch of messages also runs on the
//! runtime: for 1 MB it takes a few milliseconds.
//!
//! # Logging
//!
//! With the feature `tracing`, each exchange emits an event at debug level with host, path, status
//! and duration, but never a query, a header or a body. The blocking transport uses ureq, which logs
//! credentials if the log targets `ureq` and `ureq_proto` are enabled at trace level: limit them to
//! debug in a program that uses both.

mod bot;
mod client;
mod connect;
mod download;
mod drive;
mod events;
mod exchange;
mod failure;
mod open;
mod operations;
mod pieces;
mod tls;
mod transport;

pub use bot::Bot;
pub use bytes::Bytes;
pub use client::Client;
pub use download::Download;
pub use events::{Events, Messages};
pub use transport::Transport;
pub use wechat_file_store::{AsyncFileStore as FileStore, Blocking};
pub use wechat_proto::{self, Error, Event};
#[cfg(feature = "qrcode")]
pub use wechat_transport::qr;
pub use wechat_transport::{Exchange, Options, OutgoingFile};

/// The body of a request for a service: one frame of known length, or none.
pub type RequestBody = http_body_util::Full<wechat_proto::Body>;

/// Any error of a service or a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The timer of a transport.
type Timer = std::sync::Arc<dyn hyper::rt::Timer + Send + Sync>;
