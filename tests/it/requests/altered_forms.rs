//! Forms with a file, each part altered in turn.

use bytes::Bytes;
use http::Request;

use crate::requests::altered_json::replace_json;
use crate::requests::altered_requests::{Altered, cookies, headers, methods, queries, with_body};

/// Splits a form into its separator and its parts.
fn split(request: &Request<Bytes>) -> (Vec<u8>, Vec<Vec<u8>>) {
    let kind = request.headers()["content-type"].to_str().unwrap();
    let (_, boundary) = kind.split_once("boundary=").unwrap();
    let separator = format!("--{boundary}\r\n").into_bytes();
    let mut parts = Vec::new();
    let mut rest = &request.body()[separator.len()..];
    while let Some(at) = find(rest, &separator) {
        parts.push(rest[..at].to_vec());
        rest = &rest[at + separator.len()..];
    }
    let end = format!("--{boundary}--\r\n").into_bytes();
    parts.push(rest.strip_suffix(&*end).unwrap().to_vec());
    (separator, parts)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn joined(request: &Request<Bytes>, separator: &[u8], parts: &[Vec<u8>]) -> Request<Bytes> {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(separator);
        body.extend_from_slice(part);
    }
    body.extend_from_slice(&separator[..separator.len() - 2]);
    body.extend_from_slice(b"--\r\n");
    with_body(request, body)
}

/// Splits a part into its head and its value.
fn halves(part: &[u8]) -> (&[u8], &[u8]) {
    let at = find(part, b"\r\n\r\n").unwrap();
    (&part[..at + 4], &part[at + 4..part.len() - 2])
}

fn name_of(part: &[u8]) -> String {
    let head = String::from_utf8_lossy(halves(part).0).into_owned();
    let (_, rest) = head.split_once("name=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// Returns a part with another value.
fn valued(part: &[u8], value: &[u8]) -> Vec<u8> {
    [halves(part).0, value, b"\r\n"].concat()
}

pub(crate) fn alter(request: &Request<Bytes>) -> Vec<Altered> {
    let mut all = Vec::new();
    methods(request, &mut all);
    queries(request, &mut all);
    headers(request, &mut all);
    cookies(request, &mut all);
    let (separator, parts) = split(request);
    assert!(joined(request, &separator, &parts).body() == request.body());
    for (index, part) in parts.iter().enumerate() {
        let name = name_of(part);
        let mut add = |what: &str, changed: Vec<Vec<u8>>| {
            let request = joined(request, &separator, &changed);
            all.push(Altered { part: format!("part {what} {name}"), request });
        };
        let with = |other: Vec<u8>| {
            let mut parts = parts.clone();
            parts[index] = other;
            parts
        };
        let (head, value) = halves(part);
        let mut dropped = parts.clone();
        dropped.remove(index);
        add("without", dropped);
        let mut twice = parts.clone();
        twice.insert(index, part.clone());
        add("twice", twice);
        add("with another", with(valued(part, &[value, b"x"].concat())));
        if value.len() > 1 {
            add("with less of", with(valued(part, &value[1..])));
        }
        let text = String::from_utf8(head.to_vec()).unwrap();
        let renamed = text.replacen("filename=\"", "filename=\"x", 1);
        if renamed != text {
            add("with another header of", with([renamed.as_bytes(), value, b"\r\n"].concat()));
        }
        let more = text.replacen("\r\n\r\n", "\r\nContent-Transfer-Encoding: binary\r\n\r\n", 1);
        add("with another header for", with([more.as_bytes(), value, b"\r\n"].concat()));
        if matches!(&*name, "uploadmediarequest" | "UploadMediaParallelRequest") {
            for (what, json) in replace_json(&name, value) {
                let request = joined(request, &separator, &with(valued(part, json.as_bytes())));
                all.push(Altered { part: format!("json {what}"), request });
            }
        }
    }
    all
}
