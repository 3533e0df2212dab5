//! The log of an exchange.

use std::time::Instant;

use wechat_proto::Timestamp;
use wechat_proto::error::Failure;
use wechat_proto::flow::{Request, Response, Want};

use crate::Options;
use crate::trace::{Exchange, Trace};

/// An exchange in progress. [`Log::end`] calls the function of [`Options::trace`], if one is set. With
/// the feature `tracing`, it also emits a debug event with host, path, status and duration, but never
/// a query, a header or a body. A dropped log reports nothing.
#[must_use = "only `end` reports the exchange"]
pub struct Log {
    // Boxed, because few programs observe exchanges, but each exchange in progress has a log.
    event: Option<Box<(http::Uri, Instant)>>,
    traced: Option<Box<(Trace, Request, Timestamp, Instant)>>,
}

impl Log {
    /// Records the start of an exchange.
    pub fn start(request: &Request, options: &Options) -> Self {
        let started = || Box::new((request.http.uri().clone(), Instant::now()));
        let traced = |trace| Box::new((trace, request.clone(), options.now(), Instant::now()));
        Self {
            event: cfg!(feature = "tracing").then(started),
            traced: options.tracer().map(traced),
        }
    }

    /// Ends the exchange: emits the event, and calls the function of [`Options::trace`].
    pub fn end(self, result: Result<&Response, &Failure>) {
        #[cfg(feature = "tracing")]
        if let Some((uri, start)) = self.event.as_deref() {
            let (host, path) = (uri.host().unwrap_or_default(), uri.path());
            let elapsed = start.elapsed();
            match result {
                Ok(reply) => {
                    let status = reply.status().as_u16();
                    tracing::debug!(%host, %path, status, ?elapsed, "exchange completed");
                }
                Err(failure) => {
                    let (kind, sent) = (failure.kind, failure.sent);
                    tracing::debug!(%host, %path, ?kind, ?sent, ?elapsed, "exchange failed");
                }
            }
        }
        #[cfg(not(feature = "tracing"))]
        let _ = self.event;
        if let Some(traced) = self.traced {
            let (trace, request, started, start) = *traced;
            let (elapsed, request, want) = (start.elapsed(), &request.http, request.want);
            let is_streamed = matches!(want, Want::Head { .. });
            trace(&Exchange { started, elapsed, request, result, is_streamed });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use wechat_proto::Body;
    use wechat_proto::error::{FailureKind, Sent};

    use super::*;

    #[test]
    fn trace_receives_each_completed_exchange() {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen_by_trace = Arc::clone(&seen);
        let clock = || Timestamp::from_secs(1_476_606_163);
        let options = Options::default().clock(clock).trace(move |exchange| {
            let result = exchange.result.map(|reply| reply.body().clone());
            let result = result.map_err(|failure| failure.kind);
            let body = exchange.request.body().clone().into_bytes();
            let line = format!(
                "{} {} {body:?} {result:?} {}",
                exchange.started.as_secs(),
                exchange.request.uri(),
                exchange.is_streamed
            );
            seen_by_trace.lock().unwrap().push(line);
        });
        let request = |want| {
            let mut http = http::Request::new(Body::from("skey".to_owned()));
            *http.uri_mut() = "https://wx.qq.com/x?skey=y".parse().unwrap();
            Request { http, deadline: Duration::ZERO, want }
        };
        let whole = request(Want::Whole { limit: 9 });
        Log::start(&whole, &options).end(Ok(&Response::new("reply".into())));
        drop(Log::start(&whole, &options));
        let head = request(Want::Head { idle: Duration::ZERO });
        let failure = Failure::new(FailureKind::Timeout, Sent::Maybe);
        Log::start(&head, &options).end(Err(&failure));
        assert_eq!(
            *seen.lock().unwrap(),
            [
                "1476606163 https://wx.qq.com/x?skey=y b\"skey\" Ok(b\"reply\") false",
                "1476606163 https://wx.qq.com/x?skey=y b\"skey\" Err(Timeout) true",
            ]
        );
    }
}
