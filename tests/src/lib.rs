//! A simulator of the WeChat web service ("webwx", the service behind `wx.qq.com`), for tests of bots and of clients
//! such as `wechat-proto`. It needs no account, no phone and no network.
//!
//! This page describes the library. The feature `serve` adds the command `wechat-simulator` for clients in any
//! language: see [its documentation](https://github.com/wechat-proto/wechat-proto/blob/main/tests/docs/serve.md).
//!
//! [`World`] is the service as a state machine. [`Simulator`] shares a world between threads and runs a script in it.
//! [`Server`] serves it over a socket. [`Demo`] is a short scripted demonstration.
//!
//! [`Chaos`] is a fault-injecting proxy for HTTP, [`TlsFaultProxy`] one for TLS. [`conformance`] checks your own
//! transport.
//!
//! The calls are specified in `docs/protocol.md` of `wechat-proto`. Only [`conformance`] uses that crate's code, so
//! that the two cannot share a mistake.
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
//! server.real_time(); // the bot uses the system clock
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
//! - **Dependency.** `cargo add --dev wechat-simulator` (until it is on crates.io, with
//!   `--git https://github.com/wechat-proto/wechat-proto`), in the same version as the other crates.
//! - **Messages.** [`World::person_writes`] and [`World::member_writes`] send texts. [`Incoming`] builds messages of
//!   every other kind as phones do: images, voices, videos, emoticons, places, cards, friend requests, files and, with
//!   [`App`], links, mini programs, money, quotations and the rest, from a person or [in a room](Incoming::in_room).
//!   [`World::deliver`] delivers them; their attachments can be fetched.
//! - **Answers and faults.** [`World::react`] answers messages of the client. [`Server::inject`] refuses, replaces, delays
//!   or cuts exchanges: once, several times or always.
//! - **Downloads.** [`World::plant`] sets the picture, voice, video, map or file of a message, or the picture of a
//!   contact. Anything not planted is generated. [`World::fetched`] lists the downloads.
//! - **Clock.** A world's clock starts in 2023 and advances only with requests and the script. [`Server::real_time`]
//!   makes it follow the system clock. Without it, the client needs the world's clock ([`Simulator::now`], the
//!   adapters' `Options::clock`). A client on another clock gets status 400 from the first call on.
//! - **TLS.** [`Server::tls`] serves the true host names, and the device keeps its usual hosts. Pass [`Server::ca_der`]
//!   to the adapters' `Options::root_certificate`, and map each name to [`Server::addr`] with `Options::resolve`;
//!   `Options::resolve_only` ensures that no connection leaves the machine.
//! - **Threads.** Clones of a [`Simulator`] share one world and can be used from any thread. [`Simulator::world`] locks
//!   it: drop the [`WorldGuard`] before the next request, because every request takes the same lock.
//!
//! # Several accounts
//!
//! [`Simulator::add_account`] adds another account of the same service: two bots talk to each other and share rooms.
//! Each has its own world, which is the service as its client sees it, with its own `UserName`s, log and violations.
//!
//! ```
//! use wechat_simulator::{Server, Simulator, World};
//!
//! let ada = Simulator::new(World::demo());
//! let ben = ada.add_account(World::demo());
//! let (ben_at_ada, ada_at_ben) = ada.befriend(&ben);
//! let server = Server::http(&ada)?; // serves both
//! ada.world().phone().writes(&ben_at_ada, "hello"); // a bot's messages arrive like those of its phone
//! ada.world().add_room("Readers", &[&ben_at_ada]); // both have the room
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! - **Logins.** A QR code belongs to the account whose phone scans it: [`Phone::scan`] scans the newest one,
//!   [`Phone::scan_code`] a certain one. Later requests belong to the account whose credentials they carry.
//! - **Messages.** Texts, pictures, videos, emoticons, files with their bytes, forwarded messages and revocations arrive
//!   under the `MsgId` of the sender's reply.
//! - **People.** Friend requests and their acceptance arrive, and so does a new name ([`Phone::renames_self`]). Remarks are
//!   private, and a rejection is not reported.
//! - **Rooms.** New rooms, names, owners and members are shared by all accounts in a room, with the notices of the
//!   changes that a client makes. An invitation arrives as a link, which [`Phone::accepts_invitation`] follows.
//! - **Snapshots.** A clone of a world is a snapshot; [`Simulator::reset`] restores it, and answers held polls.
//!
//! # Strictness
//!
//! Requests that differ from those of the official page are recorded in [`World::violations`], each with its [`Grade`]
//! and source: see [`docs/differences.md`](https://github.com/wechat-proto/wechat-proto/blob/main/tests/docs/differences.md).
//! [`World::set_mode`] sets which are refused. In [`Mode::Library`], the default, all are, with a status of 400 and a body
//! that names the violations. **Such a refusal does not imply one by the real service**, which is known to accept some of
//! these requests. [`Mode::Service`] serves those.
//!
//! [`Mode::Library`] is known to be stricter than the service:
//!
//! - the fourteenth digit of a `ClientMsgId` must be `0`;
//! - the keys of a JSON body must be exactly the page's, in the page's order;
//! - queries must be encoded as by `encodeURIComponent`;
//! - headers that the page does not send are refused;
//! - `lang` is mandatory, though the page omits it unless it was opened with one;
//! - no two requests may have the same `DeviceID`, except the pieces of one upload;
//! - all fields of all pieces of an upload must be equal except the piece's own, and come in the page's order;
//! - a piece may be sent once, or once more when its reply may have been lost;
//! - `webwxcheckurl` may only check links that occur in a message or were passed to [`World::judge_link`].
//!
//! Every mode is known to be laxer:
//!
//! - QR codes do not age: they expire only by the script ([`Phone::expire`]);
//! - a device is recognised by its two persistent cookies; the service's reply to an unknown device (`device authinfo
//!   invalid`) has been observed, its code (here 1) has not;
//! - the first poll of a code that arrives may have `tip=0`, because an earlier one may have been lost;
//! - a redirect stays valid for 300 seconds from the confirmation;
//! - only the content of a forwarded message is compared with the original, not whether the account may forward it;
//! - a send repeated under the same `ClientMsgId` gets the same answer and is delivered once, which the service may or
//!   may not do;
//! - names and keys in the addresses of pictures and files may be percent-encoded or not;
//! - every field of an upload's form may name any file, picture or not;
//! - changes of rooms by simulated people, including the removal of the account, cause no system message;
//! - there is no rate limit, except through [`World::refuse`].

mod check;
#[cfg(test)]
mod client;
pub mod conformance;
mod contact;
mod demo;
mod lock;
mod media;
mod message;
mod proxy;
mod rng;
mod routes;
#[cfg(feature = "serve")]
pub mod serve;
mod server;
mod session;
mod simulator;
mod violation;
mod wire;
mod world;

pub use contact::rooms::{Invitation, Verification};
pub use contact::{Contact, Member};
pub use demo::Demo;
pub use media::upload::Uploaded;
pub use media::{Asset, Fetched, Media, Part};
pub use message::app::{App, Article, Attachment, Quoted};
pub use message::kinds::Hand;
pub use message::reaction::Reaction;
pub use message::{Delivered, Incoming, Notice, Recommend, Sent, SentFile};
pub use proxy::chaos::{Chaos, Fault, Passed};
pub use proxy::tls_fault::{TlsFault, TlsFaultProxy};
pub use routes::ROUTES;
pub use server::Server;
pub use server::injection::{Cut, Effect, Injection};
pub use session::account::Account;
pub use simulator::{Simulator, WorldGuard};
pub use violation::{Grade, Mode, Violation};
pub use wire::reply::Answer;
pub use world::World;
pub use world::entry_page::EntryPage;
pub use world::layout::Layout;
pub use world::log::Logged;
pub use world::misc::{Judgement, Reported};
pub use world::phone::Phone;

/// The examples of the front page, compiled.
#[cfg(doctest)]
mod front_page {
    #[doc = include_str!("../../README.md")]
    struct English;

    #[doc = include_str!("../../README.zh-CN.md")]
    struct Chinese;
}
