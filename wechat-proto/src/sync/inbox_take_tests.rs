//! Delivery of each message once, even from a stored session: `docs/threats.md` S4, S5.

use super::*;

fn stored(account: &Account) -> String {
    account.session().to_json()
}

/// Resumes a stored session whose server repeats the messages after the stored key. Returns the
/// first request and the delivered ids.
fn resumed(json: &str, again: &Value) -> (String, Vec<String>) {
    let mut stage = Stage::of(Session::from_json(json).unwrap(), [ok(again)]);
    let ids = stage.ids();
    (stage.requested().remove(0), ids)
}

/// Threat S4.
#[test]
fn repetitions_are_dropped() {
    let mut stage = Stage::new([
        ok(batch(&["1", "2", "1", "2", "3"], 5, true)),
        ok(batch(&["3", "4", "1"], 6, true)),
        ok(batch(&["1", "2", "3", "4"], 7, false)),
    ]);
    assert_eq!(stage.ids(), ["1", "2", "3", "4"]);
}

/// Repetitions without an id cannot be detected, so that such messages are always delivered.
#[test]
fn a_message_without_an_id_is_never_dropped() {
    let mut stage = Stage::new([ok(batch(&["0", "0", ""], 5, true)), ok(batch(&["0"], 6, false))]);
    assert_eq!(stage.ids(), ["0", "0", "", "0"]);
}

/// After a process was killed within a batch, only the message that was being handled and those
/// after it are delivered again.
///
/// Threat S5.
#[test]
fn a_session_stored_within_a_batch_resumes_there() {
    let ids = ["1", "2", "3", "4", "5"];
    let whole = batch(&ids, 5, false);
    let first = "fetch 1_643606091|2_643606203";
    for handed_out in 1..=ids.len() {
        let mut stage = Stage::new([ok(&whole)]);
        let mut last = None;
        for _ in 0..handed_out {
            last = Some(stage.next().unwrap());
        }
        // In the session itself, the last message is not acknowledged yet.
        let (requested, delivered) = resumed(&stored(&stage.account), &whole);
        assert_eq!((&*requested, delivered), (first, owned(&ids[handed_out - 1..])));
        // A copy on which the last message is acknowledged.
        let mut copy = stage.account.session().clone();
        copy.acknowledge(&last.unwrap());
        let (requested, delivered) = resumed(&copy.to_json(), &whole);
        // The last message advances the key.
        let from = if handed_out == ids.len() { "fetch 1_5" } else { first };
        assert_eq!((&*requested, delivered), (from, owned(&ids[handed_out..])));
    }
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn the_last_message_advances_the_key() {
    let mut stage = Stage::new([ok(batch(&["1", "2"], 5, false))]);
    let joined = |stage: &Stage| stage.account.session.sync_key.joined();
    stage.next().unwrap();
    stage.next().unwrap();
    assert_eq!(joined(&stage), "1_643606091|2_643606203");
    assert_eq!(stage.ids(), [""; 0]);
    assert_eq!(joined(&stage), "1_5");
    // Acknowledged ids are known beyond the batch.
    let (requested, delivered) =
        resumed(&stored(&stage.account), &batch(&["1", "2", "3"], 6, false));
    assert_eq!((&*requested, &*delivered), ("fetch 1_5", &["3".to_string()][..]));
}

/// While the key does not advance, the service repeats the batch, of any length, so its ids are
/// stored.
#[test]
fn ids_of_a_repeated_batch_are_stored() {
    let ids: Vec<String> = (1..=6000).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let none = json!({ "Count": 0, "List": [] });
    let start = json!(session().sync_key.body());
    for key in [start, none] {
        let still = with(batch(&ids, 5, false), "SyncKey", key);
        let mut stage = Stage::new([ok(&still), ok(NEWS), ok(&still)]);
        assert_eq!(stage.ids().len(), 6000);
        let (_, delivered) = resumed(&stored(&stage.account), &still);
        assert_eq!(delivered, [""; 0]);
    }
}

/// A server whose key never advances cannot exhaust the memory with ids.
#[test]
fn ids_are_bounded_if_the_key_does_not_advance() {
    let none = json!({ "Count": 0, "List": [] });
    let mut stage = Stage::new([]);
    for round in 0..200 {
        let ids: Vec<String> = (0..50).map(|n| (round * 50 + n + 1).to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        stage.replies.extend([ok(with(batch(&ids, 5, false), "SyncKey", none.clone())), ok(NEWS)]);
    }
    assert_eq!(stage.ids().len(), 10_000);
    assert!(stored(&stage.account).len() < 40_000);
}

/// A newer inbox continues after the messages that the older one acknowledged.
#[test]
fn a_newer_inbox_continues() {
    let whole = batch(&["1", "2", "3"], 5, false);
    let mut stage = Stage::new([ok(&whole)]);
    stage.next().unwrap();
    stage.next().unwrap();
    let mut old = core::mem::take(&mut stage.inbox);
    stage.replies.push_back(ok(&whole));
    // The last message of the older inbox is delivered again.
    assert_eq!(stage.next().unwrap().id.to_string(), "2");
    let now = stage.host.now;
    for _ in 0..3 {
        let retired = old.poll(&mut stage.account, now);
        assert!(matches!(retired, Err(Interrupt::Fail(Error::InUse))));
    }
    assert_eq!(stage.ids(), ["3"]);
}
