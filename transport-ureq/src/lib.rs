//! The blocking transport of [`wechat_proto`], over [ureq](https://docs.rs/ureq). It needs no
//! runtime and uses the caller's threads.
//!
//! [`Client::open`] resumes the session of a store ([`FileStore`], or your own), or logs in, and
//! saves the session automatically. [`Client::events`] returns all events, and [`Client::messages`]
//! only the messages. The client has a function for each common operation ([`Client::reply`],
//! [`Client::send_file`], [`Client::save`], …).
//!
//! At a lower level, [`Client::call`] calls an endpoint, and [`Client::run`] runs any
//! [`Flow`](wechat_proto::Flow). A [`Transport`] is the HTTP stack, which any number of clients can
//! share. A client is cheap to clone and can be used from several threads at once, for example one
//! for the events and others for calls.
//!
//! ```no_run
//! use wechat_proto::Error;
//! use wechat_transport_ureq::{Client, FileStore, Options};
//!
//! fn main() -> Result<(), Error> {
//!     let store = FileStore::open("bot.session")?;
//!     let client = Client::open(store, Options::default(), |step| println!("{step}"))?;
//!     for message in client.messages() {
//!         let message = message?;
//!         if message.text() == Some("ping") {
//!             client.reply(&message, "pong")?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! An error that `main` returns is printed in its `Debug` form. [`Chain`](wechat_proto::error::Chain)
//! displays it in one line, with its causes.
//!
//! # Where to look
//!
//! | to | see |
//! |---|---|
//! | log in, and stay logged in | [`Client::open`], [`Options::resume`] |
//! | handle messages | [`Bot`], [`Client::events`] |
//! | send, upload, save, forward, revoke, and manage contacts and rooms | [`Client`] |
//! | find people and rooms | [`Client::directory`], [`wechat_proto::contact::Directory`] |
//! | read the content of a message | [`wechat_proto::message::Kind`] |
//! | find the meaning of an error | [`Error`] |
//! | copy a recipe | [`guide::cookbook`] |
//! | translate a bot for openwechat, itchat, wxpy or wechat4u | [`guide::coming_from`] |
//! | read the limits of the web protocol | [`wechat_proto::reference::limits`] |
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
//! - ureq writes header names in lower case, which distinguishes a client from a browser. The async
//!   transport writes them as browsers do.
//! - Name lookups are cached for a minute. The addresses of a name are tried one after another,
//!   each but the last for at most a second, starting with the one that responded last.
//! - Proxy environment variables are ignored; [`Options::proxy`] sets an HTTP or a SOCKS proxy.
//! - One deadline covers the whole exchange: lookup, connection, handshake, request, reply. For a
//!   streamed reply, it applies to each of these stages, and the idle limit of the body also to the
//!   wait for the head.
//! - A failure reports [`Sent::No`](wechat_proto::error::Sent::No) if no connection could be made for
//!   the request; its source names the host and the port. Once there is a connection, the outcome is
//!   unknown, even if no byte of the request left the machine.
//! - The messages have their own connections, so that [`Client::stop`] can cancel their long poll
//!   without affecting a call in progress.
//!
//! # Logging
//!
//! With the feature `tracing`, each exchange emits an event at debug level with host, path, status
//! and duration, but never a query, a header or a body. **ureq itself logs complete URLs and the
//! bytes of requests and responses, with their credentials, if the log targets `ureq` and
//! `ureq_proto` are enabled at trace level**: limit them to debug.

mod bot;
mod client;
mod connect;
mod download;
mod drive;
mod events;
mod exchange;
mod failure;
pub mod guide;
mod open;
mod operations;
mod resolve;
mod tls;
mod transport;

pub use bot::Bot;
pub use client::Client;
pub use download::Download;
pub use events::{Events, Messages};
pub use transport::Transport;
pub use wechat_file_store::FileStore;
pub use wechat_proto::{self, Error, Event};
#[cfg(feature = "qrcode")]
pub use wechat_transport::qr;
pub use wechat_transport::{Exchange, Options, OutgoingFile};
