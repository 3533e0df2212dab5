//! The recording of Tencent's page in a browser, as a HAR file.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use wechat_simulator::{Answer, Incoming, Mode, World};

/// A recording of the page in a browser, written from its script (docs/protocol.md). All its values are invented.
const RECORDING: &str = include_str!("../../recordings/page.har");

/// The midnight before the recording, in milliseconds.
const MIDNIGHT: u64 = 1_699_920_000_000;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    version: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: String,
    request: Recorded,
    response: Reply,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    method: String,
    url: String,
    cookies: Vec<Pair>,
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    post_data: Option<Content>,
    body_size: usize,
}

#[derive(Deserialize)]
struct Reply {
    status: u16,
    cookies: Vec<Pair>,
    headers: Vec<Pair>,
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    mime_type: String,
    text: Option<String>,
}

#[derive(Debug, Deserialize, Eq, PartialEq)]
struct Pair {
    name: String,
    value: String,
}

fn pair(name: &str, value: &str) -> Pair {
    Pair { name: name.to_owned(), value: value.to_owned() }
}

/// The characters of the recorded values that `encodeURIComponent` does not escape.
const UNESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNESCAPED).to_string()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn entries() -> Vec<Entry> {
    serde_json::from_str::<Har>(RECORDING).expect("a recording").log.entries
}

impl Entry {
    /// Returns the time of the request, in milliseconds since the epoch.
    fn at(&self) -> u64 {
        let time = self.started_date_time.strip_prefix("2023-11-14T").expect("the day");
        let parts = time.trim_end_matches('Z').split([':', '.']);
        let parts: Vec<u64> = parts.map(|part| part.parse().expect("a number")).collect();
        let [hours, minutes, seconds, millis] = *parts else { panic!("{time}") };
        MIDNIGHT + ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis
    }

    fn request(&self, live: &Live) -> Request<Bytes> {
        let mut request =
            Request::builder().method(&*self.request.method).uri(live.replace(&self.request.url));
        let body = self.request.post_data.as_ref().and_then(|data| data.text.as_deref());
        let body = live.replace(body.unwrap_or_default());
        for Pair { name, value } in &self.request.headers {
            let value = match &*name.to_ascii_lowercase() {
                "content-length" => body.len().to_string(),
                _ => live.replace(value),
            };
            request = request.header(name, value);
        }
        request.body(body.into()).expect("a request")
    }
}

/// The values of the recording, each with the one of the world that replaces it.
#[derive(Default)]
struct Live(BTreeMap<String, String>);

impl Live {
    /// Records the differences between a recorded text of the service and that of the world.
    fn learn(&mut self, recorded: &str, live: &str) {
        let words = |text: &str| -> Vec<String> {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"@_-+/=%.".contains(c));
            words.map(str::to_owned).collect()
        };
        let (recorded, live) = (words(recorded), words(live));
        assert_eq!(recorded.len(), live.len(), "another form: {recorded:?} {live:?}");
        // Short words are not ids, but values such as the sex of a person.
        for (of, to) in recorded.iter().zip(&live).filter(|(of, to)| of != to && of.len() > 5) {
            for (of, to) in [(of.clone(), to.clone()), (decode(of), decode(to))] {
                self.0.insert(encode(&encode(&of)), encode(&encode(&to)));
                self.0.insert(encode(&of), encode(&to));
                self.0.insert(of, to);
            }
        }
    }

    /// Replaces the recorded values of a text, the longest first.
    fn replace(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(next) = rest.chars().next() {
            let fitting = self.0.iter().filter(|(of, _)| rest.starts_with(of.as_str()));
            match fitting.max_by_key(|(of, _)| of.len()) {
                Some((of, to)) => {
                    out.push_str(to);
                    rest = &rest[of.len()..];
                }
                None => {
                    out.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        out
    }
}

/// Returns a world with the people of the recording.
fn beginning(seed: u64) -> World {
    let mut world = World::new(seed);
    world.set_mode(Mode::Page);
    world.announce_recent_chats(false);
    world.contacts_per_page(3);
    world.add_special("filehelper", "文件传输助手");
    let (ada, bo) = (world.add_person("Ada"), world.add_person("Bo 😄"));
    world.add_official("News & co");
    world.add_person("Dee");
    world.add_stranger("Li");
    world.add_room("Readers", &[&ada, &bo]);
    world
}

/// Delivers the messages of the recording.
fn arrive(world: &mut World) {
    let named = |name: &str| world.contacts().iter().find(|found| found.nick_name == name).cloned();
    let (ada, li) = (named("Ada").expect("Ada").user_name, named("Li").expect("Li"));
    let time = std::time::Duration::from_secs;
    world.person_writes(&ada, "hello & 你好");
    for message in [
        Incoming::image(&ada, Bytes::new()),
        Incoming::voice(&ada, time(2), Bytes::new()),
        Incoming::video(&ada, time(3), Bytes::new()),
        Incoming::location(&ada, "Main St 1", "Café", (22.5, 113.9)),
        Incoming::file(&ada, "notes.txt", Bytes::from_static(b"notes\n")),
        Incoming::friend_request(&li, "it is Li"),
    ] {
        world.deliver(message);
    }
}

/// Replays the recording. Returns each request with the world before it.
pub(crate) fn replay(seed: u64) -> Vec<(World, Request<Bytes>)> {
    let mut world = beginning(seed);
    let mut live = Live::default();
    let mut steps = Vec::new();
    for entry in entries() {
        world.set_now(entry.at());
        let recorded = entry.response.content.text.as_deref().unwrap_or_default();
        match recorded {
            text if text.starts_with("window.code=201;") => world.phone().scan(),
            text if text.starts_with("window.code=200;") => world.phone().confirm(),
            text if text.contains("selector:\"2\"") => arrive(&mut world),
            _ => {}
        }
        let request = entry.request(&live);
        steps.push((world.clone(), request.clone()));
        let (Answer::Reply(reply) | Answer::Hold(reply)) = world.handle(&request);
        let violations = world.violations();
        assert_eq!(reply.status().as_u16(), entry.response.status, "{violations:#?} {request:?}");
        if entry.response.content.text.is_some() {
            live.learn(recorded, std::str::from_utf8(reply.body()).expect("text"));
        }
        learn_cookies(&mut live, &entry, &reply);
    }
    steps
}

fn learn_cookies(live: &mut Live, entry: &Entry, reply: &Response<Bytes>) {
    let is_set = |pair: &&Pair| pair.name.eq_ignore_ascii_case("set-cookie");
    let recorded: Vec<&Pair> = entry.response.headers.iter().filter(is_set).collect();
    let set = reply.headers().get_all("set-cookie").iter();
    let set: Vec<&str> = set.map(|value| value.to_str().expect("text")).collect();
    assert_eq!(recorded.len(), set.len(), "{set:?}");
    for (recorded, set) in recorded.iter().zip(set) {
        let value = |text: &str| text.split_once('=').expect("a value").1.to_owned();
        live.learn(&value(&recorded.value), &value(set));
    }
}

/// The parts of each entry that repeat others agree with them (HAR 1.2).
#[test]
fn recording_is_consistent() {
    let har: Har = serde_json::from_str(RECORDING).expect("a recording");
    assert_eq!(har.log.version, "1.2");
    for Entry { request, response, .. } in &har.log.entries {
        let (_, query) = request.url.split_once('?').unwrap_or_default();
        let query = query.split('&').filter(|one| !one.is_empty());
        let query = query.map(|one| one.split_once('=').unwrap_or((one, "")));
        let query: Vec<Pair> = query.map(|(name, value)| pair(name, &decode(value))).collect();
        assert_eq!(request.query_string, query, "{}", request.url);
        let header = |headers: &[Pair], name: &str| {
            let found = headers.iter().find(|of| of.name.eq_ignore_ascii_case(name));
            found.map(|of| of.value.clone()).unwrap_or_default()
        };
        let cookies = header(&request.headers, "cookie");
        let cookies = cookies.split("; ").filter_map(|of| of.split_once('='));
        let cookies: Vec<Pair> = cookies.map(|(name, value)| pair(name, value)).collect();
        assert_eq!(request.cookies, cookies, "{}", request.url);
        let body = request.post_data.as_ref();
        let length = body.and_then(|body| body.text.as_ref()).map_or(0, String::len);
        assert_eq!(request.body_size, length, "{}", request.url);
        assert_eq!(request.method == "POST", body.is_some());
        if let Some(body) = body {
            assert_eq!(body.mime_type, header(&request.headers, "content-type"));
        }
        let is_set = |of: &&Pair| of.name.eq_ignore_ascii_case("set-cookie");
        let set = response.headers.iter().filter(is_set);
        let set = set.filter_map(|of| of.value.split("; ").next()?.split_once('='));
        let set: Vec<Pair> = set.map(|(name, value)| pair(name, value)).collect();
        assert_eq!(response.cookies, set, "{}", request.url);
        // The page after a logout has two.
        let mut kinds = response.headers.iter().filter(|of| of.name == "Content-Type");
        assert!(kinds.any(|kind| kind.value == response.content.mime_type), "{}", request.url);
    }
}
