//! What the simulator says in a day of everything, as inputs of the fuzzers.
//!
//! `fuzz/seed.sh` has them written, into the folder that the variable `FUZZ_SEEDS` names, and keeps
//! those that reach something new.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use wechat_proto::fuzz;

use crate::wire::memory::{Told, Transcript};
use crate::{
    directory, downloads, entries, forwarding, kinds, odds, rooms, secrets, sending, story,
    systems, trouble, uploads,
};

/// Longer inputs make a fuzzer slow, and say nothing that shorter ones do not.
const LONGEST: usize = 24 << 10;

/// The targets that play a flow, and the flow's type.
const FLOWS: [(&str, &str); 6] = [
    ("login", "::Login"),
    ("contacts", "::LoadContacts"),
    ("inbox", "::Inbox"),
    ("fetch", "::RetryEmpty"),
    ("room", "::AddMembers"),
    ("upload", "::Upload"),
];

/// The inputs, each once: target and name of the entry, then the bytes.
type Seeds = BTreeSet<(&'static str, &'static str, Vec<u8>)>;

/// The head of a download, as the entries read it.
fn head(told: &Told) -> Vec<u8> {
    let mut lines = Vec::new();
    for name in [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE] {
        lines.extend_from_slice(
            told.reply.headers().get(name).map_or(b"", |value| value.as_bytes()),
        );
        lines.push(b'\n');
    }
    lines.extend_from_slice(told.reply.status().as_str().as_bytes());
    lines
}

/// A reply as the step of a script.
fn step(told: &Told) -> Vec<u8> {
    if told.head {
        return [b"h", head(told).as_slice()].concat();
    }
    let kind = match told.reply.status().as_u16() {
        200 => b"o",
        301 => b"m",
        _ => b"s",
    };
    // A zero byte would end the step.
    let body = told.reply.body().iter().map(|byte| if *byte == 0 { b'0' } else { *byte });
    kind.iter().copied().chain(body).collect()
}

fn seeds(transcripts: &[Transcript]) -> Seeds {
    let mut seeds = Seeds::new();
    for transcript in transcripts {
        for told in &transcript.told {
            let entries = fuzz::ENDPOINTS;
            let found = entries.iter().position(|(name, _)| *name == told.endpoint);
            let index = found.unwrap_or_else(|| panic!("{} has no entry", told.endpoint));
            let mut bytes = vec![u8::try_from(index).unwrap()];
            match told.head {
                true => bytes.extend(head(told)),
                false => bytes.extend_from_slice(told.reply.body()),
            }
            seeds.insert(("endpoints", entries[index].0, bytes));
        }
        let name = transcript.flow.split('<').next().unwrap_or_default();
        if let Some((target, _)) = FLOWS.iter().find(|(_, flow)| name.ends_with(flow)) {
            let mut steps: Vec<Vec<u8>> = transcript.told.iter().map(step).collect();
            let length = |steps: &[Vec<u8>]| steps.iter().map(|step| step.len() + 1).sum::<usize>();
            while length(&steps) > LONGEST && steps.len() > 1 {
                steps.pop();
            }
            let mut bytes = steps.join(&0);
            if *target == "upload" {
                // How long the file is.
                bytes.insert(0, b'0');
            }
            seeds.insert((target, "flow", bytes));
        }
    }
    seeds.retain(|(_, _, bytes)| bytes.len() <= LONGEST);
    seeds
}

fn everything() {
    story::asked();
    trouble::asked();
    entries::asked();
    odds::asked();
    sending::asked();
    forwarding::asked();
    rooms::asked();
    downloads::asked();
    uploads::asked();
    secrets::asked();
    systems::asked();
    directory::asked();
    kinds::asked();
}

/// Writes them, if that is asked for; else those of one day, for their entries to take.
#[test]
fn every_reply_is_an_input() {
    let folder = env::var_os("FUZZ_SEEDS");
    let day = || {
        story::asked();
        rooms::asked();
    };
    let told = || Transcript::of(if folder.is_some() { everything } else { day });
    let seeds = seeds(&told());
    assert!(seeds == self::seeds(&told()), "another day, other replies");
    let mut numbers = BTreeMap::new();
    for (target, entry, bytes) in &seeds {
        fuzz::run(target, bytes);
        let number = numbers.entry((target, entry)).or_insert(0);
        *number += 1;
        if let Some(folder) = &folder {
            let folder = Path::new(folder).join(target);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{entry}-day-{number:03}")), bytes).unwrap();
        }
    }
    for target in ["endpoints", "login", "contacts", "inbox", "room"] {
        assert!(numbers.keys().any(|(known, _)| **known == target), "nothing for {target}");
    }
}
