//! A simulator, and the server and proxies in front of it.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wechat_proto::{Device, Hosts, Timestamp, UserName};
use wechat_simulator::{Chaos, Cut, Mode, Server, Simulator, TlsFaultProxy, World, WorldGuard};

use crate::sweep;

/// Returns the `UserName` of the first contact whose nickname begins with this. An emoji in it is
/// encoded.
pub(crate) fn named(world: &World, start: &str) -> String {
    let contact = world.contacts().iter().find(|contact| contact.nick_name.starts_with(start));
    contact.expect(start).user_name.clone()
}

/// Scans and confirms the next login on the phone, a second apart.
pub(crate) fn confirm_login(simulator: &Simulator) {
    simulator.then(Duration::from_secs(1), |world| world.phone().scan());
    simulator.then(Duration::from_secs(1), |world| world.phone().confirm());
}

/// Returns the number of requests to an endpoint.
pub(crate) fn requests(world: &World, endpoint: &str) -> usize {
    world.log().iter().filter(|logged| logged.endpoint == endpoint).count()
}

/// A simulator and the server in front of it.
pub(crate) struct Place {
    pub(crate) simulator: Simulator,
    pub(super) server: Option<Arc<Server>>,
    /// The fault-injecting HTTP proxy, if any.
    pub(super) chaos: Option<Chaos>,
    pub(super) line: Option<TlsFaultProxy>,
    pub(super) ticks: bool,
    pub(super) seeds: Cell<u8>,
    /// Additional names and the addresses they resolve to.
    pub(super) others: RefCell<Vec<(&'static str, SocketAddr)>>,
    /// Additional trusted root certificates.
    pub(super) roots: RefCell<Vec<Vec<u8>>>,
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
        Self::of(simulator, Some(Arc::new(server)))
    }

    /// Creates a place reached over TLS on the real host names, all resolved to loopback.
    pub(crate) fn tls(world: World) -> Self {
        let simulator = Simulator::new(world);
        let server = Server::tls(&simulator).unwrap();
        Self::of(simulator, Some(Arc::new(server)))
    }

    /// Returns a place for a scenario over an adapter: over HTTP or TLS, depending on the scenario's
    /// name and on `other`, which differs between the adapters. A complete sweep has both.
    pub(crate) fn sample(
        scenario: &str,
        other: bool,
        world: impl Fn() -> World,
    ) -> impl Iterator<Item = Self> {
        let encrypted = scenario.bytes().fold(other, |encrypted, byte| encrypted ^ (byte % 2 == 1));
        let places =
            [encrypted, !encrypted].into_iter().take(if sweep::is_complete() { 2 } else { 1 });
        places
            .map(move |encrypted| if encrypted { Self::tls(world()) } else { Self::http(world()) })
    }

    /// Creates the place of another account, reached like this one.
    pub(crate) fn with_account(&self, world: World) -> Self {
        let place = Self::of(self.simulator.add_account(world), self.server.clone());
        place.seeds.set(self.seeds.get() + 100);
        place
    }

    fn of(simulator: Simulator, server: Option<Arc<Server>>) -> Self {
        server.iter().for_each(|server| server.hold(Duration::from_millis(200)));
        // The other modes accept requests that `wechat-proto` must not send.
        assert_eq!(simulator.world().mode(), Mode::Library);
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

    /// Creates a place like [`Place::http`], behind a fault-injecting proxy. The deadline of an
    /// exchange is three seconds.
    pub(crate) fn with_http_faults(world: World, seed: u64) -> Self {
        let mut place = Self::http(world);
        let server = place.server.as_ref().unwrap();
        place.chaos = Some(Chaos::new(&place.simulator, server, seed).unwrap());
        place
    }

    /// Creates a place like [`Place::tls`], over a faulty connection. The deadline of an exchange
    /// is three seconds.
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
    pub(super) fn seed(&self) -> [u8; 32] {
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
    pub(super) fn clock(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static {
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

    /// Scans and confirms the next login on the phone, a second apart.
    pub(crate) fn confirm_login(&self) {
        confirm_login(&self.simulator);
    }

    /// Returns the `UserName` of the first contact whose nickname begins with this.
    pub(crate) fn named(&self, start: &str) -> UserName {
        named(&self.world(), start).parse().unwrap()
    }

    /// Returns the number of requests to an endpoint.
    pub(crate) fn requests(&self, endpoint: &str) -> usize {
        requests(&self.world(), endpoint)
    }

    /// Returns the world of the simulator.
    pub(crate) fn world(&self) -> WorldGuard<'_> {
        self.simulator.world()
    }

    /// Asserts that the simulator accepted every request.
    pub(crate) fn assert_no_violations(&self) {
        assert_eq!(self.simulator.world().violations(), []);
    }
}
