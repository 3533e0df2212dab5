//! The blocking transport of [`wechat_proto`], over [ureq](https://docs.rs/ureq): no runtime, one
//! thread per conversation.
//!
//! A [`Transport`] is the HTTP stack, shared by any number of clients. [`Client::open`] opens the
//! session that is stored ([`FileStore`], or a store of your own), or logs in; [`Client::login`]
//! shows a QR code, [`Client::resume`] resumes a session. [`Client::messages`] waits for messages;
//! [`Client::call`] calls an endpoint; [`Client::run`] runs any [`Flow`](wechat_proto::Flow). A
//! client is cheap to clone and can be used from several threads at once, the messages on one and
//! calls on others.
//!
//! ```no_run
//! use wechat_proto::login::Progress;
//! use wechat_proto::{Device, Error};
//! use wechat_transport_ureq::{Client, Options, Transport};
//!
//! fn main() -> Result<(), Error> {
//!     let transport = Transport::new(Options::default())?;
//!     let mut device = Device::new();
//!     let client = Client::login(&transport, &mut device, |progress| {
//!         if let Progress::Code { uuid } = progress {
//!             println!("scan the QR code of {}", uuid.url());
//!         }
//!     })?;
//!     println!("{} contacts", client.contacts()?.len());
//!     for message in client.messages() {
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
//! - What a look-up found is kept for a minute, and not asked for at each request.
//! - No proxy is taken from the environment; [`Options::proxy`] sets one.
//! - One deadline covers the whole of an exchange: look-up, connection, handshake, request, reply.
//! - The messages have connections of their own, so that [`Client::stop`] can break their long
//!   poll without touching a call under way.
//!
//! # Logging
//!
//! With the feature `tracing`, each exchange is an event at debug level: host, path, status and
//! duration, never a query, a header or a body. **ureq itself logs whole URLs, which carry
//! credentials, at trace level** under the log target `ureq`: cap that target at debug.

mod body;
mod client;
mod connect;
mod deadline;
mod drive;
mod exchange;
#[cfg(feature = "tracing")]
mod log;
mod messages;
mod open;
mod options;
mod resolve;
mod tls;
mod transport;

pub use body::Download;
pub use client::Client;
pub use messages::Messages;
pub use options::Options;
pub use transport::Transport;
pub use wechat_file_store::FileStore;
