//! Broken transports: each is the plain transport with one fault, and fails the checks for that
//! fault.

use std::sync::Mutex;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, COOKIE, HOST, HeaderName, LOCATION, SET_COOKIE, USER_AGENT};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{Request, Response, Want};
use wechat_proto::{Device, Error, Flow as _, Input, Interrupt, Timestamp};
use wechat_simulator::conformance::{Grade, Kit, Outcome, Probe, Promise, Transport};

use super::plain::{Manner, drive, exchange};

fn careful(request: Request) -> Result<Response, Failure> {
    exchange(request, Manner::Careful)
}

/// A transport with its own exchange function.
#[derive(Clone)]
struct Bad<E>(E);

impl<E: Fn(Request) -> Result<Response, Failure>> Transport for Bad<E> {
    fn run(&self, flow: &mut Probe) -> Result<(), Error> {
        drive(flow, &self.0)
    }
}

/// Asserts which checks of a promise a transport with this exchange function fails, and the finding
/// of the first one.
#[track_caller]
fn refused<E>(promise: Promise, failed: [&[&str]; 2], found: &str, exchange: E)
where
    E: Fn(Request) -> Result<Response, Failure> + Clone + Send + Sync + 'static,
{
    let bad = Bad(exchange);
    transport_refused(promise, failed, found, move || bad.clone());
}

/// Asserts the same of the transports that a function opens.
#[track_caller]
fn transport_refused<T: Transport + 'static>(
    promise: Promise,
    [must, should]: [&[&str]; 2],
    found: &str,
    open: impl Fn() -> T + Send + Sync + 'static,
) {
    let report = Kit::new(move |_| Ok(open())).promise(promise).run();
    for (grade, names) in [(Grade::Must, must), (Grade::Should, should)] {
        let failed: Vec<_> = report.failed(grade).map(|check| check.name).collect();
        assert_eq!(failed, names, "{grade}\n{report}");
    }
    assert_eq!(report.is_conforming(), must.is_empty());
    match &report.failed(Grade::Must).chain(report.failed(Grade::Should)).next().unwrap().outcome {
        Outcome::Failed(deviation) => assert!(deviation.found.contains(found), "{deviation:?}"),
        other => panic!("{other:?}"),
    }
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
    refused(Promise::NoRedirects, [&["no_redirect_is_followed"], &[]], "1", follow);
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
    transport_refused(Promise::NoCookies, [&["no_cookie_is_kept"], &[]], "a=1; Path=/", open);
}

#[test]
fn added_header_is_detected() {
    let adding = |name: HeaderName, value: &'static str| {
        move |mut request: Request| {
            let headers = request.http.headers_mut();
            headers.entry(name.clone()).or_insert(value.parse().unwrap());
            careful(request)
        }
    };
    let deviation: &[&str] = &["no_header_is_added"];
    refused(Promise::AsItIs, [&[], deviation], "user-agent", adding(USER_AGENT, "bad/1.0"));
    let both = [&["given_headers_arrive"], deviation];
    refused(Promise::AsItIs, both, "accept-encoding", adding(ACCEPT_ENCODING, "gzip"));
}

#[test]
fn changed_header_is_detected() {
    let names: [&[_]; 2] = [&["given_headers_arrive"], &[]];
    refused(Promise::AsItIs, names, "(\"host\", \"127.0.0.1:", |mut request| {
        let authority = request.http.uri().authority().map(ToString::to_string);
        let host = authority.unwrap_or_default().parse().unwrap();
        request.http.headers_mut().insert(HOST, host);
        careful(request)
    });
}

#[test]
fn reencoded_query_is_detected() {
    let both: [&[_]; 2] = [&["query_is_sent_verbatim"], &["apostrophe_is_sent_verbatim"]];
    refused(Promise::AsItIs, both, "%252F", |mut request| {
        let uri = request.http.uri().to_string().replace("%2F", "/").replace("%7C", "|");
        *request.http.uri_mut() = uri.parse().unwrap();
        careful(request)
    });
}

#[test]
fn encoded_apostrophe_is_a_deviation() {
    let names: [&[_]; 2] = [&[], &["apostrophe_is_sent_verbatim"]];
    refused(Promise::AsItIs, names, "%27x%27", |mut request| {
        let uri = request.http.uri().to_string().replace('\'', "%27");
        *request.http.uri_mut() = uri.parse().unwrap();
        careful(request)
    });
}

#[test]
fn extension_of_a_reply_is_a_deviation() {
    refused(Promise::Statuses, [&[], &["reply_has_no_extensions"]], "1", |request| {
        let mut reply = careful(request)?;
        reply.extensions_mut().insert("an extension");
        Ok(reply)
    });
}

#[test]
fn ignored_limit_is_detected() {
    let names: [&[_]; 2] = [&["a_body_of_exactly_the_limit_passes"], &[]];
    refused(Promise::Limits, names, "Response", |mut request| {
        let Want::Whole { limit } = request.want else { return careful(request) };
        // A limit remains, because an endless body would fill the memory.
        request.want = Want::Whole { limit: limit.max(1 << 20) };
        careful(request)
    });
}

#[test]
fn lower_limit_of_heads_is_detected() {
    let names: [&[_]; 2] = [&["a_head_of_64_kb_is_accepted"], &[]];
    refused(Promise::Limits, names, "(TooLarge, Sent::Maybe)", |request| {
        let reply = careful(request)?;
        let length = reply.headers().values().map(http::HeaderValue::len).sum::<usize>();
        if length > 16 << 10 {
            return Err(Failure::new(FailureKind::TooLarge, Sent::Maybe));
        }
        Ok(reply)
    });
}

#[test]
fn accepted_truncation_is_detected() {
    let names: [&[_]; 2] = [&["a_reply_cut_short", "chunks_cut_short"], &[]];
    refused(Promise::Lengths, names, "Response", |request| exchange(request, Manner::Careless));
}

#[test]
fn accepted_coding_is_detected() {
    let names = ["gzip_is_accepted", "content_encoding_is_refused", "compressed_body_is_not_read"];
    refused(Promise::Codings, [&names, &[]], "Response", |mut request| {
        request.deadline = Duration::from_secs(2);
        exchange(request, Manner::Careless)
    });
}

#[test]
fn wrong_unsent_failure_is_detected() {
    let names = [
        "close_without_a_reply", "reset_while_sending_a_body",
        "request_is_not_repeated_after_close",
    ];
    refused(Promise::Sent, [&names, &[]], "(Closed, Sent::No)", |request| {
        careful(request).map_err(|failure| Failure::new(failure.kind, Sent::No))
    });
}

#[test]
fn wrong_sent_failure_is_a_deviation() {
    let names = ["refused_connection_is_unsent", "connect_deadline_is_unsent"];
    refused(Promise::Sent, [&[], &names], "(Connect, Sent::Maybe)", |request| {
        careful(request).map_err(|failure| Failure::new(failure.kind, Sent::Maybe))
    });
}

#[test]
fn failure_without_its_kind_is_a_deviation() {
    let names = [
        "refused_connection_has_its_kind", "connect_deadline_has_its_kind", "close_has_its_kind",
        "truncation_has_its_kind", "malformed_reply_has_its_kind", "a_longer_head_is_too_large",
    ];
    refused(Promise::Failures, [&[], &names], "(Other, Sent::No)", |request| {
        careful(request).map_err(|failure| Failure::new(FailureKind::Other, failure.sent))
    });
}

#[test]
fn resending_is_detected() {
    let names: [&[_]; 2] = [&["request_is_not_repeated_after_close"], &[]];
    refused(Promise::Sent, names, "2", |request| {
        careful(request.clone()).or_else(|_| careful(request))
    });
}

#[test]
fn other_deadline_is_detected() {
    let late = [
        "a_slow_head_ends_at_the_deadline",
        "a_dripping_head_ends_at_the_deadline",
        "a_slow_body_ends_at_the_deadline",
        "endless_1xx_replies_end_at_the_deadline",
        "connecting_ends_at_the_deadline",
        "unread_upload_ends_at_the_deadline",
    ];
    refused(Promise::Deadlines, [&late, &[]], "an end after", |mut request| {
        request.deadline = Duration::from_secs(5);
        careful(request)
    });
}

#[test]
fn status_as_error_is_detected() {
    let names: [&[_]; 2] = [&["error_status_is_a_reply"], &[]];
    refused(Promise::Statuses, names, "(Other, Sent::Maybe)", |request| match careful(request)? {
        reply if reply.status().is_server_error() => {
            Err(Failure::new(FailureKind::Other, Sent::Maybe))
        }
        reply => Ok(reply),
    });
}

#[test]
fn missing_request_check_is_detected() {
    let names: [&[_]; 2] = [&["a_body_of_another_length_is_not_sent"], &[]];
    refused(Promise::Sendable, names, "Response", |mut request| {
        // ureq does this for a body whose length differs from the announced one.
        let length = request.http.body().len();
        request.http.headers_mut().insert("content-length", length.into());
        careful(request)
    });
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
    let names: [&[_]; 2] = [&["failures_contain_no_secrets"], &[]];
    refused(Promise::Secrets, names, "SECRET", |request| {
        let uri = request.http.uri().to_string();
        careful(request).map_err(|failure| failure.because(Quote(uri)))
    });
}

/// A transport that does not sleep and has no entropy.
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
    transport_refused(Promise::Interrupts, [&names, &[]], "more than 100 polls", || Sleepless);
}

#[test]
fn missing_entropy_is_detected() {
    transport_refused(
        Promise::Entropy,
        [&["entropy_is_mixed_in"], &[]],
        "two equal devices",
        || Sleepless,
    );
}
