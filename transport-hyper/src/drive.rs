//! The loop that runs a flow.

use std::io::SeekFrom;
use std::ops::Range;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncSeek, AsyncSeekExt as _};
use tokio::sync::Notify;
use tokio::task::yield_now;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Error, Flow, Input, Interrupt, Timestamp};
use wechat_transport::Log;

use crate::download::Download;
use crate::exchange::exchange;
use crate::transport::{Inner, Transport};

impl Transport {
    /// Runs a flow to its next output. `poll` polls it once and acquires the necessary locks.
    ///
    /// Notifying the waiters of `shutdown` ends the current exchange or pause early.
    /// Also returns the body of the last response under
    /// [`Want::Head`](wechat_proto::flow::Want::Head). If the future is dropped, the flow may be
    /// polled again.
    pub(crate) async fn drive<F: Flow>(
        &self,
        flow: &mut F,
        mut source: impl AsyncRead + AsyncSeek + Unpin,
        shutdown: &Notify,
        mut poll: impl FnMut(&mut F, Timestamp) -> Result<F::Output, Interrupt>,
    ) -> Result<(F::Output, Download), Error> {
        let Inner { options, timer, .. } = &*self.inner;
        let mut rest = Download::empty(timer);
        loop {
            // Created before the poll, so that no notification is lost after it.
            let stopped = shutdown.notified();
            let interrupt = match poll(flow, options.now()) {
                Ok(output) => return Ok((output, rest)),
                Err(interrupt) => interrupt,
            };
            match interrupt {
                Interrupt::Send(request) => {
                    // Drop an unread body before the next exchange.
                    rest = Download::empty(timer);
                    let log = Log::start(&request, options);
                    let reply = tokio::select! {
                        biased;
                        reply = exchange(self, request, &mut rest) => reply,
                        // Without a result, the flow decides how to continue.
                        () = stopped => continue,
                    };
                    log.end(reply.as_ref());
                    flow.handle(Input::Reply(reply));
                    // hyper-util returns the connection to its pool in another task. Without this,
                    // the next request would open another one. It works on any runtime.
                    yield_now().await;
                }
                Interrupt::Read(range) => {
                    flow.handle(Input::Piece(read(&mut source, range).await));
                }
                Interrupt::Sleep(time) => tokio::select! {
                    biased;
                    () = timer.sleep(time) => {}
                    () = stopped => {}
                },
                Interrupt::Fail(error) => return Err(error),
            }
        }
    }
}

/// Reads a range of a source, or fewer bytes if the source ends.
async fn read(
    source: &mut (impl AsyncRead + AsyncSeek + Unpin),
    range: Range<u64>,
) -> Result<Bytes, Failure> {
    let failure = |error| Failure::new(FailureKind::Source, Sent::No).because(error);
    source.seek(SeekFrom::Start(range.start)).await.map_err(failure)?;
    let length = range.end.saturating_sub(range.start);
    // Allocates at most 1 MB in advance, regardless of the range. Each task of `tokio::fs::File`
    // reads as many bytes as there is space for.
    let mut bytes = Vec::with_capacity(length.min(1 << 20) as usize);
    source.take(length).read_to_end(&mut bytes).await.map_err(failure)?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::io::Cursor;
    use std::pin::{Pin, pin};
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::{self, Thread};
    use std::time::{Duration, Instant};

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use hyper::rt::{Sleep, Timer};
    use wechat_proto::Body;
    use wechat_proto::flow::{Request, Want};
    use wechat_transport::Options;

    use super::*;
    use crate::RequestBody;

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
    async fn echo(
        request: http::Request<RequestBody>,
    ) -> Result<http::Response<Full<Bytes>>, Infallible> {
        if http_body::Body::is_end_stream(request.body()) {
            return pending().await;
        }
        let body = request.into_body().collect().await?.to_bytes();
        Ok(http::Response::new(Full::new(body)))
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
        send_within(body, Duration::from_millis(millis))
    }

    fn send_within(body: &'static str, deadline: Duration) -> Result<&'static str, Interrupt> {
        let http = http::Request::post("http://wx.qq.com/").header("content-length", body.len());
        Err(Interrupt::Send(Box::new(Request {
            http: http.body(Body::from(body.to_owned())).unwrap(),
            deadline,
            want: Want::Whole { limit: 99 },
        })))
    }

    async fn drive(steps: &mut Steps, shutdown: &Notify) -> Result<&'static str, Error> {
        let service = tower::service_fn(echo);
        let transport = Transport::with_service(Options::default(), service, Threads);
        let poll = |steps: &mut Steps, now| steps.poll(&mut (), now);
        Ok(transport.drive(steps, Cursor::new("0123456789"), shutdown, poll).await?.0)
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
        assert!(matches!(block_on(drive(&mut steps, &Notify::new())), Ok("done")));
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

    /// Checks that the deadline does not overflow the clock of a timer.
    ///
    /// Threat W6.
    #[test]
    fn longest_deadline_fits_any_timer() {
        let mut steps = Steps(vec![send_within("hello", Duration::MAX), Ok("done")], Vec::new());
        assert!(matches!(block_on(drive(&mut steps, &Notify::new())), Ok("done")));
        assert!(matches!(&steps.1[..], [Input::Reply(Ok(_))]), "{:?}", steps.1);
    }

    /// The flow is polled again without an input.
    #[test]
    fn shutdown_cancels_only_one_wait() {
        for wait in [send("", 60_000), Err(Interrupt::Sleep(Duration::from_secs(60)))] {
            let shutdown = Notify::new();
            let mut steps = Steps(vec![wait, send("hello", 5000), Ok("woken")], Vec::new());
            let start = Instant::now();
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_millis(50));
                    shutdown.notify_waiters();
                });
                assert!(matches!(block_on(drive(&mut steps, &shutdown)), Ok("woken")));
            });
            assert!(start.elapsed() < Duration::from_secs(20));
            assert_eq!(steps.1.len(), 1, "{:?}", steps.1);
        }
    }
}
