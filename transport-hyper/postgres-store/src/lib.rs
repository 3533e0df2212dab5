//! Sessions of [`wechat_proto`] in PostgreSQL, for any number of workers on any number of machines.
//!
//! Each account is a row. A worker holds an account under a [`Lease`], which it keeps renewing. If
//! the worker dies, another one claims the account when the lease expires. There is no coordinator:
//! the database decides who holds an account. Every write includes the lease's fencing token, so
//! that a worker that was suspended cannot write after another one has claimed the account.
//!
//! - [`PostgresStore`]: the table of accounts, created and migrated when it is opened.
//! - [`Worker`]: claims accounts, runs a job for each, renews the leases, and releases them on
//!   shutdown.
//! - [`Lease`]: the store of one session ([`AsyncSessionStore`](wechat_proto::store::AsyncSessionStore)).
//! - [`Transaction`]: an atomic write of the session, the effects of a message and the texts to send.
//! - [`Lease::next_queued`]: returns the next text of the outbox, to be sent after the transaction.
//! - [`Keys`]: the caller's keys, which encrypt sessions and queued texts.
//!
//! ```no_run
//! use wechat_postgres_store::{Error, Keys, Lease, Next, PostgresStore, Worker};
//! use wechat_proto::Device;
//! use wechat_proto::login::{Progress, Resume};
//! use wechat_proto::store::AsyncSessionStore as _;
//! use wechat_transport_hyper::{Client, Options, Transport};
//!
//! # async fn run(key: [u8; 32]) -> Result<(), Error> {
//! let store = PostgresStore::connect("host=/run/postgresql user=bot", Keys::new(1, &key)).await?;
//! store.add("reception", None).await?;
//! let transport = Transport::new(Options::default())?;
//! let job = move |mut lease: Lease| {
//!     let transport = transport.clone();
//!     async move {
//!         let (resume, mut device) = (Resume::Code, Device::new());
//!         let show = |step: &Progress| println!("{step}");
//!         let client = Client::open_with(&transport, &mut lease, resume, &mut device, show).await?;
//!         // The next worker needs the changed cookies, even if no message arrives.
//!         lease.save(&client.session()).await?;
//!         let mut messages = client.messages();
//!         while let Some(message) = messages.next().await {
//!             let (message, mut session) = (message?, client.session());
//!             session.acknowledge(&message);
//!             let transaction = lease.begin(&session).await?;
//!             let insert = "INSERT INTO message (text) VALUES ($1)";
//!             let inserted = transaction.execute(insert, &[&message.to_string()]).await;
//!             inserted.expect("a table of messages");
//!             transaction.commit().await?;
//!         }
//!         Ok(Next::Withdraw)
//!     }
//! };
//! let shutdown = async { tokio::signal::ctrl_c().await.expect("a handler") };
//! Worker::new(&store, "worker 1").run(job, shutdown, |report| println!("{report}")).await;
//! # Ok(())
//! # }
//! ```
//!
//! The example
//! [`fleet`](https://github.com/wechat-proto/wechat-proto/blob/main/transport-hyper/postgres-store/examples/fleet.rs)
//! is a complete worker, with an outbox. [`docs/scale.md`](https://github.com/wechat-proto/wechat-proto/blob/main/transport-hyper/postgres-store/docs/scale.md)
//! has figures: the cost of an account, and the capacity of a machine and of PostgreSQL.
//!
//! # Guarantees
//!
//! - An effect in a [`Transaction`] and the acknowledgement of its message are written atomically,
//!   exactly once.
//! - A text in the outbox is sent by one worker at a time, with the same
//!   [`ClientMsgId`](wechat_proto::ClientMsgId) in each attempt. It may be sent twice only if a worker
//!   dies between the request and [`Lease::settle`]. Its row then has more than one attempt
//!   ([`UnansweredPolicy`]).
//! - After a new login, no text of an earlier login is sent.
//! - A worker measures its lease with its own clock, and stops before the lease can expire in the
//!   database. At most one request per account that was already being sent may still reach the
//!   service.
//! - Leases use the clock of the database; the clocks of the workers may differ. If the database's
//!   clock jumps forward, two workers may briefly send requests for one account; only one of them can
//!   write.
#![warn(missing_docs)]

mod claim;
mod clock;
mod failure;
mod keys;
mod lease;
mod outbox;
mod rotation;
mod schema;
mod store;
mod term;
mod transaction;
mod worker;

pub use keys::Keys;
pub use lease::{Lease, Next};
pub use outbox::{QueuedText, UnansweredPolicy};
pub use store::PostgresStore;
pub use term::Term;
pub use transaction::Transaction;
pub use worker::{Report, Worker};

pub use deadpool_postgres;
pub use tokio_postgres;
pub use wechat_proto::Error;
