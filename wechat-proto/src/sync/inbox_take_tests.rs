//! What is handed out, once, and what a stored session knows of it: `docs/threats.md` S4, S5.

use super::*;

fn stored(account: &Account) -> String {
    account.session().to_json()
}

/// What a new process hears, given that the server repeats what stands behind the stored key.
fn resumed(json: &str, again: &Value) -> (String, Vec<String>) {
    let mut stage = Stage::of(Session::from_json(json).unwrap(), [ok(again)]);
    let ids = stage.ids();
    (stage.asked().remove(0), ids)
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

/// Without a number, a repetition cannot be told: better twice than never.
#[test]
fn a_message_without_a_number_is_never_dropped() {
    let mut stage = Stage::new([ok(batch(&["0", "0", ""], 5, true)), ok(batch(&["0"], 6, false))]);
    assert_eq!(stage.ids(), ["0", "0", "", "0"]);
}

/// A process that dies within a batch: the message in hand comes once more, those before it do
/// not, those behind it come.
///
/// Threat S5.
#[test]
fn a_snapshot_within_a_batch_knows_what_was_taken() {
    let ids = ["1", "2", "3", "4", "5"];
    let whole = batch(&ids, 5, false);
    let first = "fetch 1_643606091|2_643606203";
    for handed_out in 1..=ids.len() {
        let mut stage = Stage::new([ok(&whole)]);
        let mut last = None;
        for _ in 0..handed_out {
            last = Some(stage.next().unwrap());
        }
        // As it stands: the message in hand is not taken yet.
        let (asked, heard) = resumed(&stored(&stage.account), &whole);
        assert_eq!((&*asked, heard), (first, owned(&ids[handed_out - 1..])));
        // Taken on the copy, in one transaction with its effect: not again.
        let mut copy = stage.account.session().clone();
        copy.acknowledge(&last.unwrap());
        let (asked, heard) = resumed(&copy.to_json(), &whole);
        // With the last of them, the key moves.
        let from = if handed_out == ids.len() { "fetch 1_5" } else { first };
        assert_eq!((&*asked, heard), (from, owned(&ids[handed_out..])));
    }
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn the_key_moves_with_the_last_message() {
    let mut stage = Stage::new([ok(batch(&["1", "2"], 5, false))]);
    let joined = |stage: &Stage| stage.account.session.sync_key.joined();
    stage.next().unwrap();
    stage.next().unwrap();
    assert_eq!(joined(&stage), "1_643606091|2_643606203");
    assert_eq!(stage.ids(), [""; 0]);
    assert_eq!(joined(&stage), "1_5");
    // What was taken is known beyond the batch.
    let (asked, heard) = resumed(&stored(&stage.account), &batch(&["1", "2", "3"], 6, false));
    assert_eq!((&*asked, &*heard), ("fetch 1_5", &["3".to_string()][..]));
}

/// Where the key stands still, the server sends the batch again, however long it is: its ids
/// are stored as long as it stands.
#[test]
fn a_batch_that_stays_open_is_stored_whole() {
    let ids: Vec<String> = (1..=6000).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let none = json!({ "Count": 0, "List": [] });
    for key in [start(), none] {
        let still = with(batch(&ids, 5, false), "SyncKey", key);
        let mut stage = Stage::new([ok(&still), ok(NEWS), ok(&still)]);
        assert_eq!(stage.ids().len(), 6000);
        let (_, heard) = resumed(&stored(&stage.account), &still);
        assert_eq!(heard, [""; 0]);
    }
}

/// The key that the session of these tests begins with.
fn start() -> Value {
    let counters = [643_606_091, 643_606_203];
    json!({ "Count": 2, "List": [{ "Key": 1, "Val": counters[0] }, { "Key": 2, "Val": counters[1] }] })
}

/// A server that never moves its key cannot fill the memory with ids.
#[test]
fn ids_of_a_key_that_stands_still_are_bounded() {
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

/// What is asked past is taken, whoever asks next.
#[test]
fn a_newer_inbox_goes_on() {
    let whole = batch(&["1", "2", "3"], 5, false);
    let mut stage = Stage::new([ok(&whole)]);
    stage.next().unwrap();
    stage.next().unwrap();
    let mut old = core::mem::take(&mut stage.inbox);
    stage.replies.push_back(ok(&whole));
    // The message in the older one's hand comes once more.
    assert_eq!(stage.next().unwrap().id.as_str(), "2");
    let now = stage.host.now;
    for _ in 0..3 {
        let retired = old.poll(&mut stage.account, now);
        assert!(matches!(retired, Err(Interrupt::Fail(Error::InUse))));
    }
    assert_eq!(stage.ids(), ["3"]);
}
