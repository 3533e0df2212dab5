//! Fuzzing inputs from the simulator's responses in all scenarios.
//!
//! `fuzz/seed.sh` writes them into the folder named by `FUZZ_SEEDS` and keeps those that increase
//! coverage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use wechat_fuzz as fuzz;

use crate::requests::endpoints::SCENARIOS;
use crate::wire::memory::{Response, Transcript};

/// The maximum length of an input: longer ones slow a fuzzer down without adding coverage.
const LONGEST: usize = 24 << 10;

/// The targets that drive a flow, and the flow's type.
const FLOWS: [(&str, &str); 6] = [
    ("login", "::Login"),
    ("contacts", "::LoadContacts"),
    ("inbox", "::Events"),
    ("fetch", "::RetryEmpty"),
    ("room", "::AddMembers"),
    ("upload", "::Upload"),
];

/// The distinct inputs: target, entry name and bytes.
type Seeds = BTreeSet<(&'static str, &'static str, Vec<u8>)>;

/// Encodes the head of a download for an entry.
fn head(response: &Response) -> Vec<u8> {
    let mut lines = Vec::new();
    for name in [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE] {
        lines.extend_from_slice(
            response.reply.headers().get(name).map_or(b"", |value| value.as_bytes()),
        );
        lines.push(b'\n');
    }
    lines.extend_from_slice(response.reply.status().as_str().as_bytes());
    lines
}

/// Encodes a response as a step of a script.
fn step(response: &Response) -> Vec<u8> {
    if response.head {
        return [b"h", head(response).as_slice()].concat();
    }
    let kind = match response.reply.status().as_u16() {
        200 => b"o",
        301 => b"m",
        _ => b"s",
    };
    // A zero byte would end the step.
    let body = response.reply.body().iter().map(|byte| if *byte == 0 { b'0' } else { *byte });
    kind.iter().copied().chain(body).collect()
}

fn seeds(transcripts: &[Transcript]) -> Seeds {
    let mut seeds = Seeds::new();
    for transcript in transcripts {
        for response in &transcript.responses {
            let entries = fuzz::ENDPOINTS;
            let found = entries.iter().position(|(name, _)| *name == response.endpoint);
            let index = found.unwrap_or_else(|| panic!("{} has no fuzz entry", response.endpoint));
            let mut bytes = vec![u8::try_from(index).unwrap()];
            match response.head {
                true => bytes.extend(head(response)),
                false => bytes.extend_from_slice(response.reply.body()),
            }
            seeds.insert(("endpoints", entries[index].0, bytes));
        }
        let name = transcript.flow.split('<').next().unwrap_or_default();
        if let Some((target, _)) = FLOWS.iter().find(|(_, flow)| name.ends_with(flow)) {
            let mut steps: Vec<Vec<u8>> = transcript.responses.iter().map(step).collect();
            let length = |steps: &[Vec<u8>]| steps.iter().map(|step| step.len() + 1).sum::<usize>();
            while length(&steps) > LONGEST && steps.len() > 1 {
                steps.pop();
            }
            let mut bytes = steps.join(&0);
            if *target == "upload" {
                // The first byte is the length of the file.
                bytes.insert(0, b'0');
            }
            seeds.insert((target, "flow", bytes));
        }
    }
    seeds.retain(|(_, _, bytes)| bytes.len() <= LONGEST);
    seeds
}

/// Writes all inputs if `FUZZ_SEEDS` is set; otherwise runs those of two scenarios.
#[test]
fn responses_are_valid_fuzz_inputs() {
    let folder = env::var_os("FUZZ_SEEDS");
    // The first scenarios are the main one and that of rooms.
    let count = if folder.is_some() { SCENARIOS.len() } else { 2 };
    let run = || SCENARIOS[..count].iter().for_each(|scenario| drop(scenario()));
    let transcripts = || Transcript::of(run);
    let seeds = seeds(&transcripts());
    assert!(seeds == self::seeds(&transcripts()), "responses differ between two runs");
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
        assert!(numbers.keys().any(|(known, _)| **known == target), "no input for {target}");
    }
}
