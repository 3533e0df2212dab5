//! A bot on each wire: in memory, over ureq, over hyper; over HTTP, over TLS on the true names.
//!
//! A scenario is a function over [`Bot`] and a [`Place`]; [`on_all_wires`] makes its tests.

mod hyper;
pub(crate) mod memory;
mod reentrant;
mod ureq;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wechat_proto::contact::Directory;
use wechat_proto::login::{Progress, Resume};
use wechat_proto::media::{Head, Upload, UploadProgress, Uploaded};
use wechat_proto::{
    Account, ClientMsgId, Device, Endpoint, Error, Flow, Hosts, Message, Session, Timestamp,
};
use wechat_simulator::{Chaos, Cut, Line, Server, Simulator, World};

pub(crate) use self::hyper::Hyper;
pub(crate) use self::memory::Memory;
pub(crate) use self::ureq::Ureq;

/// What the adapters' clients have in common, so that one scenario serves all.
pub(crate) trait Bot: Sized {
    /// Logs a new device in.
    fn login(place: &Place, progress: impl FnMut(Progress) + Send) -> Result<Self, Error> {
        Self::login_on(place, &mut place.device(), progress)
    }
    /// Logs a device in with a code.
    fn login_on(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, Error>;
    /// Logs a device in that was logged in before.
    fn login_again(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, Error>;
    /// Opens what is stored at a path, or logs in; keeps the store.
    fn open(
        place: &Place,
        path: &Path,
        resume: Resume,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, Error>;
    /// Stores the session, where it was opened.
    fn keep(&mut self);
    /// Ends the messages.
    fn stop(&mut self);
    /// Goes on with a stored session.
    fn resume(place: &Place, session: Session) -> Self;
    /// Calls an endpoint.
    fn call<E>(&mut self, endpoint: E) -> Result<E::Output, Error>
    where
        E: Endpoint,
        Account: AsMut<E::State>;
    /// Runs a flow that reads a source to its next output.
    fn run_with<F>(&mut self, flow: &mut F, source: &[u8]) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>;
    /// The same, from a source that is shared.
    fn run_from<F>(&mut self, flow: &mut F, source: &Bytes) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>;
    /// Runs an upload to its end.
    fn upload(
        &mut self,
        upload: &mut Upload,
        source: &Bytes,
        progress: impl FnMut(&UploadProgress) + Send,
    ) -> Result<Uploaded, Error>;
    /// Runs a flow to its next output.
    fn run<F>(&mut self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.run_with(flow, &[])
    }
    /// Downloads, and reads the body.
    fn download<E>(&mut self, endpoint: E) -> Result<(Head, Vec<u8>), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>;
    /// Downloads and copies the body, as the adapter does that.
    fn save<E>(&mut self, endpoint: E, limit: u64) -> Saved
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>;
    /// Loads the contacts.
    fn contacts(&mut self) -> Result<Directory, Error>;
    /// Leaves acknowledging to [`Bot::acknowledge`] from now on: before the first message is asked
    /// for.
    fn manual(&mut self);
    /// Acknowledges a message.
    fn acknowledge(&mut self, message: &Message);
    /// Draws a number for a send.
    fn next_client_msg_id(&mut self) -> ClientMsgId;
    /// Remembers so many messages from now on: before the first is asked for.
    fn remember(&mut self, messages: usize);
    /// Everybody who is known now.
    fn directory(&self) -> Directory;
    /// Waits for the next message.
    fn next(&mut self) -> Option<Result<Message, Error>>;
    /// The session, to be stored.
    fn session(&self) -> Session;
}

/// What came of a download that was copied.
#[derive(Debug)]
pub(crate) struct Saved {
    /// How many bytes there were, if it succeeded; also its head.
    pub(crate) result: Result<(Head, u64), Error>,
    /// What was written.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes there were each time that was told.
    pub(crate) progress: Vec<u64>,
}

impl Saved {
    /// Nothing was written.
    fn nothing(error: Error) -> Self {
        Self { result: Err(error), bytes: Vec::new(), progress: Vec::new() }
    }
}

/// Where a scenario takes place: a simulator, and what it is reached by.
pub(crate) struct Place {
    pub(crate) simulator: Simulator,
    server: Option<Server>,
    /// What stands before the server, if anything does.
    chaos: Option<Chaos>,
    line: Option<Line>,
    ticks: bool,
    seeds: Cell<u8>,
    /// Names besides the service's, and where they lead.
    others: RefCell<Vec<(&'static str, SocketAddr)>>,
    /// Authorities to trust besides the service's.
    roots: RefCell<Vec<Vec<u8>>>,
}

impl Place {
    /// Function calls.
    pub(crate) fn memory(world: World) -> Self {
        Self::of(Simulator::new(world), None)
    }

    /// HTTP at one origin on loopback.
    pub(crate) fn http(world: World) -> Self {
        let simulator = Simulator::new(world);
        let server = Server::http(&simulator).unwrap();
        Self::of(simulator, Some(server))
    }

    /// TLS on the true host names, all of which lead to loopback.
    pub(crate) fn tls(world: World) -> Self {
        let simulator = Simulator::new(world);
        let server = Server::tls(&simulator).unwrap();
        Self::of(simulator, Some(server))
    }

    fn of(simulator: Simulator, server: Option<Server>) -> Self {
        server.iter().for_each(|server| server.hold(Duration::from_millis(200)));
        Self {
            simulator,
            ticks: server.is_some(),
            server,
            chaos: None,
            line: None,
            seeds: Cell::new(7),
            others: RefCell::default(),
            roots: RefCell::default(),
        }
    }

    /// HTTP at one origin on loopback, behind what does harm. No exchange takes longer than a
    /// second and a half.
    pub(crate) fn stormy(world: World, seed: u64) -> Self {
        let mut place = Self::http(world);
        let server = place.server.as_ref().unwrap();
        place.chaos = Some(Chaos::new(&place.simulator, server, seed).unwrap());
        place
    }

    /// TLS on the true host names, over a bad line. No exchange takes longer than a second and a
    /// half.
    pub(crate) fn stormy_tls(world: World, seed: u64) -> Self {
        let mut place = Self::tls(world);
        place.line = Some(Line::new(place.server.as_ref().unwrap(), seed).unwrap());
        place
    }

    /// What does harm to exchanges, if that does.
    pub(crate) const fn chaos(&self) -> Option<&Chaos> {
        self.chaos.as_ref()
    }

    /// What does harm to connections, if that does.
    pub(crate) const fn line(&self) -> Option<&Line> {
        self.line.as_ref()
    }

    /// Begins to do harm.
    pub(crate) fn storm(&self) {
        self.chaos.iter().for_each(Chaos::storm);
        self.line.iter().for_each(Line::storm);
    }

    /// All the harm that was done, for a test that fails.
    pub(crate) fn harm(&self) -> String {
        let chaos = self.chaos.as_ref().map(|chaos| format!("{chaos:?}"));
        chaos.or_else(|| self.line.as_ref().map(|line| format!("{line:?}"))).unwrap_or_default()
    }

    /// A seed for the next login or resumption: known, and never the same in one place, or two
    /// copies of one session would draw the same numbers.
    fn seed(&self) -> [u8; 32] {
        let seed = self.seeds.get();
        self.seeds.set(seed + 1);
        [seed; 32]
    }

    /// Lets a name that is none of the service's lead somewhere.
    pub(crate) fn resolve(&self, name: &'static str, address: SocketAddr) {
        self.others.borrow_mut().push((name, address));
    }

    /// Trusts one more authority.
    pub(crate) fn trust(&self, root: Vec<u8>) {
        self.roots.borrow_mut().push(root);
    }

    /// Whether all roles are at one origin.
    pub(crate) fn has_one_origin(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.ca_der().is_none())
    }

    /// Whether there is no network, and so nothing of an adapter.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.server.is_none()
    }

    /// Breaks off the next exchange of an endpoint.
    pub(crate) fn cut(&self, endpoint: &str, cut: Cut) {
        self.server.as_ref().expect("a socket").cut(endpoint, cut);
    }

    /// A device that finds its way here.
    pub(crate) fn device(&self) -> Device {
        let device = Device::new();
        if let Some(chaos) = &self.chaos {
            return device.with_hosts(Hosts::all(chaos.origin().parse().unwrap()));
        }
        match &self.server {
            Some(server) if server.ca_der().is_none() => {
                device.with_hosts(Hosts::all(server.origin().parse().unwrap()))
            }
            _ => device,
        }
    }

    /// The clock of an adapter: the simulator's, and what really passed since now, or an adapter
    /// that sleeps would find no time gone by.
    fn clock(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static {
        let (simulator, start) = (self.simulator.clone(), self.ticks.then(Instant::now));
        move || {
            let passed = start.map_or(Duration::ZERO, |start| start.elapsed());
            Timestamp::from_millis(simulator.now()).after(passed)
        }
    }

    /// The same place, where time passes in the simulator only: each run sends the same bytes, and
    /// none may sleep.
    pub(crate) fn without_ticks(mut self) -> Self {
        self.ticks = false;
        self
    }
}

/// All names of the service that a client asks for.
const NAMES: [&str; 12] = [
    "wx.qq.com",
    "login.wx.qq.com",
    "login.weixin.qq.com",
    "webpush.wx.qq.com",
    "file.wx.qq.com",
    "wx2.qq.com",
    "login.wx2.qq.com",
    "webpush.wx2.qq.com",
    "file.wx2.qq.com",
    "filehelper.weixin.qq.com",
    "szfilehelper.weixin.qq.com",
    "cmfilehelper.weixin.qq.com",
];

/// The options of either adapter for a place.
macro_rules! options {
    ($place:expr, $options:ty) => {{
        let place: &$crate::wire::Place = $place;
        let mut options =
            <$options>::default().clock(place.clock()).seed(place.seed()).resolve_only();
        if place.chaos.is_some() || place.line.is_some() {
            options = options.deadline_cap(std::time::Duration::from_millis(1500));
        }
        if let Some(server) = &place.server {
            let address = place.line.as_ref().map_or(server.addr(), wechat_simulator::Line::addr);
            for name in $crate::wire::NAMES {
                options = options.resolve(name, address);
            }
            for (name, address) in place.others.borrow().iter() {
                options = options.resolve(name, *address);
            }
            for root in place.roots.borrow().iter() {
                options = options.root_certificate(root.clone());
            }
            if let Some(ca) = server.ca_der() {
                options = options.root_certificate(ca.to_vec());
            }
        }
        options
    }};
}
use options;

/// Makes a test of a scenario for each wire: a function over a [`Bot`], given a [`Place`] with
/// the world that another makes. Once in a file; also makes `asked`, which runs all of them in
/// memory and gives the endpoints that were asked.
macro_rules! on_all_wires {
    ($($scenario:ident in $world:expr;)*) => {
        pub(crate) fn asked() -> std::collections::BTreeSet<String> {
            [$($scenario::asked()),*].into_iter().flatten().collect()
        }

        $(
        mod $scenario {
            use $crate::wire::{Memory, Place};

            pub(super) fn asked() -> Vec<String> {
                let place = Place::memory($world);
                super::$scenario::<Memory>(&place);
                let world = place.simulator.world();
                world.log().iter().map(|logged| logged.endpoint.clone()).collect()
            }

            #[test]
            fn in_memory() {
                super::$scenario::<Memory>(&Place::memory($world));
            }

            $crate::wire::tests_of_adapters!($scenario in $world);
        }
        )*
    };
}
pub(crate) use on_all_wires;

/// The same without memory, where something of a network is needed.
macro_rules! on_both_adapters {
    ($($scenario:ident in $world:expr;)*) => {
        $(
        mod $scenario {
            use super::*;

            $crate::wire::tests_of_adapters!($scenario in $world);
        }
        )*
    };
}
pub(crate) use on_both_adapters;

macro_rules! tests_of_adapters {
    ($scenario:ident in $world:expr) => {
        #[test]
        fn over_ureq_and_http() {
            super::$scenario::<$crate::wire::Ureq>(&$crate::wire::Place::http($world));
        }

        #[test]
        fn over_ureq_and_tls() {
            super::$scenario::<$crate::wire::Ureq>(&$crate::wire::Place::tls($world));
        }

        #[test]
        fn over_hyper_and_http() {
            super::$scenario::<$crate::wire::Hyper>(&$crate::wire::Place::http($world));
        }

        #[test]
        fn over_hyper_and_tls() {
            super::$scenario::<$crate::wire::Hyper>(&$crate::wire::Place::tls($world));
        }
    };
}
pub(crate) use tests_of_adapters;
