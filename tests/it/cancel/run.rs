//! A client of the async adapter that is polled by the test: no runtime, no socket, and the
//! simulator's clock.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use hyper::rt::{Sleep, Timer};
use tower_service::Service;
use wechat_proto::{Session, Timestamp};
use wechat_simulator::{Simulator, World, WorldGuard};
use wechat_transport_hyper::{BoxError, Client, Options, RequestBody, Transport};

use crate::wire::{confirm_login, requests};

/// A simulator, and the timers that wait for its clock.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) simulator: Simulator,
    sleepers: Arc<Mutex<Vec<u64>>>,
}

impl Place {
    pub(crate) fn new(world: World) -> Self {
        Self { simulator: Simulator::new(world), sleepers: Arc::default() }
    }

    pub(crate) fn world(&self) -> WorldGuard<'_> {
        self.simulator.world()
    }

    /// Scans the code and confirms the login on the phone.
    pub(crate) fn confirms(&self) {
        confirm_login(&self.simulator);
    }

    /// Returns the number of requests to an endpoint.
    pub(crate) fn requests(&self, endpoint: &str) -> usize {
        requests(&self.world(), endpoint)
    }

    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.world().violations(), []);
    }

    /// Returns a transport; no other client of the session may use the seed.
    pub(crate) fn transport(&self, seed: usize) -> Transport {
        let simulator = self.simulator.clone();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(seed as u64).to_le_bytes());
        let options =
            Options::default().clock(move || Timestamp::from_millis(simulator.now())).seed(bytes);
        let service = Wire(self.simulator.clone());
        Transport::with_service(options, service, SimulatorTimer(self.clone()))
    }

    /// Resumes a stored session.
    pub(crate) fn resume(&self, stored: &str, seed: usize) -> Client {
        let session = Session::from_json(stored).unwrap();
        Client::resume(&self.transport(seed), session).unwrap()
    }

    /// Polls a future at most `polls` times and drops it. If only a timer can wake it, time
    /// advances.
    pub(crate) fn poll<T>(&self, polls: usize, future: impl Future<Output = T>) -> Option<T> {
        struct Woken(AtomicBool);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut future = pin!(future);
        for _ in 0..polls {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(value);
            }
            if !woken.0.swap(false, Ordering::Relaxed) {
                let next = std::mem::take(&mut *self.sleepers.lock().unwrap()).into_iter().min();
                self.world().set_now(next.expect("nothing will wake the future"));
            }
        }
        None
    }

    /// Polls a future to completion.
    pub(crate) fn finish<T>(&self, future: impl Future<Output = T>) -> T {
        self.poll(20_000, future).expect("the future did not complete")
    }
}

/// Returns `Pending` once.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The service, with a pause before and after each of its steps.
#[derive(Clone)]
struct Wire(Simulator);

impl Service<http::Request<RequestBody>> for Wire {
    type Response = http::Response<Slow>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        let simulator = self.0.clone();
        Box::pin(async move {
            // There is a pause before each of three steps: the connection, the request, the
            // response.
            pause().await;
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            pause().await;
            let reply = simulator.respond(&http::Request::from_parts(head, body));
            pause().await;
            Ok(reply.map(|bytes| Slow { bytes, paused: false }))
        })
    }
}

/// A body that arrives in parts, with a pause before each.
struct Slow {
    bytes: Bytes,
    paused: bool,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        self.paused = !self.paused;
        if self.paused {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let length = self.bytes.len();
        let part = if length < 256 { length } else { length.div_ceil(2).min(16 << 10) };
        Poll::Ready(Some(Ok(Frame::data(self.bytes.split_to(part)))))
    }
}

/// A timer on the simulator's clock.
struct SimulatorTimer(Place);

impl Timer for SimulatorTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let at = self.0.simulator.now().saturating_add(duration.as_millis() as u64);
        Box::pin(Until { place: self.0.clone(), at })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(Instant::now()))
    }
}

struct Until {
    place: Place,
    at: u64,
}

impl Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.place.simulator.now() >= self.at {
            return Poll::Ready(());
        }
        self.place.sleepers.lock().unwrap().push(self.at);
        Poll::Pending
    }
}
