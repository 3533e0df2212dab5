use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::error::{FailureKind, Ret};
use crate::flow::Request;
use crate::media::MediaType;
use crate::testing::form::{Part, form};
use crate::testing::{self, NOW, failed, ok, refused, session};

/// Small sizes, so that a file of a few bytes counts as large.
pub(super) const SHORT: Sizes = Sizes { piece: 16, check_above: 40 };

pub(super) fn upload(size: usize) -> Upload {
    let file = LocalFile::new("a.zip", size as u64).unwrap();
    Upload::with_sizes(UserName::file_helper(), file, SHORT)
}

pub(super) fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

/// The service's side of an upload; checks the order of the requests.
#[derive(Default)]
pub(super) struct Service {
    probes: usize,
    /// The `ClientMediaId` of the upload, and its pieces.
    pub(super) id: u64,
    pub(super) pieces: Vec<Bytes>,
    total: u64,
    /// Whether the service has the file already.
    has_file: bool,
}

impl Service {
    pub(super) fn answer(&mut self, request: &Request) -> Input {
        if request.http.uri().path().ends_with("webwxcheckupload") {
            self.probes += 1;
            let id = if self.has_file { "known" } else { "" };
            return ok(format!(
                r#"{{"BaseResponse":{{"Ret":0}},"MediaId":"{id}","AESKey":"kEy","Signature":"sIgNeD"}}"#
            ));
        }
        let form = form(&request.http);
        let text = |name| form.iter().find(|part| part.name == name).map(Part::text);
        let requested: Value = serde_json::from_str(text("uploadmediarequest").unwrap()).unwrap();
        let large = requested["TotalLen"].as_u64().unwrap() > SHORT.check_above;
        assert_eq!(requested["AESKey"].as_str(), large.then_some("kEy"));
        assert_eq!(requested["Signature"].as_str(), large.then_some("sIgNeD"));
        let id = requested["ClientMediaId"].as_u64().unwrap();
        if id != self.id {
            *self = Self { id, probes: self.probes, ..Self::default() };
        }
        self.total = text("size").unwrap().parse().unwrap();
        let count = text("chunks").map_or(1, |count| count.parse().unwrap());
        let piece = text("chunk").map_or(0, |piece| piece.parse().unwrap());
        assert_eq!(count, self.total.div_ceil(SHORT.piece));
        let bytes = form.last().unwrap().bytes.clone();
        match self.pieces.get(piece) {
            // A retry must have the same bytes.
            Some(before) if piece + 1 == self.pieces.len() => assert_eq!(*before, bytes),
            Some(_) => panic!("piece {piece} after {}", self.pieces.len()),
            None => {
                assert_eq!(piece, self.pieces.len(), "in order");
                self.pieces.push(bytes);
            }
        }
        let whole = self.whole();
        let id = match whole.len() as u64 == self.total {
            true => {
                assert_eq!(requested["FileMd5"].as_str(), Some(&*Md5Sum::of(&whole).to_string()));
                "@crypt_1"
            }
            false => "",
        };
        ok(format!(r#"{{"BaseResponse":{{"Ret":0}},"MediaId":"{id}","StartPos":{}}}"#, whole.len()))
    }

    pub(super) fn whole(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// Returns bytes of a source, as a driver does.
pub(super) fn read(source: &[u8], range: Range<u64>) -> Bytes {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
    Bytes::copy_from_slice(&source[place(range.start)..place(range.end)])
}

/// A correct driver, with a session.
pub(super) struct Driver {
    pub(super) session: Session,
    pub(super) now: Timestamp,
    pub(super) sent: usize,
    slept: Vec<Duration>,
    pub(super) read: Vec<Range<u64>>,
}

impl Driver {
    pub(super) fn new() -> Self {
        Self { session: session(), now: NOW, sent: 0, slept: Vec::new(), read: Vec::new() }
    }

    pub(super) fn next(
        &mut self,
        upload: &mut Upload,
        source: &[u8],
        mut serve: impl FnMut(&Request) -> Input,
    ) -> Result<UploadProgress, Error> {
        for _ in 0..1000 {
            match upload.poll(&mut self.session, self.now) {
                Ok(output) => return Ok(output),
                Err(Interrupt::Fail(error)) => return Err(error),
                Err(Interrupt::Sleep(time)) => {
                    self.slept.push(time);
                    self.now = self.now.after(time);
                }
                Err(Interrupt::Read(range)) => {
                    self.read.push(range.clone());
                    upload.handle(Input::Piece(Ok(read(source, range))));
                }
                Err(Interrupt::Send(request)) => {
                    self.sent += 1;
                    let input = serve(&request);
                    upload.handle(input);
                }
            }
        }
        panic!("the upload does not end")
    }

    /// Runs an upload to its end or its first error.
    pub(super) fn all(
        &mut self,
        upload: &mut Upload,
        source: &[u8],
        mut serve: impl FnMut(&Request) -> Input,
    ) -> Result<Vec<UploadProgress>, Error> {
        let mut outputs = Vec::new();
        loop {
            outputs.push(self.next(upload, source, &mut serve)?);
            if let Some(UploadProgress::Done(_)) = outputs.last() {
                return Ok(outputs);
            }
        }
    }
}

pub(super) fn status(code: u16) -> Input {
    Input::Reply(Ok(testing::status(code, "<html>")))
}

pub(super) fn broken() -> Input {
    failed(FailureKind::Closed)
}

#[test]
fn file_is_uploaded_in_pieces() {
    let (mut service, mut driver) = (Service::default(), Driver::new());
    let (mut upload, source) = (upload(40), bytes(40));
    let outputs = driver.all(&mut upload, &source, |request| service.answer(request)).unwrap();
    let sent = |sent| UploadProgress::Sent { sent, total: 40 };
    assert_eq!(outputs[..4], [UploadProgress::Hashed, sent(16), sent(32), sent(40)]);
    let UploadProgress::Done(uploaded) = &outputs[4] else { panic!("{outputs:?}") };
    assert_eq!((uploaded.media_id(), uploaded.file_name()), ("@crypt_1", "a.zip"));
    assert_eq!((uploaded.media_type(), uploaded.size()), (MediaType::Document, 40));
    assert!(uploaded.keys.signature.is_empty());
    assert_eq!(service.whole(), source);
    assert_eq!((driver.sent, service.probes, driver.slept.len()), (3, 0, 0));
    // The file is read twice, each time with an attempt to read one byte after its end.
    assert_eq!(driver.read, [0..16, 16..32, 32..41, 0..16, 16..32, 32..41]);

    // The final output is repeated without a request.
    let again = driver.next(&mut upload, &[], |_| panic!("unexpected request")).unwrap();
    assert_eq!(again, outputs[4]);
}

#[test]
fn large_file_is_checked_first() {
    let (mut service, mut driver) = (Service::default(), Driver::new());
    let source = bytes(41);
    let outputs = driver.all(&mut upload(41), &source, |request| service.answer(request)).unwrap();
    let Some(UploadProgress::Done(uploaded)) = outputs.last() else { panic!("{outputs:?}") };
    assert_eq!(uploaded.keys.signature.expose(), "sIgNeD");
    assert_eq!((driver.sent, service.probes), (4, 1));
    assert_eq!(service.whole(), source);
}

#[test]
fn file_known_to_the_service_is_not_sent() {
    let mut driver = Driver::new();
    let mut service = Service { has_file: true, ..Service::default() };
    let outputs =
        driver.all(&mut upload(99), &bytes(99), |request| service.answer(request)).unwrap();
    let [UploadProgress::Hashed, UploadProgress::Done(uploaded)] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!((uploaded.media_id(), uploaded.keys.signature.expose()), ("known", "sIgNeD"));
    assert_eq!((driver.sent, driver.read.len()), (1, 7));
}

/// `docs/protocol.md` §6.6, §6.7.
#[test]
fn default_sizes_match_the_protocol() {
    let Upload { sizes, .. } =
        Upload::new(UserName::file_helper(), LocalFile::new("a", 1).unwrap());
    assert_eq!((sizes.piece, sizes.check_above), (524_288, 26_214_400));
}

#[test]
fn empty_and_too_large_files_are_not_read() {
    let mut session = session();
    let sized = |name, size| LocalFile::new(name, size).unwrap();
    let mut fails = |mut upload: Upload| match upload.poll(&mut session, NOW) {
        Err(Interrupt::Fail(error)) => error,
        other => panic!("{other:?}"),
    };
    let to = UserName::file_helper;
    assert!(matches!(fails(Upload::new(to(), sized("a", 0))), Error::EmptyFile));
    let picture = sized("a.png", 20 << 20);
    let error = fails(Upload::new(to(), picture.clone()));
    assert!(matches!(error, Error::TooLarge { size: 20_971_520, limit: 20_971_519 }));
    let mut document = Upload::new(to(), picture.as_type(MediaType::Document));
    assert!(matches!(document.poll(&mut session, NOW), Err(Interrupt::Read(_))));
}

/// Two failures are retried after a pause each, the third is reported; the next poll resumes with
/// the same piece.
#[test]
fn piece_is_retried_after_transient_errors() {
    for fail in [broken as fn() -> Input, || status(502), || ok("{"), || refused(-1)] {
        let (mut service, mut driver) = (Service::default(), Driver::new());
        let (mut upload, source) = (upload(40), bytes(40));
        let mut tries = 0;
        let mut serve = |request: &Request| {
            // The second piece is accepted at the seventh attempt, after two reported errors.
            if service.pieces.len() == 1 && tries < 6 {
                tries += 1;
                return fail();
            }
            service.answer(request)
        };
        for expected in [3, 6] {
            let error = driver.all(&mut upload, &source, &mut serve).unwrap_err();
            assert!(error.is_transient(), "{error}");
            assert_eq!(driver.sent, 1 + expected);
            // A caller that polls again is slowed down.
            assert!(driver.slept.len() >= 2 && driver.slept.iter().all(|time| !time.is_zero()));
        }
        driver.all(&mut upload, &source, &mut serve).unwrap();
        assert_eq!(driver.sent, 9);
        assert_eq!(service.whole(), source);
        // Accepted pieces were neither sent nor read again.
        assert_eq!(driver.read.len(), 6);
    }
}

/// The delay is 250 milliseconds, then a second; it is the same for the next piece.
#[test]
fn failed_piece_is_retried_after_a_short_delay() {
    let (mut service, mut driver) = (Service::default(), Driver::new());
    let mut tries = 0;
    let outputs = driver.all(&mut upload(32), &bytes(32), |request| {
        tries += 1;
        if tries % 3 == 0 { service.answer(request) } else { broken() }
    });
    assert!(outputs.is_ok());
    assert_eq!(
        driver.slept.iter().map(Duration::as_millis).collect::<Vec<_>>(),
        [250, 1000, 250, 1000]
    );
}

/// Idle responses of earlier uploads delay the start of an upload. Once a piece is accepted, the
/// next ones are sent without delay.
#[test]
fn no_delay_after_an_accepted_piece() {
    let (mut service, mut driver) = (Service::default(), Driver::new());
    (0..5).for_each(|_| driver.session.device.backoff(Lane::Upload).idle());
    let serve = |request: &Request| service.answer(request);
    driver.all(&mut upload(99), &bytes(99), serve).unwrap();
    assert_eq!(driver.sent, 8);
    assert!(driver.slept.is_empty(), "{:?}", driver.slept);
    // The next upload waits before it begins.
    (0..5).for_each(|_| driver.session.device.backoff(Lane::Upload).idle());
    let serve = |request: &Request| service.answer(request);
    driver.all(&mut upload(99), &bytes(99), serve).unwrap();
    assert_eq!(driver.slept, [Duration::from_secs(4)]);
}

#[test]
fn refusal_is_reported_without_retry() {
    type Case = (fn() -> Input, fn(&Error) -> bool);
    let cases: [Case; 5] = [
        (|| refused(1), |error| matches!(error, Error::Refused { ret: Ret::PARAMETER, .. })),
        (|| refused(1205), |error| matches!(error, Error::Limited { .. })),
        (|| status(402), |error| matches!(error, Error::Status { status: 402, .. })),
        (|| status(413), |error| matches!(error, Error::Status { status: 413, .. })),
        (|| refused(1101), |error| matches!(error, Error::LoggedOut { .. })),
    ];
    for (refuse, expected) in cases {
        for (size, first) in [(99, 1), (99, 7), (40, 0), (40, 1), (40, 2)] {
            let (mut service, mut driver) = (Service::default(), Driver::new());
            let mut answered = 0;
            let result = driver.all(&mut upload(size), &bytes(size), |request| {
                answered += 1;
                if answered > first { refuse() } else { service.answer(request) }
            });
            assert!(expected(&result.unwrap_err()));
            assert_eq!(driver.sent, first + 1);
        }
    }
}

#[test]
fn refused_announcement_is_repeated_without_reading_again() {
    for (ret, message) in [(1, "webwxcheckupload was refused"), (1205, "too often")] {
        let (mut upload, mut driver) = (upload(99), Driver::new());
        let result = driver.all(&mut upload, &bytes(99), |_| refused(ret));
        assert!(result.unwrap_err().to_string().contains(message));
        assert_eq!(driver.sent, 1);
        // The next poll announces the file again without reading it again for the MD5.
        let mut service = Service::default();
        driver.all(&mut upload, &bytes(99), |request| service.answer(request)).unwrap();
        assert_eq!((driver.sent, driver.read.len()), (9, 14));
    }
}

#[test]
fn upload_fails_on_a_closed_session() {
    let (mut upload, mut driver) = (upload(40), Driver::new());
    let is_closed = |error| matches!(error, Error::LoggedOut { ret: Ret::SESSION_INVALID, .. });
    let source = bytes(40);
    let mut serve = |_: &Request| refused(1101);
    assert!(is_closed(driver.all(&mut upload, &source, &mut serve).unwrap_err()));
    assert_eq!(driver.session.device.closed(), Some(Ret::SESSION_INVALID));
    for _ in 0..3 {
        assert!(is_closed(driver.all(&mut upload, &source, &mut serve).unwrap_err()));
    }
    assert_eq!(driver.sent, 1);
    // Another upload does not begin.
    let mut other = self::upload(7);
    assert!(is_closed(driver.all(&mut other, &source, &mut serve).unwrap_err()));
    assert_eq!((driver.sent, driver.read.len()), (1, 4));
}
