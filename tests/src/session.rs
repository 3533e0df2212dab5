//! A QR code that may become a session, and the session.

use std::collections::BTreeMap;

use crate::reply::{Node, Object};
use crate::rng::Rng;

/// How far a QR code has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    Shown,
    Scanned,
    Confirmed,
    Cancelled,
    Expired,
    Broken,
}

/// One QR code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) uuid: String,
    pub(crate) stage: Stage,
    /// Whether there is nothing to scan: the phone asks by itself.
    pub(crate) pushed: bool,
    /// Whether it was polled: the first poll has `tip=1`.
    pub(crate) polled: bool,
    /// Whether a poll told of the scan.
    pub(crate) told: bool,
    /// The query of the redirect, as it is handed out.
    pub(crate) redirect: String,
    /// When it was confirmed: the redirect lives for 300 seconds.
    pub(crate) confirmed: u64,
    pub(crate) redeemed: bool,
}

pub(crate) type Key = Vec<(i64, i64)>;

/// The keys that one answer handed out, and the first event that is new to whoever comes back with them.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) sync: Key,
    pub(crate) check: Key,
    pub(crate) position: usize,
    /// Handed out by `webwxinit`: four keys, and no others for checking.
    pub(crate) initial: bool,
}

/// What the account's login holds on the server.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) initialised: bool,
    /// Why it is over: 1100, 1101 or 1102.
    pub(crate) ended: Option<i64>,
    pub(crate) skey: String,
    /// The keys before the last refreshes, and the pairs whose use shows that each refresh arrived.
    pub(crate) skeys_before: Vec<(String, usize)>,
    pub(crate) refresh: Option<String>,
    /// The ids that were used, each with the request that used it.
    pub(crate) devices: BTreeMap<String, u64>,
    pub(crate) pairs: Vec<Pair>,
    /// The newest pair that the client has used: it must know everything up to there.
    pub(crate) proven: usize,
    /// The pair of the last answer that set cookies.
    pub(crate) cookies_pair: usize,
    /// Where each handed out `Seq` goes on.
    pub(crate) pages: BTreeMap<u64, usize>,
    pub(crate) last_client_id: u64,
    pub(crate) announced: bool,
    /// Seconds.
    pub(crate) since: u64,
    /// Seconds of the first `webwxsync`.
    pub(crate) first_sync: Option<u64>,
    /// Events before this one were handed out to a session before.
    pub(crate) start: usize,
}

/// Keys that were handed out more than this many answers ago are no longer taken.
const RECENT: usize = 200;

impl Session {
    pub(crate) fn new(skey: String, now: u64, start: usize) -> Self {
        Self {
            initialised: false,
            ended: None,
            skey,
            skeys_before: Vec::new(),
            refresh: None,
            devices: BTreeMap::new(),
            pairs: Vec::new(),
            proven: 0,
            cookies_pair: 0,
            pages: BTreeMap::new(),
            last_client_id: 0,
            announced: false,
            since: now / 1000,
            first_sync: None,
            start,
        }
    }

    /// The keys that a request may carry.
    pub(crate) fn skeys(&self, concurrent: bool) -> Vec<String> {
        let mut keys = vec![self.skey.clone()];
        for (before, pair) in self.skeys_before.iter().rev() {
            // Several answers may be lost, one after the other.
            if self.proven < *pair || concurrent && keys.len() == 1 {
                keys.push(before.clone());
            }
        }
        keys
    }

    pub(crate) fn by_sync_key(&self, key: &Key) -> Option<usize> {
        let found = self.pairs.iter().rposition(|pair| pair.sync == *key)?;
        (found + RECENT >= self.pairs.len()).then_some(found)
    }

    /// The pair whose key `synccheck` carries, written `1_2|3_4`.
    pub(crate) fn by_check_key(&self, text: &str) -> Option<usize> {
        if text.is_empty() {
            return None;
        }
        self.pairs.iter().rposition(|pair| joined(&pair.check) == text)
    }

    /// The keys of a new answer. With `webwxinit` there are four; from the first `webwxsync` on eight.
    pub(crate) fn hand_out(
        &mut self,
        rng: &mut Rng,
        now: u64,
        position: usize,
        initial: bool,
    ) -> &Pair {
        let seconds = (now / 1000) as i64;
        let base = match self.pairs.last() {
            None => rng.between(640_000_000, 660_000_000) as i64,
            Some(last) => last.sync[0].1,
        };
        let news =
            self.pairs.last().map_or(base + 145, |last| last.sync[1].1 + rng.between(1, 5) as i64);
        let since = self.since as i64;
        let mut sync = vec![(1, base), (2, news), (3, base + 80)];
        if !initial {
            sync.extend([(11, base + 141), (201, seconds), (203, seconds - 1310)]);
        }
        sync.push((1000, since - 1780));
        let mut check = sync.clone();
        if !initial {
            sync.push((1001, since - 1711));
            check.push((1001, since - 1711));
            // What has been told of is newer than what has been fetched.
            check[1].1 += 1;
            check[5].1 += 7;
        }
        let pair = Pair { sync, check, position, initial };
        self.pairs.push(pair);
        &self.pairs[self.pairs.len() - 1]
    }
}

/// `Key_Val|Key_Val`.
pub(crate) fn joined(key: &Key) -> String {
    let pairs: Vec<String> = key.iter().map(|(key, val)| format!("{key}_{val}")).collect();
    pairs.join("|")
}

/// `{Count, List: [{Key, Val}]}`.
pub(crate) fn key_record(key: &Key) -> Object {
    let list: Vec<Node> = key
        .iter()
        .map(|&(key, val)| Object::new().with("Key", key).with("Val", val).into())
        .collect();
    Object::new().with("Count", list.len()).with("List", list)
}
