//! QR codes and sessions.

pub(crate) mod account;
pub(crate) mod jar;

use std::collections::BTreeMap;

use crate::rng::Rng;
use crate::wire::reply::{Node, Object};

/// The stage of a QR code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Stage {
    #[default]
    Shown,
    Scanned,
    Confirmed,
    Cancelled,
    Expired,
    Broken,
}

/// One QR code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    pub(crate) uuid: String,
    pub(crate) stage: Stage,
    /// Whether it is a push login: the phone asks for confirmation without a scan.
    pub(crate) pushed: bool,
    /// Whether it was polled: the first poll has `tip=1`.
    pub(crate) polled: bool,
    /// Whether a poll has reported the scan.
    pub(crate) scan_reported: bool,
    /// The query of the redirect.
    pub(crate) redirect: String,
    /// The time of the confirmation. The redirect is valid for 300 seconds after it.
    pub(crate) confirmed: u64,
    pub(crate) redeemed: bool,
}

impl Code {
    /// Returns the content of the QR code with a `uuid`.
    pub(crate) fn url(uuid: &str) -> String {
        format!("https://login.weixin.qq.com/l/{uuid}")
    }
}

pub(crate) type Key = Vec<(i64, i64)>;

/// The keys of one answer, and the first event that is new to a client with these keys.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) sync: Key,
    pub(crate) check: Key,
    pub(crate) position: usize,
    /// Whether it is from `webwxinit`: four keys, and the same ones for checking.
    pub(crate) initial: bool,
}

/// The server's state of a login.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) initialised: bool,
    /// The code of its end: 1100, 1101 or 1102.
    pub(crate) ended: Option<i64>,
    pub(crate) skey: String,
    /// The keys before the last refreshes, each with the pair whose use proves that the refresh arrived.
    pub(crate) skeys_before: Vec<(String, usize)>,
    pub(crate) refresh: Option<String>,
    /// The used `DeviceID`s, each with the fingerprint of its request.
    pub(crate) devices: BTreeMap<String, u64>,
    pub(crate) pairs: Vec<Pair>,
    /// The newest pair that the client has used. The client must have received everything up to it.
    pub(crate) proven: usize,
    /// The pair of the last answer that set cookies.
    pub(crate) cookies_pair: usize,
    /// The position of the next page for each `Seq`.
    pub(crate) pages: BTreeMap<u64, usize>,
    pub(crate) last_client_id: u64,
    pub(crate) announced: bool,
    /// The start of the session, in seconds since the epoch.
    pub(crate) since: u64,
    /// The time of the first `webwxsync`, in seconds since the epoch.
    pub(crate) first_sync: Option<u64>,
    /// The number of events delivered to earlier sessions.
    pub(crate) start: usize,
    /// The last send of a picture or a file in [`Mode::Service`](crate::Mode::Service).
    pub(crate) file_sent: Option<FileSent>,
}

/// A send of a picture or a file. It advances the `SyncCheckKey` and not the `SyncKey`: until
/// something arrives, `synccheck` with the `SyncKey` reports news that `webwxsync` does not have (docs/protocol.md §7.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FileSent {
    /// The number of events at that time.
    pub(crate) events: usize,
    /// The number of pairs at that time: later ones have a `SyncCheckKey` that includes it.
    pub(crate) pairs: usize,
}

/// The number of answers after which a key is no longer accepted.
const RECENT: usize = 200;

impl Session {
    pub(crate) fn new(skey: String, now: u64, start: usize) -> Self {
        Self { skey, since: now / 1000, start, ..Self::default() }
    }

    /// Returns the session of a client that has continued since this copy was made: its keys stay valid. `events` is the
    /// number of events of the world that the copy belongs to.
    #[cfg(feature = "serve")]
    pub(crate) fn continued(&self, now: &Self, events: usize) -> Self {
        let mut pairs = now.pairs.clone();
        for pair in &mut pairs {
            pair.position = pair.position.min(events);
        }
        Self { ended: self.ended, pages: self.pages.clone(), pairs, file_sent: None, ..now.clone() }
    }

    /// Returns the valid keys of a request.
    pub(crate) fn skeys(&self, concurrent: bool) -> Vec<String> {
        let mut keys = vec![self.skey.clone()];
        for (before, pair) in self.skeys_before.iter().rev() {
            // Several successive answers may be lost.
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

    /// Returns the pair of a key in `synccheck`, in the format `1_2|3_4`.
    pub(crate) fn by_check_key(&self, text: &str) -> Option<usize> {
        if text.is_empty() {
            return None;
        }
        self.pairs.iter().rposition(|pair| joined(&pair.check) == text)
    }

    /// Returns the pair that has this as either of its keys, in the format `1_2|3_4`: clients use one for both calls
    /// (docs/protocol.md §7.2).
    pub(crate) fn by_either_key(&self, text: &str) -> Option<usize> {
        let has = |pair: &Pair| [&pair.sync, &pair.check].iter().any(|key| joined(key) == text);
        self.pairs.iter().rposition(has)
    }

    /// Creates the keys of an answer without news after a file was sent: only that for checking is new.
    pub(crate) fn hand_out_check_key(&mut self) {
        if let Some(mut pair) = self.pairs.last().cloned() {
            if let Some((_, value)) = pair.check.get_mut(1) {
                *value += 1;
            }
            self.pairs.push(pair);
        }
    }

    /// Creates the keys of a new answer: four for `webwxinit`, eight from the first `webwxsync` on.
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
        let news = self.pairs.last().map_or(base + 145, |last| {
            let next = last.sync[1].1 + rng.between(1, 5) as i64;
            // Sends of files advance the key for checking alone.
            next.max(last.check[1].1)
        });
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
            // The key for checking is newer than that for fetching.
            check[1].1 += 1;
            check[5].1 += 7;
        }
        let pair = Pair { sync, check, position, initial };
        self.pairs.push(pair);
        &self.pairs[self.pairs.len() - 1]
    }
}

/// Formats a key as `Key_Val|Key_Val`.
pub(crate) fn joined(key: &Key) -> String {
    let pairs: Vec<String> = key.iter().map(|(key, val)| format!("{key}_{val}")).collect();
    pairs.join("|")
}

/// Builds the record of a key: `{Count, List: [{Key, Val}]}`.
pub(crate) fn key_record(key: &Key) -> Object {
    let list: Vec<Node> = key
        .iter()
        .map(|&(key, val)| Object::new().with("Key", key).with("Val", val).into())
        .collect();
    Object::new().with_list("Count", "List", list)
}
