//! The corpora: messages (`corpus/messages`), records of contacts (`corpus/contacts`), and whole
//! replies of the other endpoints (`corpus/replies`), one in a file.
//!
//! All of them are invented, after `docs/protocol.md` and `docs/shapes.md`. The name of a file
//! describes its content and ends with the ids of the lines of `docs/shapes.md` that it covers. The
//! name of a reply begins with its endpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;

use wechat_fuzz::{Make, Row, Visitor, account, endpoints};
use wechat_proto::contact::Contact;
use wechat_proto::flow::Response;
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Account, Endpoint};

use crate::files::corpus;
use crate::reply;

/// Returns the ids of the lines of `docs/shapes.md`.
fn lines() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../../docs/shapes.md").lines().filter(|line| line.starts_with("| S"));
    lines.map(|line| line.trim_start_matches("| ").split(' ').next().unwrap())
}

/// Returns the ids of the lines that a file covers, from its name.
fn lines_of(name: &str) -> impl Iterator<Item = &str> {
    let is_line =
        |part: &&str| part.strip_prefix('S').is_some_and(|rest| rest.parse::<u32>().is_ok());
    name.split('-').filter(is_line)
}

/// Parses a reply from a file: a status line, headers, an empty line, a body.
fn response(file: &[u8]) -> Response {
    let split = file.windows(2).position(|two| two == b"\n\n").unwrap();
    let head = std::str::from_utf8(&file[..split]).unwrap();
    let mut lines = head.lines();
    let mut reply = Response::new(Bytes::copy_from_slice(&file[split + 2..]));
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    *reply.status_mut() = status.parse().unwrap();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        reply.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    reply
}

/// Parses a reply with the first endpoint of this name and returns the result as text.
fn read(endpoint: &str, reply: &Response) -> String {
    struct Read<'a> {
        endpoint: &'a str,
        reply: &'a Response,
        shown: Option<String>,
    }
    impl Visitor for Read<'_> {
        fn visit<E>(&mut self, row: Row, make: Make<E>)
        where
            E: Endpoint + 'static,
            E::Output: Debug,
            Account: AsMut<E::State>,
        {
            if row.name == self.endpoint && self.shown.is_none() {
                self.shown = Some(match make.value(&mut account()).parse(self.reply) {
                    Ok(value) => format!("{value:#?}"),
                    Err(error) => format!("error: {error}\n{error:?}"),
                });
            }
        }
    }
    let mut read = Read { endpoint, reply, shown: None };
    endpoints(&mut read);
    read.shown.unwrap_or_else(|| panic!("unknown endpoint {endpoint}"))
}

#[test]
fn replies_match_their_snapshot() {
    let mut text = String::new();
    for (name, file) in corpus("replies") {
        let endpoint = name.split('-').next().unwrap();
        let read = read(endpoint, &response(&file));
        // Debug output must not contain secrets.
        for secret in
            ["9c1e5b7a2d4f6081", "q8Zt1VbN4mXc7LpR", "Wm8", "A7xR2pQd9Lk", "77fec3e104e41c7d"]
        {
            assert!(!read.contains(secret), "{name}: {read}");
        }
        text += &format!("# {name}\n{read}\n\n");
    }
    insta::assert_snapshot!("replies", text.trim_end());
}

/// Each line of `docs/shapes.md` has at least one file, and no file names an unknown line.
#[test]
fn every_line_of_the_shapes_has_a_file() {
    let mut files: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for line in lines() {
        files.insert(line[1..].parse().unwrap(), BTreeSet::new());
    }
    assert_eq!(files.len(), 64);
    let mut count = 0;
    for folder in ["messages", "contacts", "replies"] {
        for name in corpus(folder).into_keys() {
            for line in lines_of(&name) {
                let stands_for = files.get_mut(&line[1..].parse().unwrap());
                stands_for.unwrap_or_else(|| panic!("{name}")).insert(format!("{folder}/{name}"));
            }
            count += 1;
        }
    }
    assert!(count >= 300, "{count}");
    let mut text = String::new();
    for (line, files) in files {
        assert!(!files.is_empty(), "no file covers S{line}");
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        text += &format!("S{line}\n  {}\n", files.join("\n  "));
    }
    insta::assert_snapshot!("shapes", text);
}

/// Collects the places of a serialized value, each with the types of its values.
fn places(name: &str, value: &Value, places: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let types = places.entry(name.to_string()).or_default();
    types.insert(match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    });
    match value {
        Value::Array(list) => {
            list.iter().for_each(|value| self::places(&format!("{name}[]"), value, places));
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                self::places(&format!("{name}.{field}"), value, places);
            }
        }
        _ => {}
    }
}

/// Groups of places with the same type. A value found at one of them may occur at all of them.
const SHARED: [&[&str]; 3] = [
    &[
        "message.kind.card.info", "message.kind.friend_request.info",
        "message.kind.possible_friend.info",
    ],
    &["message.kind.app.content.articles[]", "message.kind.news.articles[]"],
    &[
        "message.kind.system.event", "message.kind.sys_msg.other.event",
        "message.kind.sys_msg.template.event",
    ],
];

/// Adds to each place the types found at other places of its group.
fn share(places: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    for group in SHARED {
        for from in group {
            for (place, types) in places.clone() {
                let Some(inner) = place.strip_prefix(from) else { continue };
                for to in group {
                    places.entry(format!("{to}{inner}")).or_default().extend(&types);
                }
            }
        }
    }
    // A person in an event is this account or a name.
    let person = |place: &&String| {
        let (event, name) = place.rsplit_once('.').unwrap_or_default();
        let people = ["by", "of", "owner", "whom", "who[]", "others[]"].contains(&name);
        event.contains(".event.") && people || *place == "message.kind.revoked.by"
    };
    let people: Vec<String> = places.keys().filter(person).cloned().collect();
    for place in people {
        places.entry(format!("{place}.named")).or_default().insert("string");
        places.entry(place).or_default().extend(["object", "string"]);
    }
}

/// `docs/json.md` lists the serialized form of the corpora, place by place. New places must be
/// added there; removed places break bridges and require a new version.
#[test]
fn json_page_matches_the_corpora() {
    let page = include_str!("../../docs/json.md");
    let mut blocks =
        page.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap());
    let mut lists = ["message", "contact"].map(|what| {
        let mut found = BTreeMap::new();
        for value in serialized(what) {
            places(what, &value, &mut found);
        }
        if what == "message" {
            share(&mut found);
        }
        // Parents sort before their children: no character of a name is below `.` or `[`.
        let lines = found.into_iter().map(|(place, types)| {
            let types: Vec<_> = types.into_iter().collect();
            let (parents, name) = match place.strip_suffix("[]") {
                Some(list) => (list, "[]"),
                None => place.rsplit_once('.').unwrap_or(("", &place)),
            };
            let depth =
                if parents.is_empty() { 0 } else { 1 + parents.matches(['.', '[']).count() };
            format!("{:depth$}{name}: {}\n", "", types.join(" or "), depth = 2 * depth)
        });
        lines.collect::<String>()
    });
    for (what, list) in ["message", "contact"].into_iter().zip(&mut lists) {
        let block = blocks.next().unwrap_or_default();
        assert_eq!(block, list, "the list of a {what} in docs/json.md; it should be\n\n{list}");
    }
}

/// Returns the serialized messages or contacts of the corpora.
fn serialized(what: &str) -> Vec<Value> {
    let records = corpus(&format!("{what}s")).into_values();
    let records: Vec<_> =
        records.map(|record| String::from_utf8_lossy(&record).into_owned()).collect();
    if what == "message" {
        let body =
            format!("{{\"BaseResponse\":{{\"Ret\":0}},\"AddMsgList\":[{}]}}", records.join(","));
        let batch = FetchBatch::new().parse(&reply(&body)).unwrap();
        let messages = batch.messages(&"@09ed9af3".parse().unwrap());
        messages.iter().map(|message| serde_json::to_value(message).unwrap()).collect()
    } else {
        let contacts = records.iter().filter_map(|record| Contact::from_json(record).ok());
        contacts.map(|contact| serde_json::to_value(contact).unwrap()).collect()
    }
}
