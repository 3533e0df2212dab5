//! The loop that runs a flow.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Error, Flow, Input, Interrupt, Timestamp};

use crate::body::Download;
use crate::exchange::exchange;
use crate::options::Clock;
use crate::service::Exchange;
use crate::source::Source;
use crate::timer::{Alarm, unless};

/// Runs flows on one service.
pub(crate) struct Driver<'a> {
    pub(crate) service: &'a dyn Exchange,
    pub(crate) clock: &'a Clock,
    pub(crate) alarm: &'a Alarm,
    pub(crate) deadline_cap: Duration,
    /// Ends exchanges and pauses early.
    pub(crate) shutdown: Option<watch::Receiver<bool>>,
}

impl Driver<'_> {
    /// Runs a flow to its next output. `poll` polls it once and acquires the necessary locks.
    ///
    /// Also returns the body of the last response under [`Want::Head`](wechat_proto::flow::Want::Head).
    /// If the future is dropped, the flow may be polled again.
    pub(crate) async fn drive<F: Flow>(
        mut self,
        flow: &mut F,
        source: &mut impl Source,
        mut poll: impl FnMut(&mut F, Timestamp) -> Result<F::Output, Interrupt>,
    ) -> Result<(F::Output, Option<Download>), Error> {
        let mut rest = None;
        loop {
            match poll(flow, (self.clock)()) {
                Ok(output) => return Ok((output, rest)),
                Err(Interrupt::Send(request)) => {
                    // Drop an unread body before the next exchange.
                    rest = None;
                    let (service, alarm, cap) = (self.service, self.alarm, self.deadline_cap);
                    #[cfg(feature = "tracing")]
                    let log = crate::log::Log::new(&request);
                    let exchange = exchange(service, request, alarm, cap);
                    // A cancelled exchange has no result; the flow decides how to continue.
                    let Some(reply) = self.unless_shut_down(exchange).await else { continue };
                    #[cfg(feature = "tracing")]
                    log.end(&reply);
                    let reply = reply.map(|(reply, body)| {
                        rest = body;
                        reply
                    });
                    flow.handle(Input::Reply(reply));
                }
                Err(Interrupt::Read(range)) => {
                    let piece = source.read(range).await.map_err(source_failure);
                    flow.handle(Input::Piece(piece));
                }
                Err(Interrupt::Sleep(time)) => {
                    let sleep = self.alarm.after(time);
                    self.unless_shut_down(sleep).await;
                }
                Err(Interrupt::Fail(error)) => return Err(error),
            }
        }
    }

    /// Returns the output of `future`, or `None` if the shutdown signal comes first. The signal
    /// cancels only one wait.
    async fn unless_shut_down<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let Some(shutdown) = &mut self.shutdown else { return Some(future.await) };
        let result = {
            let mut signalled = pin!(shutdown.wait_for(|signalled| *signalled));
            unless(&mut signalled, future).await
        };
        if result.is_none() {
            self.shutdown = None;
        }
        result
    }
}

fn source_failure(error: io::Error) -> Failure {
    Failure::new(FailureKind::Source, Sent::No).because(error)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::{self, Thread};
    use std::time::Instant;

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use hyper::rt::{Sleep, Timer};
    use tower_service::Service;
    use wechat_proto::Body;
    use wechat_proto::error::{FailureKind, Sent};
    use wechat_proto::flow::{Request, Want};

    use super::*;
    use crate::body::RequestBody;
    use crate::service::Served;

    /// Runs a future on this thread, without a runtime.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            thread::park_timeout(Duration::from_secs(20));
        }
    }

    /// A timer that uses threads.
    struct Threads;
    struct Until(Instant);

    impl Timer for Threads {
        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
            Box::pin(Until(Instant::now() + duration))
        }

        fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
            Box::pin(Until(deadline))
        }
    }

    impl Sleep for Until {}

    impl Future for Until {
        type Output = ();

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            let left = self.0.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            let waker = context.waker().clone();
            thread::spawn(move || {
                thread::sleep(left);
                waker.wake();
            });
            Poll::Pending
        }
    }

    /// Replies with the body of the request; never replies if it is empty.
    #[derive(Clone, Default)]
    struct Echo(Arc<AtomicUsize>);

    impl Service<http::Request<RequestBody>> for Echo {
        type Response = http::Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
            self.0.fetch_add(1, Ordering::Relaxed);
            if http_body::Body::is_end_stream(request.body()) {
                return Box::pin(pending());
            }
            Box::pin(async {
                let body = request.into_body().collect().await?.to_bytes();
                Ok(http::Response::new(Full::new(body)))
            })
        }
    }

    /// A flow that returns one of these steps for each poll.
    struct Steps(Vec<Result<&'static str, Interrupt>>, Vec<Input>);

    impl Flow for Steps {
        type State = ();
        type Output = &'static str;

        fn poll(&mut self, (): &mut (), _: Timestamp) -> Result<&'static str, Interrupt> {
            self.0.remove(0)
        }

        fn handle(&mut self, input: Input) {
            self.1.push(input);
        }
    }

    fn send(body: &'static str, millis: u64) -> Result<&'static str, Interrupt> {
        let http = http::Request::post("http://wx.qq.com/").header("content-length", body.len());
        Err(Interrupt::Send(Box::new(Request {
            http: http.body(Body::from(body.to_owned())).unwrap(),
            deadline: Duration::from_millis(millis),
            want: Want::Whole { limit: 99 },
        })))
    }

    async fn drive(
        steps: &mut Steps,
        shutdown: Option<watch::Receiver<bool>>,
    ) -> Result<&'static str, Error> {
        let (service, clock): (_, Clock) = (Served(Echo::default()), Arc::new(Timestamp::default));
        let alarm = Alarm::new(Threads);
        let deadline_cap = Duration::MAX;
        let driver =
            Driver { service: &service, clock: &clock, alarm: &alarm, deadline_cap, shutdown };
        let mut source = Bytes::from_static(b"0123456789");
        let poll = |steps: &mut Steps, now| steps.poll(&mut (), now);
        Ok(driver.drive(steps, &mut source, poll).await?.0)
    }

    /// Uses a custom service and timer, without a runtime.
    #[test]
    fn interrupts_are_served_one_at_a_time() {
        let steps = vec![
            send("hello", 5000),
            Err(Interrupt::Sleep(Duration::from_millis(30))),
            Err(Interrupt::Read(2..5)),
            Err(Interrupt::Read(8..99)),
            send("", 30),
            Ok("done"),
        ];
        let (mut steps, start) = (Steps(steps, Vec::new()), Instant::now());
        assert!(matches!(block_on(drive(&mut steps, None)), Ok("done")));
        assert!(start.elapsed() >= Duration::from_millis(60));
        let [
            Input::Reply(Ok(echoed)),
            Input::Piece(Ok(first)),
            Input::Piece(Ok(last)),
            Input::Reply(Err(late)),
        ] = &steps.1[..]
        else {
            panic!("{:?}", steps.1)
        };
        assert_eq!(
            (&echoed.body()[..], &first[..], &last[..]),
            (&b"hello"[..], &b"234"[..], &b"89"[..])
        );
        assert_eq!((late.kind, late.sent), (FailureKind::Timeout, Sent::Maybe));
    }

    #[test]
    fn failure_ends_the_run() {
        let mut steps = Steps(vec![Err(Interrupt::Fail(Error::Stopped)), Ok("again")], Vec::new());
        assert!(matches!(block_on(drive(&mut steps, None)), Err(Error::Stopped)));
        assert!(matches!(block_on(drive(&mut steps, None)), Ok("again")));
    }

    /// The flow is polled again without an input.
    #[test]
    fn shutdown_cancels_only_one_wait() {
        for wait in [send("", 60_000), Err(Interrupt::Sleep(Duration::from_secs(60)))] {
            let shutdown = watch::Sender::new(false);
            let receiver = shutdown.subscribe();
            let mut steps = Steps(vec![wait, send("hello", 5000), Ok("woken")], Vec::new());
            let start = Instant::now();
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_millis(50));
                    shutdown.send_replace(true);
                });
                assert!(matches!(block_on(drive(&mut steps, Some(receiver))), Ok("woken")));
            });
            assert!(start.elapsed() < Duration::from_secs(20));
            assert_eq!(steps.1.len(), 1, "{:?}", steps.1);
        }
    }

    #[test]
    fn flow_continues_after_dropped_drive() {
        let mut steps = Steps(vec![send("", 60_000), Ok("again")], Vec::new());
        {
            let mut driving = pin!(drive(&mut steps, None));
            let mut context = Context::from_waker(Waker::noop());
            assert!(driving.as_mut().poll(&mut context).is_pending());
        }
        assert!(matches!(block_on(drive(&mut steps, None)), Ok("again")));
    }
}
