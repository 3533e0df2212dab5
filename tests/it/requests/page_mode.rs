//! Tests that Tencent's page in a browser has no violations in [`Mode::Page`](wechat_simulator::Mode),
//! and that every altered request has some.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use wechat_simulator::{Answer, World};

use crate::requests::altered_forms;
use crate::requests::altered_requests::{Altered, alter, names, violations};
use crate::requests::recording::replay;

/// The alterations of headers and cookies that are not read.
const ANY: &[&str] = &["without", "another", "repeated"];

/// Headers and cookies that may be altered, with the paragraph of docs/protocol.md.
const FREE: [(&str, &[&str], &str); 14] = [
    ("accept-language", &["another"], "§1.3"),
    ("connection", &["without"], "§1.3"),
    ("dnt", ANY, "§1.3"),
    ("sec-ch-ua", ANY, "§1.3"),
    ("sec-ch-ua-mobile", ANY, "§1.3"),
    ("sec-ch-ua-platform", ANY, "§1.3"),
    ("sec-fetch-dest", ANY, "§1.3"),
    ("sec-fetch-mode", ANY, "§1.3"),
    ("sec-fetch-site", ANY, "§1.3"),
    ("upgrade-insecure-requests", ANY, "§1.3"),
    ("MM_WX_NOTIFY_STATE", ANY, "§1.7"),
    ("MM_WX_SOUND_STATE", ANY, "§1.7"),
    ("last_wxuin", ANY, "§1.7"),
    ("login_frequency", ANY, "§1.7"),
];

/// Returns whether the service refuses a request that has no violation, such as one with a wrong ticket.
fn is_refused(world: &World, request: &Request<Bytes>) -> bool {
    let (Answer::Reply(reply) | Answer::Hold(reply)) = world.clone().handle(request);
    let reply: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    reply.pointer("/BaseResponse/Ret").is_some_and(|ret| *ret != 0)
}

#[test]
fn recorded_page_has_no_violations() {
    // The ids of a world differ from the recorded ones.
    for seed in [2023, 1] {
        let steps = replay(seed);
        assert!(steps.len() > 50);
        for (world, request) in steps {
            assert_eq!(violations(&world, &request), Vec::<String>::new(), "{request:?}");
        }
    }
}

/// Every altered part is named by a violation, or is listed as free.
#[test]
fn every_part_of_a_recorded_request_is_checked() {
    let (mut free, mut unlisted) = (BTreeSet::new(), BTreeSet::new());
    for (world, request) in replay(2023) {
        let kind = request.headers().get("content-type").map_or(&b""[..], |kind| kind.as_bytes());
        let alter = if kind.starts_with(b"multipart/") { altered_forms::alter } else { alter };
        for Altered { part, request } in alter(&request) {
            let (what, name) = part.rsplit_once(' ').unwrap();
            let found = violations(&world, &request);
            if found.iter().any(|found| names(found, name)) || is_refused(&world, &request) {
                continue;
            }
            let listed = FREE.iter().find(|(free, ..)| *free == name);
            let how = listed.and_then(|(_, how, _)| how.iter().find(|how| what.ends_with(**how)));
            match (listed, how) {
                (Some((name, ..)), Some(how)) => drop(free.insert((*name, *how))),
                _ => drop(unlisted.insert(format!("{}: {part}", request.uri().path()))),
            }
        }
    }
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    let protocol = include_str!("../../../wechat-proto/docs/protocol.md");
    for (name, how, source) in FREE {
        for what in how {
            assert!(free.contains(&(name, *what)), "{what} {name} is found");
        }
        let title =
            |line: &str| line.trim_start_matches('#').trim_start().starts_with(&source[2..]);
        let lines = protocol.lines().skip_while(|line| !(line.starts_with('#') && title(line)));
        let paragraph: Vec<&str> =
            lines.skip(1).take_while(|line| !line.starts_with('#')).collect();
        let text = paragraph.join("\n").to_ascii_lowercase();
        let stem = name.to_ascii_lowercase();
        let stem = stem.split_once("sec-fetch-").map_or(&*stem, |_| "sec-fetch-");
        let stem = stem.split_once("sec-ch-ua").map_or(stem, |_| "sec-ch-ua");
        assert!(text.contains(stem), "{source} does not mention {name}");
    }
}
