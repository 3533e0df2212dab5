//! Tests of uploads with sources that fail or change, dropped runs, and random failures.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::tests::{Driver, Service, broken, bytes, read, status, upload};
use super::*;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::Request;
use crate::testing::form::form;
use crate::testing::{NOW, ok, refused, session};

/// Reading resumes at the place of the failure.
#[test]
fn reading_resumes_after_source_failure() {
    let (mut session, mut service) = (session(), Service::default());
    let (mut upload, source, mut now) = (upload(40), bytes(40), NOW);
    let (mut reads, mut errors) = (0, 0);
    loop {
        match upload.poll(&mut session, now) {
            Ok(UploadProgress::Done(_)) => break,
            Ok(_) => {}
            Err(Interrupt::Sleep(time)) => now = now.after(time),
            Err(Interrupt::Fail(Error::Source(Some(_)))) => errors += 1,
            Err(Interrupt::Read(range)) => {
                reads += 1;
                let failure = Failure::new(FailureKind::Source, Sent::No);
                let piece = if reads % 2 == 0 { Ok(read(&source, range)) } else { Err(failure) };
                upload.handle(Input::Piece(piece));
            }
            Err(Interrupt::Send(request)) => upload.handle(service.answer(&request)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((reads, errors), (12, 6));
    assert_eq!(service.whole(), source);
}

/// The skey is renewed while a request is delayed: the service may reject the old one.
#[test]
fn delayed_request_has_the_newest_skey() {
    let (mut session, mut service) = (session(), Service::default());
    let (mut upload, source, mut now) = (upload(50), bytes(50), NOW);
    let (mut sent, mut waits) = (0, 0);
    loop {
        match upload.poll(&mut session, now) {
            Ok(UploadProgress::Done(_)) => break,
            Ok(_) => {}
            Err(Interrupt::Sleep(time)) => {
                now = now.after(time);
                waits += 1;
                // No request is in flight, so this is ignored.
                upload.handle(refused(1));
                session.renew_skey(format!("@crypt_{waits}").parse().unwrap());
            }
            Err(Interrupt::Read(range)) => {
                upload.handle(Input::Piece(Ok(read(&source, range))));
            }
            Err(Interrupt::Send(request)) => {
                let body = request.http.body().clone().into_bytes();
                let skey = format!("\"{}\"", session.auth.skey.expose());
                assert!(body.windows(skey.len()).any(|part| part == skey.as_bytes()), "{sent}");
                sent += 1;
                match sent % 4 {
                    0 => upload.handle(service.answer(&request)),
                    // The request is abandoned, and the skey is renewed meanwhile.
                    1 => session.renew_skey(format!("@crypt_other{sent}").parse().unwrap()),
                    _ => upload.handle(broken()),
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(sent >= 15 && waits >= 5, "{sent} {waits}");
    assert_eq!(service.whole(), source);
}

/// The source is longer or shorter than announced, in the first or second pass.
#[test]
fn source_of_another_length_is_an_error() {
    for second in [false, true] {
        for (length, pieces) in [(39, 2), (41, 2), (16, 1), (0, 0)] {
            let (mut service, mut driver) = (Service::default(), Driver::new());
            let (mut upload, right, other) = (upload(40), bytes(40), bytes(length));
            let mut serve = |request: &Request| service.answer(request);
            if second {
                driver.next(&mut upload, &right, &mut serve).unwrap();
            }
            let error = driver.all(&mut upload, &other, &mut serve).unwrap_err();
            assert!(matches!(error, Error::Source(None)), "{error}");
            assert_eq!(driver.sent, if second { pieces } else { 0 });
            // With the correct source, the upload restarts under another id.
            let id = service.id;
            let mut serve = |request: &Request| service.answer(request);
            driver.all(&mut upload, &right, &mut serve).unwrap();
            assert!(service.whole() == right && service.id != id);
        }
    }
}

/// Dropped requests and reads are repeated.
#[test]
fn upload_resumes_after_a_dropped_run() {
    let (mut session, mut service) = (session(), Service::default());
    let (mut upload, source) = (upload(99), bytes(99));
    let (mut polls, mut sent) = (0, 0);
    loop {
        polls += 1;
        match upload.poll(&mut session, NOW) {
            Ok(UploadProgress::Done(_)) => break,
            Ok(_) => {}
            Err(_) if polls % 2 == 0 => {}
            Err(Interrupt::Read(range)) => upload.handle(Input::Piece(Ok(read(&source, range)))),
            Err(Interrupt::Send(request)) => {
                sent += 1;
                upload.handle(service.answer(&request));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((sent, service.whole()), (8, source));
}

#[test]
fn unexpected_inputs_are_ignored() {
    let (mut session, mut service) = (session(), Service::default());
    let (mut upload, source, mut sent) = (upload(40), bytes(40), 0);
    loop {
        let stray = |upload: &mut Upload| {
            upload.handle(Input::Piece(Ok(Bytes::from_static(b"0123456789abcdef"))));
            upload.handle(Input::Piece(Err(Failure::new(FailureKind::Source, Sent::No))));
        };
        match upload.poll(&mut session, NOW) {
            Ok(UploadProgress::Done(_)) => break,
            Ok(_) => {}
            Err(Interrupt::Read(range)) => {
                upload.handle(ok("{}"));
                upload.handle(Input::Piece(Ok(read(&source, range))));
                stray(&mut upload);
            }
            Err(Interrupt::Send(request)) => {
                stray(&mut upload);
                sent += 1;
                upload.handle(service.answer(&request));
                upload.handle(broken());
            }
            other => panic!("{other:?}"),
        }
        stray(&mut upload);
    }
    assert_eq!((sent, service.whole()), (3, source));
}

#[test]
fn debug_shows_no_secret() {
    let (mut service, mut driver) = (Service::default(), Driver::new());
    let (mut upload, source) = (upload(99), bytes(99));
    let mut shown = format!("{upload:?}");
    for _ in 0..9 {
        let serve = |request: &Request| service.answer(request);
        let output = driver.next(&mut upload, &source, serve).unwrap();
        shown += &format!("{output:?} {upload:?}");
    }
    for secret in ["kEy", "sIgNeD", "@crypt", "kByRoJSUlD7S2pif"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

/// The fate of a request or a read.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Fine,
    /// The request was lost.
    Lost,
    /// The request arrived, and the reply was lost.
    ReplyLost,
    Garbage,
    Busy,
    TooOften,
    Refused,
    /// The driver dropped it, and polls again.
    Dropped,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    use Fate::*;
    let one = prop_oneof![
        4 => Just(Fine), 1 => Just(Lost), 1 => Just(ReplyLost), 1 => Just(Garbage), 1 => Just(Busy),
        1 => Just(TooOften), 1 => Just(Refused), 1 => Just(Dropped),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    /// For any length and any failures, a caller that polls again uploads the whole file.
    #[test]
    fn received_bytes_equal_the_file(size in 1_usize..200, fates in fates()) {
        let (mut session, mut service) = (session(), Service::default());
        let (mut upload, source, mut now) = (upload(size), bytes(size), NOW);
        let mut fates = fates.into_iter();
        let mut done = None;
        for _ in 0..1000 {
            // After the last fate, all requests succeed.
            match upload.poll(&mut session, now) {
                Ok(UploadProgress::Done(uploaded)) => {
                    done = Some(uploaded);
                    break;
                }
                Ok(_) | Err(Interrupt::Fail(_)) => {}
                Err(Interrupt::Sleep(time)) => {
                    prop_assert!(!time.is_zero() && time <= Duration::from_secs(30));
                    now = now.after(time);
                }
                Err(Interrupt::Read(range)) => match fates.next().unwrap_or(Fate::Fine) {
                    Fate::Dropped => {}
                    Fate::Lost => {
                        let failure = Failure::new(FailureKind::Source, Sent::No);
                        upload.handle(Input::Piece(Err(failure)));
                    }
                    _ => upload.handle(Input::Piece(Ok(read(&source, range)))),
                },
                Err(Interrupt::Send(request)) => {
                    let input = match fates.next().unwrap_or(Fate::Fine) {
                        Fate::Fine => service.answer(&request),
                        Fate::Lost => broken(),
                        Fate::ReplyLost => {
                            service.answer(&request);
                            broken()
                        }
                        Fate::Garbage => ok("<html>"),
                        Fate::Busy => status(502),
                        Fate::TooOften => refused(1205),
                        Fate::Refused => refused(1),
                        Fate::Dropped => continue,
                    };
                    upload.handle(input);
                }
            }
        }
        let done: Uploaded = done.unwrap();
        prop_assert_eq!(&*done.media_id, "@crypt_1");
        prop_assert_eq!(service.whole(), source);
    }

    /// If a byte changes between the two passes, the last piece is not sent.
    #[test]
    fn changed_file_is_not_completed(size in 1_usize..200, at: prop::sample::Index, by in 1_u8..) {
        let (mut service, mut driver) = (Service::default(), Driver::new());
        let mut upload = upload(size);
        let mut source = bytes(size);
        let mut serve = |request: &Request| service.answer(request);
        driver.next(&mut upload, &source, &mut serve).unwrap();
        let at = at.index(size);
        source[at] ^= by;
        let error = driver.all(&mut upload, &source, &mut serve).unwrap_err();
        prop_assert!(matches!(error, Error::Source(None)));
        let pieces = size.div_ceil(16);
        prop_assert_eq!(service.pieces.len(), pieces - 1);
    }

    /// Uploads a file with the real lengths of pieces and announcements.
    #[test]
    fn file_is_uploaded_with_the_real_sizes(extra in 0_usize..3, pieces in 0_usize..3, lost in any::<[bool; 4]>()) {
        let source = vec![7; (pieces * 524_288 + extra).max(1)];
        let mut driver = Driver::new();
        let file = LocalFile::new("a.zip", source.len() as u64).unwrap();
        let mut upload = Upload::new(UserName::file_helper(), file);
        let mut whole = Vec::new();
        let mut lost = lost.into_iter();
        driver
            .all(&mut upload, &source, |request| {
                if lost.next() == Some(true) {
                    return broken();
                }
                let piece = form(&request.http).pop().unwrap().bytes;
                assert!(piece.len() <= 524_288);
                whole.extend_from_slice(&piece);
                ok(format!(r#"{{"BaseResponse":{{"Ret":0}},"MediaId":"x","StartPos":{}}}"#, whole.len()))
            })
            .ok();
        while !matches!(upload.state, State::Done(_)) {
            driver
                .all(&mut upload, &source, |request| {
                    whole.extend_from_slice(&form(&request.http).pop().unwrap().bytes);
                    ok(r#"{"BaseResponse":{"Ret":0},"MediaId":"x"}"#)
                })
                .unwrap();
        }
        prop_assert!(whole == source);
    }
}
