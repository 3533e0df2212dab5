//! Bots on each wire: in memory, over ureq and over hyper, with HTTP on one origin or TLS on the
//! real host names.
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
use wechat_simulator::{Chaos, Cut, Server, Simulator, TlsFaultProxy, World};

pub(crate) use self::hyper::Hyper;
pub(crate) use self::memory::Memory;
pub(crate) use self::ureq::Ureq;

/// The operations that the adapters' clients share, so that one scenario runs on all.
pub(crate) trait Bot: Sized {
    /// Logs in a new device.
    fn login(place: &Place, progress: impl FnMut(Progress) + Send) -> Result<Self, Error> {
        Self::login_on(place, &mut place.device(), progress)
    }
    /// Logs in a device with a QR code.
    fn login_on(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, Error>;
    /// Logs in a device that was logged in before.
    fn login_again(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, Error>;
    /// Opens the session stored at a path, or logs in; keeps the store.
    fn open(
        place: &Place,
        path: &Path,
        resume: Resume,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, Error>;
    /// Saves the session in the store it was opened from.
    fn keep(&mut self);
    /// Stops the message loop.
    fn stop(&mut self);
    /// Resumes a stored session.
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
    /// Like [`Bot::run_with`], with a shared source.
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
    /// Downloads and reads the body.
    fn download<E>(&mut self, endpoint: E) -> Result<(Head, Vec<u8>), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>;
    /// Downloads and copies the body with the adapter's own copy function.
    fn save<E>(&mut self, endpoint: E, limit: u64) -> Saved
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>;
    /// Loads the contacts.
    fn contacts(&mut self) -> Result<Directory, Error>;
    /// Switches to manual acknowledgement with [`Bot::acknowledge`]. Call it before the first
    /// message.
    fn manual(&mut self);
    /// Acknowledges a message.
    fn acknowledge(&mut self, message: &Message);
    /// Returns a new client message id.
    fn next_client_msg_id(&mut self) -> ClientMsgId;
    /// Sets how many messages are remembered. Call it before the first message.
    fn remember(&mut self, messages: usize);
    /// Returns the directory.
    fn directory(&self) -> Directory;
    /// Waits for the next message.
    fn next(&mut self) -> Option<Result<Message, Error>>;
    /// Returns the session.
    fn session(&self) -> Session;
}

/// The result of a copied download.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The head and the number of bytes on success.
    pub(crate) result: Result<(Head, u64), Error>,
    /// The written bytes.
    pub(crate) bytes: Vec<u8>,
    /// The byte counts of the progress callbacks.
    pub(crate) progress: Vec<u64>,
}

impl Saved {
    /// Creates a failed result without written bytes.
    fn failed(error: Error) -> Self {
        Self { result: Err(error), bytes: Vec::new(), progress: Vec::new() }
    }
}

/// A simulator and the server in front of it.
pub(crate) struct Place {
    pub(crate) simulator: Simulator,
    server: Option<Server>,
    /// The fault-injecting HTTP proxy, if any.
    chaos: Option<Chaos>,
    line: Option<TlsFaultProxy>,
    ticks: bool,
    seeds: Cell<u8>,
    /// Additional names and the addresses they resolve to.
    others: RefCell<Vec<(&'static str, SocketAddr)>>,
    /// Additional trusted root certificates.
    roots: RefCell<Vec<Vec<u8>>>,
}

impl Place {
    /// Creates a place reached by function calls.
    pub(crate) fn memory(world: World) -> Self {
        Self::of(Simulator::new(world), None)
    }

    /// Creates a place reached over HTTP at one origin on loopback.
    pub(crate) fn http(world: World) -> Self {
        let simulator = Simulator::new(world);
        let server = Server::http(&simulator).unwrap();
        Self::of(simulator, Some(server))
    }

    /// Creates a place reached over TLS on the real host names, all resolved to loopback.
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

    /// Like [`Place::http`], behind a fault-injecting proxy. The deadline of an exchange is 1.5
    /// seconds.
    pub(crate) fn with_http_faults(world: World, seed: u64) -> Self {
        let mut place = Self::http(world);
        let server = place.server.as_ref().unwrap();
        place.chaos = Some(Chaos::new(&place.simulator, server, seed).unwrap());
        place
    }

    /// Like [`Place::tls`], over a faulty connection. The deadline of an exchange is 1.5 seconds.
    pub(crate) fn with_tls_faults(world: World, seed: u64) -> Self {
        let mut place = Self::tls(world);
        place.line = Some(TlsFaultProxy::new(place.server.as_ref().unwrap(), seed).unwrap());
        place
    }

    /// Returns the proxy that injects faults into exchanges, if any.
    pub(crate) const fn chaos(&self) -> Option<&Chaos> {
        self.chaos.as_ref()
    }

    /// Returns the proxy that injects faults into connections, if any.
    pub(crate) const fn line(&self) -> Option<&TlsFaultProxy> {
        self.line.as_ref()
    }

    /// Starts injecting faults.
    pub(crate) fn start_faults(&self) {
        self.chaos.iter().for_each(Chaos::storm);
        self.line.iter().for_each(TlsFaultProxy::storm);
    }

    /// Returns all injected faults, for the messages of failed assertions.
    pub(crate) fn injected_faults(&self) -> String {
        let chaos = self.chaos.as_ref().map(|chaos| format!("{chaos:?}"));
        chaos.or_else(|| self.line.as_ref().map(|line| format!("{line:?}"))).unwrap_or_default()
    }

    /// Returns the seed of the next login or resumption. It is deterministic but never repeats in
    /// one place: two copies of a session must not draw the same numbers.
    fn seed(&self) -> [u8; 32] {
        let seed = self.seeds.get();
        self.seeds.set(seed + 1);
        [seed; 32]
    }

    /// Resolves an additional name to an address.
    pub(crate) fn resolve(&self, name: &'static str, address: SocketAddr) {
        self.others.borrow_mut().push((name, address));
    }

    /// Trusts an additional root certificate.
    pub(crate) fn trust(&self, root: Vec<u8>) {
        self.roots.borrow_mut().push(root);
    }

    /// Returns whether all roles share one origin.
    pub(crate) fn has_one_origin(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.ca_der().is_none())
    }

    /// Returns whether the place is in memory, without an adapter.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.server.is_none()
    }

    /// Cuts the next exchange of an endpoint.
    pub(crate) fn cut(&self, endpoint: &str, cut: Cut) {
        self.server.as_ref().expect("only possible with a server").cut(endpoint, cut);
    }

    /// Returns a device configured with the origins of this place.
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

    /// Returns the clock of an adapter: the simulator's time plus the real time that passed since
    /// this call. Without the latter, an adapter that sleeps would see no time pass.
    fn clock(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static {
        let (simulator, start) = (self.simulator.clone(), self.ticks.then(Instant::now));
        move || {
            let passed = start.map_or(Duration::ZERO, |start| start.elapsed());
            Timestamp::from_millis(simulator.now()).after(passed)
        }
    }

    /// Makes time pass in the simulator only, so that each run sends the same bytes. Flows must not
    /// sleep.
    pub(crate) fn without_ticks(mut self) -> Self {
        self.ticks = false;
        self
    }
}

/// All service host names that clients resolve.
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

/// Builds the options of either adapter for a place.
macro_rules! options {
    ($place:expr, $options:ty) => {{
        let place: &$crate::wire::Place = $place;
        let mut options =
            <$options>::default().clock(place.clock()).seed(place.seed()).resolve_only();
        if place.chaos.is_some() || place.line.is_some() {
            options = options.deadline_cap(std::time::Duration::from_millis(1500));
        }
        if let Some(server) = &place.server {
            let address =
                place.line.as_ref().map_or(server.addr(), wechat_simulator::TlsFaultProxy::addr);
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

/// Generates a test of each scenario on each wire. A scenario is a function over a [`Bot`] and a
/// [`Place`]. Use the macro once per module: it also generates `endpoints_called`, which runs all
/// scenarios in memory and returns the endpoints that were called.
macro_rules! on_all_wires {
    ($($scenario:ident in $world:expr;)*) => {
        pub(crate) fn endpoints_called() -> std::collections::BTreeSet<String> {
            [$($scenario::endpoints_called()),*].into_iter().flatten().collect()
        }

        $(
        mod $scenario {
            use $crate::wire::{Memory, Place};

            pub(super) fn endpoints_called() -> Vec<String> {
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

/// Like [`on_all_wires`], without memory, for scenarios that need a network.
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
