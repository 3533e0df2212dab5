//! Answers over a socket, where long polls wait in real time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::check::route::Route;
use crate::server::compression::compress;
use crate::server::injection::{Cut, Effect, Injections};
use crate::server::payload::Payload;
use crate::simulator::{HOLD, Simulator, TICK};
use crate::wire::reply;
use crate::wire::reply::Answer;
use crate::wire::request::MOST;
use crate::world::World;
use crate::world::layout::Layout;

/// The timing of a server.
#[derive(Debug)]
pub(crate) struct Timing {
    /// The time for which a long poll is held, in milliseconds.
    pub(crate) hold: AtomicU64,
    pub(crate) real: AtomicBool,
}

impl Default for Timing {
    fn default() -> Self {
        let hold = AtomicU64::new(HOLD.as_millis() as u64);
        Self { hold, real: AtomicBool::new(false) }
    }
}

/// The hosts at which a port serves the world.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(not(feature = "serve"), expect(dead_code, reason = "the command sets the others"))]
pub(crate) enum Hosts {
    /// The hosts of the world's layout.
    OfWorld,
    /// The real hosts of the service.
    True,
    /// The host that the request names, for every role.
    Named,
}

/// The service of one simulator, shared by all connections.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) simulator: Simulator,
    pub(crate) timing: Arc<Timing>,
    pub(crate) injections: Arc<Injections>,
    pub(crate) hosts: Hosts,
    /// The number of times that held polls were handled again.
    pub(crate) evaluations: Arc<AtomicU64>,
}

impl Service {
    pub(crate) fn new(simulator: &Simulator, hosts: Hosts) -> Self {
        Self {
            simulator: simulator.clone(),
            timing: Arc::default(),
            injections: Arc::default(),
            hosts,
            evaluations: Arc::default(),
        }
    }

    /// Reads a request and answers it, unless an injected fault cuts the connection.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Payload>> {
        let cut = || Err(io::Error::other("the connection is cut"));
        let (head, mut body) = request.into_parts();
        let endpoint = Route::of(head.uri.path()).map(|route| route.name);
        let effect = endpoint.and_then(|name| self.injections.next(name));
        if let Some(Effect::Delay(time)) = effect {
            tokio::time::sleep(time).await;
        }
        if let Some(Effect::Cut(Cut::Request)) = effect {
            // Reads half of the body, so that the client is in the middle of sending.
            let mut left = body.size_hint().exact().unwrap_or_default() / 2;
            while left > 0
                && let Some(Ok(frame)) = body.frame().await
            {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                left = left.saturating_sub(length);
            }
            return cut();
        }
        let Ok(body) = Limited::new(body, MOST).collect().await else {
            let title = "413 Request Entity Too Large";
            return Ok(Payload::of(reply::page(self.simulator.now(), 413, title)));
        };
        let request = Request::from_parts(head, body.to_bytes());
        let is_cut = matches!(effect, Some(Effect::Cut(_)));
        let reply = self.respond(&request, endpoint.zip(effect)).await;
        if is_cut { cut() } else { Ok(Payload::of(compress(request.headers(), reply))) }
    }

    fn is_real(&self) -> bool {
        self.timing.real.load(Ordering::Relaxed)
    }

    pub(crate) fn follow_clock(&self) {
        for account in self.simulator.accounts() {
            self.set_clock(&mut account.locked());
        }
    }

    fn set_clock(&self, world: &mut World) {
        if self.is_real()
            && let Ok(time) = SystemTime::now().duration_since(UNIX_EPOCH)
        {
            world.set_now(time.as_millis() as u64);
        }
    }

    /// Prepares the world for requests to this port.
    fn place(&self, world: &mut World, request: &Request<Bytes>) {
        self.set_clock(world);
        world.concurrent = true;
        match (self.hosts, &world.layout) {
            (Hosts::True, Layout::One { .. }) => {
                world.layout(Layout::True { shard: "wx2.qq.com".to_owned() });
            }
            (Hosts::Named, _) => {
                let host = request.headers().get("host").and_then(|host| host.to_str().ok());
                world
                    .layout(Layout::One { origin: format!("http://{}", host.unwrap_or_default()) });
            }
            _ => {}
        }
    }

    /// Handles a request for the first time.
    fn handle(
        &self,
        world: &mut World,
        request: &Request<Bytes>,
        effect: Option<(&str, Effect)>,
    ) -> Answer {
        self.place(world, request);
        if !self.is_real() {
            world.advance(TICK);
        }
        let Some((endpoint, effect)) = effect else { return world.handle(request) };
        let (refusals, replies) = (world.refusals.clone(), world.replies.clone());
        match effect {
            Effect::Refuse { ret, message } => {
                world.refusals.insert(0, (endpoint.to_owned(), ret, message));
            }
            Effect::Reply(reply) => {
                world.replies.insert(0, (endpoint.to_owned(), reply));
            }
            Effect::Alter => world.alters = true,
            Effect::Cut(_) | Effect::Delay(_) => return world.handle(request),
        }
        let answer = world.handle(request);
        world.alters = false;
        // An injected fault belongs to this request alone, even if a violation has taken its place.
        (world.refusals, world.replies) = (refusals, replies);
        answer
    }

    pub(crate) async fn respond(
        &self,
        request: &Request<Bytes>,
        effect: Option<(&str, Effect)>,
    ) -> Response<Bytes> {
        let mut account = self.simulator.of_request(request);
        let mut answer = account.with(|world| self.handle(world, request, effect));
        account.keep_log();
        account.changed().notify_waiters();
        let end = Instant::now() + Duration::from_millis(self.timing.hold.load(Ordering::Relaxed));
        let mut is_held = false;
        let reply = loop {
            let quiet = match answer {
                Answer::Reply(reply) => break reply,
                Answer::Hold(quiet) => quiet,
            };
            is_held = true;
            let (polled, resets) = (account.clone(), account.resets());
            answer = match self.wait(&mut account, request, end).await {
                Some(next) => next,
                None => break quiet,
            };
            // A reset ends held polls, even if the new world has the session.
            let is_reset =
                Arc::ptr_eq(polled.shared(), account.shared()) && polled.resets() != resets;
            if is_reset && matches!(answer, Answer::Hold(_)) {
                break quiet;
            }
        };
        if is_held {
            account.with(|world| world.record_status(request, reply.status()));
            account.changed().notify_waiters();
        }
        reply
    }

    fn ask_again(&self, account: &mut Simulator, request: &Request<Bytes>) -> Answer {
        self.evaluations.fetch_add(1, Ordering::Relaxed);
        account.with(|world| {
            self.place(world, request);
            world.ask_again(request)
        })
    }

    /// Waits until a held poll may have news. Returns `None` when its time is up.
    async fn wait(
        &self,
        account: &mut Simulator,
        request: &Request<Bytes>,
        end: Instant,
    ) -> Option<Answer> {
        if !self.is_real() && account.step() {
            return Some(self.ask_again(account, request));
        }
        let waiting = account.clone();
        let news = waiting.shared().polls.notified();
        tokio::pin!(news);
        // Later news wakes the poll; earlier news is found by handling it once more.
        news.as_mut().enable();
        if let reply @ Answer::Reply(_) = self.ask_again(account, request) {
            return Some(reply);
        }
        let due = if self.is_real() { account.due().map(Instant::from_std) } else { None };
        let until = due.map_or(end, |due| due.min(end));
        if timeout_at(until, news).await.is_err() {
            if due.is_none_or(|due| due > end) {
                if !self.is_real() {
                    account.with(|world| world.advance(HOLD));
                }
                return None;
            }
            account.with(|world| self.set_clock(world));
            account.step_if_due();
        }
        Some(self.ask_again(account, request))
    }
}
