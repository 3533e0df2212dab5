//! Broken transports: each is the plain one with one fault, and fails the checks for that fault.

use std::sync::Mutex;
use std::time::Duration;

use http::header::{COOKIE, HOST, LOCATION, SET_COOKIE, USER_AGENT};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{Request, Response, Want};
use wechat_proto::{Device, Error, Flow as _, Input, Interrupt, Timestamp};
use wechat_simulator::conformance::{Kit, Outcome, Probe, Promise, Transport};

use super::plain::{Manner, drive, exchange};

fn careful(request: Request) -> Result<Response, Failure> {
    exchange(request, Manner::Careful)
}

/// A transport with its own exchange function.
struct Bad<E>(E);

impl<E: Fn(Request) -> Result<Response, Failure>> Transport for Bad<E> {
    fn run(&self, flow: &mut Probe) -> Result<(), Error> {
        drive(flow, &self.0)
    }
}

/// Asserts which checks of a promise fail, and that the first failure contains `seen`.
#[track_caller]
fn refused<T: Transport + 'static>(
    promise: Promise,
    names: &[&str],
    seen: &str,
    open: impl Fn() -> T + Send + Sync + 'static,
) {
    let report = Kit::new(move |_| Ok(open())).promise(promise).run();
    let broken: Vec<_> = report.broken().map(|check| check.name).collect();
    assert_eq!(broken, names, "{report}");
    match &report.broken().next().unwrap().outcome {
        Outcome::Broken(text) => assert!(text.contains(seen), "{text}"),
        other => panic!("{other:?}"),
    }
    assert!(report.to_string().contains(&format!("{promise}: ")), "{report}");
}

#[test]
fn following_redirects_is_detected() {
    fn follow(request: Request) -> Result<Response, Failure> {
        let reply = careful(request.clone())?;
        let Some(to) = reply.headers().get(LOCATION) else { return Ok(reply) };
        let mut next = request;
        *next.http.uri_mut() = to.to_str().unwrap().parse().unwrap();
        careful(next)
    }
    refused(
        Promise::NoRedirects,
        &["no_redirect_is_followed"],
        "`elsewhere.connections()` is 1, not 0",
        || Bad(follow),
    );
}

#[test]
fn keeping_cookies_is_detected() {
    let open = || {
        let kept = Mutex::new(None);
        Bad(move |mut request: Request| {
            let mut kept = kept.lock().unwrap();
            if let Some(cookie) = kept.clone() {
                request.http.headers_mut().insert(COOKIE, cookie);
            }
            let reply = careful(request)?;
            *kept = reply.headers().get(SET_COOKIE).cloned().or(kept.take());
            Ok(reply)
        })
    };
    refused(Promise::NoCookies, &["no_cookie_is_kept"], "a=1; Path=/", open);
}

#[test]
fn added_header_is_detected() {
    let open = || {
        Bad(|mut request: Request| {
            let headers = request.http.headers_mut();
            headers.entry(USER_AGENT).or_insert("bad/1.0".parse().unwrap());
            careful(request)
        })
    };
    refused(Promise::AsItIs, &["headers_are_those_given"], "user-agent", open);
}

#[test]
fn changed_header_is_detected() {
    let open = || {
        Bad(|mut request: Request| {
            let authority = request.http.uri().authority().map(ToString::to_string);
            let host = authority.unwrap_or_default().parse().unwrap();
            request.http.headers_mut().insert(HOST, host);
            careful(request)
        })
    };
    refused(Promise::AsItIs, &["headers_are_those_given"], "(\"host\", \"127.0.0.1:", open);
}

#[test]
fn reencoded_query_is_detected() {
    let open = || {
        Bad(|mut request: Request| {
            let uri = request.http.uri().to_string().replace("%2F", "/").replace("%7C", "|");
            *request.http.uri_mut() = uri.parse().unwrap();
            careful(request)
        })
    };
    refused(Promise::AsItIs, &["query_is_sent_verbatim"], "%252F", open);
}

#[test]
fn ignored_limit_is_detected() {
    let open = || {
        Bad(|mut request: Request| {
            let Want::Whole { limit } = request.want else { return careful(request) };
            // A limit remains, or an endless body would fill the memory.
            request.want = Want::Whole { limit: limit.max(1 << 20) };
            careful(request)
        })
    };
    refused(Promise::Limits, &["a_body_of_exactly_the_limit_passes"], "but Response", open);
}

#[test]
fn accepted_truncation_is_detected() {
    refused(
        Promise::Lengths,
        &["a_reply_cut_short", "chunks_cut_short"],
        "no failure (Truncated, sent: Maybe)",
        || Bad(|request| exchange(request, Manner::Careless)),
    );
}

#[test]
fn accepted_coding_is_detected() {
    refused(
        Promise::Codings,
        &["content_encoding_is_refused", "compressed_body_is_not_read"],
        "no failure (Encoding, sent: Maybe)",
        || {
            Bad(|mut request: Request| {
                request.deadline = Duration::from_secs(2);
                exchange(request, Manner::Careless)
            })
        },
    );
}

#[test]
fn wrong_unsent_failure_is_detected() {
    let open =
        || Bad(|request| careful(request).map_err(|failure| Failure::new(failure.kind, Sent::No)));
    refused(
        Promise::Sent,
        &[
            "close_without_a_reply",
            "reset_while_sending_a_body",
            "request_is_not_repeated_after_close",
        ],
        "not (Closed, sent: Maybe) but (Closed, sent: No)",
        open,
    );
}

#[test]
fn wrong_sent_failure_is_detected() {
    let open = || {
        Bad(|request| careful(request).map_err(|failure| Failure::new(failure.kind, Sent::Maybe)))
    };
    refused(Promise::Sent, &["a_refused_connection"], "not (Connect, sent: No)", open);
}

#[test]
fn resending_is_detected() {
    let open = || Bad(|request: Request| careful(request.clone()).or_else(|_| careful(request)));
    refused(Promise::Sent, &["request_is_not_repeated_after_close"], "is 2, not 1", open);
}

#[test]
fn other_deadline_is_detected() {
    let open = || {
        Bad(|mut request: Request| {
            request.deadline = Duration::from_secs(5);
            careful(request)
        })
    };
    let late = [
        "a_slow_head_ends_at_the_deadline",
        "a_dripping_head_ends_at_the_deadline",
        "a_slow_body_ends_at_the_deadline",
        "endless_1xx_replies_end_at_the_deadline",
        "connecting_ends_at_the_deadline",
        "unread_upload_ends_at_the_deadline",
    ];
    refused(Promise::Deadlines, &late, "ms, not 900 to 4500", open);
}

#[test]
fn status_as_error_is_detected() {
    let open = || {
        Bad(|request| match careful(request)? {
            reply if reply.status().is_server_error() => {
                Err(Failure::new(FailureKind::Other, Sent::Maybe))
            }
            reply => Ok(reply),
        })
    };
    refused(Promise::Statuses, &["error_status_is_a_reply"], "(Other, sent: Maybe)", open);
}

#[test]
fn missing_request_check_is_detected() {
    let open = || {
        Bad(|mut request: Request| {
            // ureq does this for a body of another length than announced.
            let length = request.http.body().len();
            request.http.headers_mut().insert("content-length", length.into());
            careful(request)
        })
    };
    refused(
        Promise::Sendable,
        &["a_body_of_another_length_is_not_sent"],
        "no failure (Unsendable, sent: No)",
        open,
    );
}

#[test]
fn quoted_request_is_detected() {
    #[derive(Debug)]
    struct Quote(String);
    impl std::fmt::Display for Quote {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.0)
        }
    }
    impl std::error::Error for Quote {}
    let open = || {
        Bad(|request: Request| {
            let uri = request.http.uri().to_string();
            careful(request).map_err(|failure| failure.because(Quote(uri)))
        })
    };
    refused(Promise::Secrets, &["failures_contain_no_secrets"], "SECRET", open);
}

/// A transport that does not sleep.
struct Sleepless;

impl Transport for Sleepless {
    fn run(&self, flow: &mut Probe) -> Result<(), Error> {
        let mut device = Device::new();
        loop {
            match flow.poll(&mut device, Timestamp::default()) {
                Ok(()) => return Ok(()),
                Err(Interrupt::Send(request)) => flow.handle(Input::Reply(careful(*request))),
                Err(Interrupt::Fail(error)) => return Err(error),
                Err(_) => {}
            }
        }
    }
}

#[test]
fn skipped_pause_is_detected() {
    let names =
        ["interrupts_are_served_in_order", "sleep_takes_its_duration", "failing_flow_ends_the_run"];
    refused(Promise::Interrupts, &names, "polled repeatedly during a sleep", || Sleepless);
}
