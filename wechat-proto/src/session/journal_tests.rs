use alloc::string::ToString as _;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::error::Ret;
use crate::session::acks::tests::receive;
use crate::session::tests::{filled, without_generator};
use crate::testing::NOW;

const BASE: &str = include_str!("samples/session-3.json");
const LINES: &str = include_str!("samples/session-3.journal");

/// Returns a base and its lines: those of the sample.
fn sampled() -> (String, String, Vec<Session>) {
    let mut session = filled();
    let (mut journal, base) = Journal::new(&session.snapshot());
    let (mut lines, mut saved) = (String::new(), Vec::from([session.clone()]));
    for number in 2..5 {
        let id = number.to_string();
        let messages = receive(&mut session, number, &[&id]);
        session.acknowledge(&messages[0]);
        session.next_client_msg_id(NOW);
        if number == 4 {
            session.device.close(Ret::SESSION_INVALID, NOW);
        }
        lines += &journal.append(&session.snapshot());
        saved.push(session.clone());
    }
    (base, lines, saved)
}

fn is_same(read: Result<Session, Error>, expected: &Session) -> bool {
    without_generator(read.unwrap()) == without_generator(expected.clone())
}

fn is_damaged(read: &Result<Session, Error>) -> bool {
    matches!(read, Err(Error::Storage(failure)) if failure.kind == StorageKind::Damaged)
}

/// The written text equals the sample. If this fails, the storage format has changed: add a sample,
/// and use a new format number if older versions would misread it.
///
/// Threat S2.
#[test]
fn the_written_journal_is_the_sample() {
    let (base, lines, saved) = sampled();
    assert_eq!(base, BASE.trim_end());
    assert_eq!(lines, LINES);
    assert!(is_same(Journal::read(BASE, LINES.as_bytes()), &saved[3]));
    // The base alone is the session at its time.
    assert!(is_same(Session::from_json(&base), &saved[0]));
    assert!(is_same(Journal::read(&base, b""), &saved[0]));
}

/// Threat S2.
#[test]
fn an_incomplete_last_line_is_ignored() {
    let (base, lines, saved) = sampled();
    for cut in 0..=lines.len() {
        // The first line is the base's.
        let whole = lines[..cut].matches('\n').count().saturating_sub(1);
        assert!(is_same(Journal::read(&base, &lines.as_bytes()[..cut]), &saved[whole]), "{cut}");
    }
    // A part of the last line is not on the disk.
    let before = lines.trim_end().rfind('\n').unwrap() + 1;
    for from in [before, before + 20] {
        let mut bytes = Vec::from(lines.as_str());
        bytes[from..from + 9].fill(0);
        assert!(is_same(Journal::read(&base, &bytes), &saved[2]), "{from}");
        bytes.extend(b"\n");
        assert!(is_damaged(&Journal::read(&base, &bytes)), "{from}");
    }
}

/// Threat S2.
#[test]
fn damaged_lines_are_refused() {
    let (base, lines, saved) = sampled();
    let last = lines.trim_end().rfind('\n').unwrap();
    for at in 0..lines.len() {
        for with in [b'0', b'"', b'\n', 0xff, 0, lines.as_bytes()[at] ^ 1] {
            let mut bytes = Vec::from(lines.as_str());
            if core::mem::replace(&mut bytes[at], with) == with {
                continue;
            }
            let read = Journal::read(&base, &bytes);
            // Indistinguishable from an incomplete line. The line break before the last line, as a
            // zero byte, joins two.
            let is_cut = at >= last && (with == 0 || at + 1 == lines.len());
            let before = &saved[if at == last { 1 } else { 2 }];
            assert!(if is_cut { is_same(read, before) } else { is_damaged(&read) }, "{at} {with}");
        }
    }
    let each: Vec<&str> = lines.split_inclusive('\n').collect();
    for order in [&[0, 2, 1, 3][..], &[0, 1, 3], &[0, 1, 1, 2], &[1, 2], &[0, 0]] {
        let lines: String = order.iter().map(|line| each[*line]).collect();
        assert!(is_damaged(&Journal::read(&base, lines.as_bytes())), "{order:?}");
    }
    // A damaged or newer base.
    assert!(is_damaged(&Journal::read(&base.replacen("@09ed9af3", "@09ed9af4", 1), b"")));
    let newer = base.replacen("\"format\":3", "\"format\":4", 1);
    let newer = Journal::read(&newer, lines.as_bytes());
    assert!(matches!(newer, Err(Error::Storage(failure)) if failure.kind == StorageKind::Newer));
}

/// A line with a valid checksum may have any content.
///
/// Threat S1. Threat S2.
#[test]
fn errors_do_not_quote_a_malformed_change() {
    let (base, ..) = sampled();
    for change in [
        "", "1", "[]", "[1]", "{\"auth\":[\"@crypt\"]}", "{\"taken\":{\"recent\":[9,1,[]]}}",
        "{\"later\":1}",
    ] {
        let lines = with_changes(&base, [change].into_iter());
        let read = Journal::read(&base, lines.as_bytes());
        assert!(is_damaged(&read), "{change}");
        assert!(!format!("{:?}", read.unwrap_err()).contains("crypt"));
    }
    // Unknown fields are ignored.
    let lines = with_changes(&base, ["{\"later\":[1]}"].into_iter());
    assert!(Journal::read(&base, lines.as_bytes()).is_ok());
}

/// A loss of power may undo the removal of the lines of an earlier base.
///
/// Threat S2.
#[test]
fn lines_of_another_base_are_ignored() {
    let (_, lines, mut saved) = sampled();
    let session = saved[3].snapshot();
    assert!(is_same(Journal::read(&Journal::new(&session).1, lines.as_bytes()), &session));
    assert!(is_same(Journal::read(&session.to_json(), lines.as_bytes()), &session));
    assert!(is_same(Journal::read(&serde_json::to_string(&session).unwrap(), b"x"), &session));
}

/// The line of a message has its id and the fields that changed.
///
/// Threat W4.
#[test]
fn lines_are_short() {
    let mut session = filled();
    let mut journal = None;
    for number in 2..1_000 {
        let ids = [(); 2].map(|()| format!("84104193331{:08}", number * 7_919));
        let messages = receive(&mut session, number, &[&ids[0], &ids[1][1..]]);
        for message in messages {
            session.acknowledge(&message);
            let copy = session.snapshot();
            let journal = journal.get_or_insert_with(|| Journal::new(&copy).0);
            journal.append(&session);
            let line = journal.append(&copy);
            assert!(line.len() < 300 || number == 2, "{number}: {line}");
        }
    }
    assert_eq!(journal.unwrap().append(&session).lines().count(), 0);
}

proptest! {
    /// Every save is read back, in any order of acknowledgements.
    #[test]
    fn every_save_is_read_back(
        steps in prop::collection::vec((0..6_usize, any::<prop::sample::Index>()), 1..20),
        large in 1..700_usize,
    ) {
        let mut session = filled();
        let (mut journal, base) = Journal::new(&session);
        let (mut lines, mut received, mut pending) = (String::new(), 100, Vec::new());
        for (number, (step, index)) in steps.into_iter().enumerate() {
            match step {
                0 | 1 => {
                    let count = if step == 0 { 3 } else { large };
                    let ids: Vec<_> = (0..count).map(|n| (received + n).to_string()).collect();
                    received += count;
                    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
                    pending.extend(receive(&mut session, number + 2, &ids));
                }
                2 | 3 if !pending.is_empty() => {
                    let count = if step == 2 { 1 } else { pending.len() / 2 };
                    for _ in 0..count {
                        session.acknowledge(&pending.swap_remove(index.index(pending.len())));
                    }
                }
                4 => {
                    session.rewind();
                    pending.clear();
                }
                5 => session.device.reopen(),
                _ => {}
            }
            lines += &journal.append(&session.snapshot());
            prop_assert!(is_same(Journal::read(&base, lines.as_bytes()), &session));
        }
    }
}
