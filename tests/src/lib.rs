//! The WeChat web service, simulated: for the tests, examples and demonstrations of `wechat-proto`, and of the bots
//! built on it.
//!
//! [`World`] is the service as a state machine. [`Simulator`] shares a world between threads and plays a script in it.
//! [`Server`] puts it behind a socket. [`Demo`] is a small story that runs by itself.
//!
//! [`Chaos`] stands between a client and a server and does them harm, [`Line`] does where they speak TLS. [`conformance`]
//! checks a transport of your own.
//!
//! What a call looks like is written down in `docs/protocol.md` of `wechat-proto`. Nothing here but
//! [`conformance`] uses that crate's code, so that the two cannot share a mistake.
//!
//! # Testing a bot
//!
//! The phone scans and confirms, a friend writes, the bot answers:
//!
//! ```
//! use std::time::Duration;
//!
//! use wechat_proto::login::Logout;
//! use wechat_proto::message::SendText;
//! use wechat_proto::{Device, Hosts};
//! use wechat_simulator::{Server, Simulator, World};
//! use wechat_transport_ureq::{Client, Options, Transport};
//!
//! let mut world = World::demo();
//! let ada = world.add_person("Ada");
//! let simulator = Simulator::new(world);
//! let (soon, writer) = (Duration::from_millis(20), ada.clone());
//! simulator.then(soon, |world| world.phone().scan());
//! simulator.then(soon, |world| world.phone().confirm());
//! simulator.then(soon, move |world| drop(world.person_writes(&writer, "ping")));
//! let server = Server::http(&simulator)?;
//! server.real_time(); // the bot is on the system's clock
//!
//! let mut device = Device::new().with_hosts(Hosts::all(server.origin().parse()?));
//! let transport = Transport::new(Options::default())?;
//! let client = Client::login(&transport, &mut device, |_| {})?;
//! for message in client.messages() {
//!     let message = message?;
//!     if message.text() == Some("ping") {
//!         client.call(SendText::reply(&message, "pong"))?;
//!         client.call(Logout::new())?; // ends the messages
//!     }
//! }
//!
//! let world = simulator.world();
//! assert!(world.violations().is_empty(), "{:#?}", world.violations());
//! assert_eq!((&*world.sent()[0].to, &*world.sent()[0].content), (&*ada, "pong"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **Depending on it.** The crate is not published: it is a dev-dependency from the repository, at the revision that the
//!   other crates are taken from.
//!
//!   ```toml
//!   [dev-dependencies]
//!   wechat-simulator = { git = "<the repository>", rev = "<the revision>" }
//!   ```
//! - **Messages.** [`World::person_writes`] and [`World::member_writes`] are for texts. [`Incoming`] makes a message of every
//!   other kind as phones do: images, voices, videos, emoticons, places, cards, friend requests, files and, with [`App`],
//!   links, mini programs, money, quotations and the rest, from a person or [in a room](Incoming::in_room).
//!   [`World::deliver`] hands it out, and what came with it can be fetched.
//! - **Downloads.** [`World::plant`] says what the picture, voice, video, map or file of a message is, or somebody's
//!   picture; what was not planted is made up. [`World::fetched`] tells what was fetched.
//! - **Clock.** A world's clock stands in 2023 and moves only with requests and the script. [`Server::real_time`] makes it
//!   follow the system's; without it, the client needs the world's clock ([`Simulator::now`], the adapters'
//!   `Options::clock`). A client on another clock is answered 400 from the first call on.
//! - **TLS.** [`Server::tls`] speaks for the true host names, and the device keeps its usual hosts. The adapters'
//!   `Options::root_certificate` takes [`Server::ca_der`], and `Options::resolve` leads each name to [`Server::addr`];
//!   `Options::resolve_only` sees to it that nothing leaves the machine.
//! - **Threads.** Clones of a [`Simulator`] are the same one, for as many threads as like. [`Simulator::world`] locks it:
//!   drop the [`WorldGuard`] before the next request, since every request waits for it.
//!
//! # How strict it is
//!
//! As strict as the official page is regular: what differs from that page's requests is kept in [`World::violations`] and
//! answered with an error. A 400 says in its text what was wrong. **What is refused here is no claim about the service**,
//! which is known to let some of it pass. [`World::accept`] admits two other [`Form`]s of asking.
//!
//! Known to be stricter than the service:
//!
//! - the fourteenth digit of a `ClientMsgId` is `0`;
//! - the keys of a JSON body come in the page's order, and no other keys;
//! - queries are spelled as `encodeURIComponent` does it;
//! - headers that the page does not send are refused;
//! - `lang` is mandatory, though the page leaves it out unless it was opened with one;
//! - no two requests have the same `DeviceID`, but for the pieces of one upload;
//! - all fields of all pieces of an upload are the same but for the piece's own, and come in the page's order;
//! - a piece is there once, or once more when its reply may have been lost;
//! - `webwxcheckurl` is asked about links that stand in a message, or that [`World::judge_link`] knows.
//!
//! Known to be laxer:
//!
//! - a QR code does not age: it expires when the script says so ([`Phone::expire`]);
//! - a device is known again by its two lasting cookies; what the service says to one that it does not know (`device
//!   authinfo invalid`) has been seen, its code (here 1) has not;
//! - the first poll of a code that comes may have `tip=0`: one before it may have been lost;
//! - a redirect stays good for 300 seconds from the confirmation;
//! - of a message that is passed on, only what it says is compared with what arrived, not whether the account may;
//! - a send that comes again under the same number is answered alike and delivered once, which the service may or may not
//!   do;
//! - names and keys in the addresses of pictures and files may be encoded or not;
//! - every field of an upload's form may name any file, picture or not;
//! - nothing is too frequent, unless [`World::refuse`] says so.

mod account;
mod app;
mod attached;
mod chaos;
mod check;
#[cfg(test)]
mod client;
#[cfg(test)]
mod client_fetch;
pub mod conformance;
mod contact;
mod date;
mod demo;
mod door;
mod form;
mod handle;
mod headers;
mod jar;
mod kinds;
mod layout;
mod line;
mod log;
mod media;
mod message;
mod multipart;
#[cfg(test)]
mod notes;
mod payload;
mod people;
mod phone;
mod proxy;
mod reply;
mod request;
mod rng;
mod rooms;
mod routes;
mod server;
mod service;
mod session;
mod simulator;
#[cfg(test)]
mod strictness;
mod tls;
mod upload;
mod world;
mod xml;

pub use account::Account;
pub use app::{App, Article, Attachment, Quoted};
pub use attached::Part;
pub use chaos::{Chaos, Fault, Passed};
pub use check::Violation;
pub use contact::{Contact, Member};
pub use demo::Demo;
pub use door::Door;
pub use form::Form;
pub use kinds::Hand;
pub use layout::Layout;
pub use line::{Line, LineFault};
pub use log::Logged;
pub use media::{Asset, Fetched, Media};
pub use message::{Delivered, Incoming, Notice, Recommend, Sent, SentFile};
pub use phone::Phone;
pub use rooms::{Invitation, Verification};
pub use routes::ROUTES;
pub use routes::odds::Judgement;
pub use routes::report::Reported;
pub use server::{Cut, Server};
pub use simulator::{Answer, Simulator, WorldGuard};
pub use upload::Uploaded;
pub use world::World;

/// The examples of the front page, compiled.
#[cfg(doctest)]
mod front_page {
    #[doc = include_str!("../../README.md")]
    struct English;

    #[doc = include_str!("../../README.zh-CN.md")]
    struct Chinese;
}
