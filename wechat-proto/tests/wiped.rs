//! Threat S1: with the feature `zeroize`, no secret stays in memory once it is dropped.
//!
//! The process reads its own memory as a file, like a core dump, so that no `unsafe` is needed. Data
//! that the library cannot wipe is not checked: the bytes of requests and replies, and text owned by
//! the caller.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};

use wechat_proto::contact::Ticket;
use wechat_proto::entry::Extspam;
use wechat_proto::{Account, Device, Entry, Session};

/// Generates the bytes of a secret, which is not stored in the program.
fn bytes(number: u8) -> impl Iterator<Item = u8> {
    (0..48).map(move |at| b'a' + (at * 3 + number * 11 + at / 5) % 26)
}

fn secret(number: u8) -> String {
    // The text is allocated at full length, because a growing text would leave copies in memory.
    let mut text = String::with_capacity(48);
    text.extend(bytes(number).map(char::from));
    text
}

/// Counts the occurrences in memory of the inner part of a secret (an allocator overwrites the ends
/// first). The pattern is masked, so that it is not found itself.
fn found(number: u8) -> usize {
    const MASK: u8 = 0xaa;
    let inner: Vec<u8> = bytes(number).skip(24).take(20).map(|byte| byte ^ MASK).collect();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut chunk = vec![0; 1 << 16];
    let mut found = 0;
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut fields = line.split_ascii_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        if !rights.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let mut at = u64::from_str_radix(from, 16).unwrap();
        let end = u64::from_str_radix(to, 16).unwrap();
        while at < end {
            let length = usize::try_from(end - at).unwrap().min(chunk.len());
            memory.seek(SeekFrom::Start(at)).unwrap();
            if memory.read_exact(&mut chunk[..length]).is_err() {
                break;
            }
            let first = inner[0] ^ MASK;
            let starts = chunk[..length].iter().enumerate().filter(|(_, byte)| **byte == first);
            found += starts
                .filter(|(start, _)| {
                    let text = chunk[*start..length].iter().map(|byte| byte ^ MASK);
                    text.take(inner.len()).eq(inner.iter().copied())
                })
                .count();
            // Otherwise the copy would be found as well.
            chunk.fill(0);
            // Chunks overlap, so that matches across their boundary are found.
            at += length.saturating_sub(inner.len()).max(1) as u64;
            if at + inner.len() as u64 >= end {
                break;
            }
        }
    }
    found
}

fn wipe(text: String) {
    let mut bytes = text.into_bytes();
    bytes.fill(0);
    assert!(std::hint::black_box(bytes).iter().all(|byte| *byte == 0));
}

/// Makes a value from a secret, drops it, and checks that the secret is wiped.
fn dropped<T>(number: u8, make: impl FnOnce(&str) -> T) {
    let text = secret(number);
    let value = make(&text);
    wipe(text);
    assert!(found(number) > 0, "secret {number} is not in memory before the drop");
    drop(value);
    assert_eq!(found(number), 0, "secret {number}");
}

/// Returns a stored session with these secrets in its six places.
fn stored(secrets: [&str; 6]) -> String {
    let mut secrets = secrets.into_iter();
    let mut json = String::with_capacity(1 << 13);
    for part in STORED.split_inclusive("$SECRET") {
        json.push_str(part.trim_end_matches("$SECRET"));
        json.push_str(secrets.next().unwrap_or_default());
    }
    json
}

/// Returns a session with a secret in every place.
fn session(text: &str) -> Session {
    let json = stored([text; 6]);
    let session = Session::from_json(&json).unwrap();
    // Programs should wipe the stored text as well.
    wipe(json);
    session
}

const STORED: &str = r#"{"format":1,"device":{"entry":{"appid":"wx782c26e4c19acffb"},
"hosts":{"login":{"origin":"https://login.wx.qq.com","pinned":false},
"qr_code":{"origin":"https://login.weixin.qq.com","pinned":false},
"api":{"origin":"https://wx.qq.com","pinned":false},
"file":{"origin":"https://file.wx.qq.com","pinned":false},
"push":{"origin":"https://webpush.wx.qq.com","pinned":false},"single":false},
"lang":"zh_CN","user_agent":"Mozilla/5.0","jar":[
[{"domain":"qq.com","path":"/","name":"webwx_data_ticket"},
{"text":"$SECRET","shared":true,"secure":false,"expires":null}],
[{"domain":"wx.qq.com","path":"/","name":"wxsid"},
{"text":"$SECRET","shared":false,"secure":true,"expires":1476606172580}]],
"rng":[1,2,3,4],"ended":null},
"auth":{"uin":"$SECRET","sid":"$SECRET","skey":"$SECRET","pass_ticket":"$SECRET"},
"me":{"user_name":"@me","nick_name":"me","head_img_url":"","uin":1,"signature":"","sex":0},
"sync_key":[[1,1]],"sync_check_key":null,"taken":{"batch":[],"recent":[]},"chat_set":[],
"invite_start_count":40,"last_client_msg_id":1}"#;

#[test]
fn dropped_secrets_are_wiped() {
    // The search finds secrets that are not wiped.
    let plain = secret(0);
    assert!(found(0) > 0);
    wipe(plain);
    assert_eq!(found(0), 0);

    dropped(1, |text| text.parse::<Ticket>().unwrap());
    dropped(2, |text| {
        let entry = Entry::desktop("2.0.0".parse().unwrap(), text.parse::<Extspam>().unwrap());
        Device::new().with_entry(entry)
    });
    dropped(3, session);
    dropped(4, |text| Account::from(session(text)).session().clone());
    dropped(5, |text| session(text).into_device());
    // Secrets in refused values are wiped as well.
    dropped(6, |text| {
        let json = stored([text, text, text, text, text, "a b"]);
        assert!(Session::from_json(&json).is_err());
        wipe(json);
        session(text)
    });
}
