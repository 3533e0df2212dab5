//! A bot on each wire: in memory, over ureq, over hyper; over HTTP, over TLS on the true names.
//!
//! A scenario is a function over [`Bot`]; [`on_all_wires`] makes a test of it for each.

pub(crate) mod memory;

use wechat_proto::contact::Directory;
use wechat_proto::login::Progress;
use wechat_proto::{Call, Error, Message, Session, Timestamp};
use wechat_simulator::Simulator;

/// What the adapters' clients have in common, so that one scenario serves all.
pub(crate) trait Bot: Sized {
    /// Logs in to the simulator.
    fn login(simulator: &Simulator, progress: impl FnMut(Progress)) -> Result<Self, Error>;
    /// Runs one call.
    fn call<T>(
        &mut self,
        build: impl FnOnce(&mut Session, Timestamp) -> Call<T>,
    ) -> Result<T, Error>;
    /// Loads the contacts.
    fn contacts(&mut self) -> Result<Directory, Error>;
    /// Waits for the next message.
    fn next(&mut self) -> Option<Result<Message, Error>>;
    /// The session, to be stored.
    fn session(&self) -> Session;
}

/// The simulator's clock.
pub(crate) fn clock(simulator: &Simulator) -> Timestamp {
    Timestamp::from_millis(simulator.now())
}
