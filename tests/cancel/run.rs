//! A client of the async adapter whose every poll is the test's: no runtime, no socket, no clock but
//! the simulator's.

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

/// A simulator, and who waits for its clock.
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

    /// The phone scans the code and confirms.
    pub(crate) fn confirms(&self) {
        self.simulator.then(Duration::from_secs(1), |world| world.phone().scan());
        self.simulator.then(Duration::from_secs(1), |world| world.phone().confirm());
    }

    /// How often an endpoint was asked.
    pub(crate) fn asked(&self, endpoint: &str) -> usize {
        self.world().log().iter().filter(|logged| logged.endpoint == endpoint).count()
    }

    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.world().violations(), []);
    }

    /// A transport with a seed that no other client of the same session has.
    pub(crate) fn transport(&self, seed: usize) -> Transport {
        let simulator = self.simulator.clone();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(seed as u64).to_le_bytes());
        let options = Options::default()
            .service(Wire(self.simulator.clone()))
            .timer(Hands(self.clone()))
            .clock(move || Timestamp::from_millis(simulator.now()))
            .seed(bytes);
        Transport::new(options).unwrap()
    }

    /// A client of a stored session.
    pub(crate) fn resume(&self, stored: &str, seed: usize) -> Client {
        let session = Session::from_json(stored).unwrap();
        Client::resume(&self.transport(seed), session).unwrap()
    }

    /// Polls a future so many times at most, and drops it. Where nobody but the clock can wake it,
    /// time passes.
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
                self.world().set_now(next.expect("somebody to wake it"));
            }
        }
        None
    }

    /// Polls a future to its end.
    pub(crate) fn finish<T>(&self, future: impl Future<Output = T>) -> T {
        self.poll(20_000, future).expect("an end")
    }
}

/// Comes back once.
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

/// The service, which lets whoever asks wait before and after everything that it does.
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
            // Connecting; sending; under way; answered, and not heard yet.
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

/// A body that comes in parts, each after a while.
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
struct Hands(Place);

impl Timer for Hands {
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
