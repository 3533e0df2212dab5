//! Rounds of interleaved measurements, and the comparison of their times and bytes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use serde_json::Value;

use crate::shared::Result;

const SEED: u64 = 18;

/// The results of one variant, one of each round.
#[derive(Default)]
pub(crate) struct Sample {
    /// CPU times, in microseconds.
    times: Vec<f64>,
    /// The counts of the server.
    pub(crate) totals: Vec<Value>,
}

impl Sample {
    /// Returns the times, each multiplied by a factor.
    pub(crate) fn times(&self, factor: f64) -> String {
        spread(self.times.iter().map(|time| time * factor), 1)
    }

    /// Returns the ratios of the rounds.
    pub(crate) fn ratio(&self, base: &Self) -> String {
        spread(self.times.iter().zip(&base.times).map(|(time, base)| time / base), 2)
    }
}

/// Returns the median, with the minimum and the maximum.
fn spread(values: impl Iterator<Item = f64>, digits: usize) -> String {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let (least, median, most) = (values[0], values[values.len() / 2], values[values.len() - 1]);
    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
}

/// Runs each variant once in each round, in shuffled order.
pub(crate) fn interleave(
    rounds: usize,
    variants: usize,
    mut run: impl FnMut(usize) -> Result<(Duration, Value)>,
) -> Result<Vec<Sample>> {
    let mut samples: Vec<_> = (0..variants).map(|_| Sample::default()).collect();
    for round in 0..rounds {
        let mut order: Vec<_> = (0..variants).collect();
        order.sort_by_cached_key(|variant| {
            let mut hasher = DefaultHasher::new();
            (SEED, round, variant).hash(&mut hasher);
            hasher.finish()
        });
        for variant in order {
            let (time, totals) = run(variant)?;
            samples[variant].times.push(time.as_secs_f64() * 1e6);
            samples[variant].totals.push(totals);
        }
    }
    Ok(samples)
}

/// Compares the counts of a client with those of its HTTP library: the numbers of requests and of
/// bytes in both directions, and the last request to each endpoint.
///
/// Numbers in requests have the same length, but not the same digits: times, random device ids,
/// message ids, keys. The order of headers and the case of their names depend on the HTTP library.
pub(crate) fn equal(ours: &Value, bare: &Value) -> Result<()> {
    let (ours, bare) = (comparable(ours), comparable(bare));
    match ours.iter().zip(&bare).find(|(ours, bare)| ours != bare) {
        Some((ours, bare)) => Err(format!("{ours:#?} instead of {bare:#?}").into()),
        None if ours.len() != bare.len() => Err("requests to other endpoints".into()),
        None => Ok(()),
    }
}

/// Returns the counts and the lines of the last request of each endpoint.
fn comparable(totals: &Value) -> Vec<(String, [Value; 3], Vec<String>)> {
    let totals = totals.as_object().into_iter().flatten();
    let comparable = totals.map(|(name, total)| {
        let last = total["last"].as_str().unwrap_or_default();
        let last = last.replace(|c: char| c.is_ascii_digit(), "0");
        let (head, body) = last.split_once("\r\n\r\n").unwrap_or_default();
        let lines = head.split("\r\n").map(|line| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
            None => line.to_owned(),
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort();
        lines.push(body.to_owned());
        (name.clone(), ["requests", "received", "sent"].map(|key| total[key].clone()), lines)
    });
    comparable.collect()
}
