//! `--trace`: a capture of the command's own exchanges.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use humantime::format_rfc3339_millis;
use serde_json::{Value, json};
use wechat_proto::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use wechat_proto::http::{HeaderMap, Version};
use wechat_transport_ureq::{Exchange, Options};

use super::mask::Masks;
use super::redact::{copy_entry, creator, learn_entry};
use super::request::form_pairs;
use crate::exit::Failure;
use crate::visible::visible;

/// A HAR file that is complete after each exchange, also if the command is killed.
struct Recorder {
    file: File,
    path: PathBuf,
    /// `None` if secrets are to be recorded.
    masks: Option<Masks>,
    entries: usize,
}

/// The end of a file, after the entries.
const END: &[u8] = b"\n]}}\n";

/// The recorder of this process, which all transports share.
static RECORDER: Mutex<Option<Arc<Mutex<Recorder>>>> = Mutex::new(None);

/// Returns options that record each exchange in a file, readable by its owner only. The file is
/// replaced.
///
/// # Errors
///
/// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if it cannot be written.
pub(crate) fn record(
    options: Options,
    path: &Path,
    with_secrets: bool,
) -> Result<Options, Failure> {
    let mut shared = locked(&RECORDER);
    let recorder = match &*shared {
        Some(recorder) => Arc::clone(recorder),
        None => {
            let masks = (!with_secrets).then(Masks::default);
            let created = Recorder::create(path, masks);
            let created = created.map_err(|error| Failure::file(path, &error))?;
            Arc::clone(shared.insert(Arc::new(Mutex::new(created))))
        }
    };
    Ok(options.trace(move |exchange| locked(&recorder).add(entry(exchange))))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    fn create(path: &Path, masks: Option<Masks>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        // An existing file keeps its mode otherwise.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        file.set_len(0)?;
        let head = json!({ "version": "1.2", "creator": creator() }).to_string();
        let head = head.strip_suffix('}').expect("an object");
        write!(file, "{{\"log\":{head},\"entries\":[")?;
        file.write_all(END)?;
        Ok(Self { file, path: path.to_owned(), masks, entries: 0 })
    }

    /// Adds an entry. A failure is reported once, and ends the recording.
    fn add(&mut self, entry: Value) {
        if self.entries == usize::MAX {
            return;
        }
        if let Err(error) = self.write(entry) {
            let path = visible(&self.path.to_string_lossy());
            let _ = writeln!(io::stderr(), "wechat: {path}: {error}; the trace ends here");
            self.entries = usize::MAX;
        }
    }

    fn write(&mut self, mut entry: Value) -> io::Result<()> {
        if let Some(masks) = &mut self.masks {
            learn_entry(&entry, masks);
            entry = copy_entry(&entry, masks);
        }
        let separator = if self.entries == 0 { "\n" } else { ",\n" };
        let mut line = format!("{separator}{entry}").into_bytes();
        line.extend_from_slice(END);
        self.file.seek(SeekFrom::End(-(END.len() as i64)))?;
        self.file.write_all(&line)?;
        self.entries += 1;
        Ok(())
    }
}

/// Returns the entry of an exchange.
fn entry(exchange: &Exchange<'_>) -> Value {
    let request = exchange.request;
    let url = request.uri().to_string();
    let ms = milliseconds(exchange.elapsed);
    let query = request.uri().query().map(form_pairs).unwrap_or_default();
    let query: Vec<_> =
        query.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let body = request.body().clone().into_bytes();
    let mut entry = json!({
        "startedDateTime": time(exchange.started.as_millis()),
        "time": ms,
        "request": {
            "method": request.method().as_str(),
            "url": url,
            "httpVersion": version(request.version()),
            "cookies": [],
            "headers": headers(request.headers()),
            "queryString": query,
            "headersSize": -1,
            "bodySize": body.len(),
        },
        "cache": {},
        "timings": { "send": 0, "wait": ms, "receive": 0 },
    });
    if !body.is_empty() {
        let mut data = json!({ "mimeType": header(request.headers(), CONTENT_TYPE) });
        match str::from_utf8(&body) {
            Ok(text) => data["text"] = text.into(),
            // A piece of a file; the fields of the form precede it.
            Err(error) => {
                let (text, rest) = body.split_at(error.valid_up_to());
                data["text"] = String::from_utf8_lossy(text).into();
                data["comment"] = format!("{} bytes left out", rest.len()).into();
            }
        }
        entry["request"]["postData"] = data;
    }
    entry["response"] = match exchange.result {
        Ok(reply) => json!({
            "status": reply.status().as_u16(),
            "statusText": reply.status().canonical_reason().unwrap_or_default(),
            "httpVersion": version(reply.version()),
            "cookies": [],
            "headers": headers(reply.headers()),
            "content": content(exchange, reply.body(), reply.headers()),
            "redirectURL": header(reply.headers(), LOCATION),
            "headersSize": -1,
            "bodySize": -1,
        }),
        Err(failure) => json!({
            "status": 0,
            "statusText": "",
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "content": { "size": 0, "mimeType": "" },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_error": failure.to_string(),
        }),
    };
    entry
}

/// Returns the `content` of a response: its body as text or Base64, unless it was streamed.
fn content(exchange: &Exchange<'_>, body: &[u8], headers: &HeaderMap) -> Value {
    let mut content = json!({ "size": body.len(), "mimeType": header(headers, CONTENT_TYPE) });
    if exchange.is_streamed {
        content["size"] = header(headers, CONTENT_LENGTH).parse().unwrap_or(0_u64).into();
        content["comment"] = "streamed, not recorded".into();
        return content;
    }
    match str::from_utf8(body) {
        Ok(text) => content["text"] = text.into(),
        Err(_) => {
            content["text"] = BASE64_STANDARD.encode(body).into();
            content["encoding"] = "base64".into();
        }
    }
    content
}

fn headers(headers: &HeaderMap) -> Value {
    let pair =
        |name: &str, value: &[u8]| json!({ "name": name, "value": String::from_utf8_lossy(value) });
    headers.iter().map(|(name, value)| pair(name.as_str(), value.as_bytes())).collect()
}

fn header(headers: &HeaderMap, name: wechat_proto::http::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn version(version: Version) -> String {
    format!("{version:?}")
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Returns a time in ISO 8601.
fn time(millis: u64) -> String {
    // The last year that the format can represent.
    let latest = 253_402_300_799_999;
    format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(millis.min(latest))).to_string()
}
