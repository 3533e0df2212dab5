//! Bots that are killed at every step and resumed: no message is lost, and the number of repeated
//! messages is bounded by the way of storing.
//!
//! A bot is a process: this test binary, run for the single test `bot_process`. It stops at each of
//! its steps (a flow is polled, a message is received, its effect is written, the session is
//! stored, the file is renamed) and announces the step on a pipe; a gate stops each request that
//! left the bot, and each response before it arrives. At every step at which no process was killed
//! before, the process gets a SIGKILL, and another one resumes from the stored session. There is no
//! second login.
//!
//! The steps between a start and the first message occur only once in an undisturbed run. Processes
//! are killed there before every tenth message, or before every message (unless messages are
//! handled out of order) with `WECHAT_SWEEP=all`, which also gives all runs the maximum length:
//! `WECHAT_SWEEP=all cargo test -p wechat-simulator --test kills -- --nocapture`.
//!
//! A process that is killed at its first message never reaches the lookup that follows a batch. In
//! other runs, each process therefore handles messages and is killed a number of steps after one of
//! them.

mod bot;
mod gate;
mod scenario;
mod script;
#[path = "../it/sweep.rs"]
#[expect(dead_code, reason = "`it` uses the other function")]
mod sweep;

use crate::bot::StoreMode;
use crate::scenario::Scenario;

/// The bot process of the other tests. Without their environment variables, it does nothing.
#[test]
fn bot_process() {
    bot::run();
}

/// Threat S5: effect and session in one rename. Each message is handled exactly once, in order.
#[test]
fn kills_with_atomic_store_repeat_nothing() {
    Scenario::new("ureq", StoreMode::Together, messages(40)).run();
}

/// Threat S5: the session is stored after the effect, with the message acknowledged. No message is
/// lost, and at most the one in progress is repeated.
#[test]
fn kills_with_acknowledged_session_repeat_one_message() {
    Scenario::new("hyper", StoreMode::After, messages(40)).run();
}

/// Threat S5: the same with the other adapter.
#[test]
fn kills_with_swapped_adapters() {
    Scenario::new("hyper", StoreMode::Together, messages(14)).run();
    Scenario::new("ureq", StoreMode::After, messages(14)).run();
}

/// Threat S5: the session is stored after the effect, without an acknowledgement, which polling for
/// the next message implies. No message is lost, and at most that one and the next are repeated.
#[test]
fn kills_with_unacknowledged_session_repeat_two_messages() {
    Scenario::new("ureq", StoreMode::Unacknowledged, messages(12)).run();
    Scenario::new("hyper", StoreMode::Unacknowledged, messages(12)).run();
}

/// Threat S5: messages acknowledged manually, in order and out of order. Each is handled exactly
/// once.
#[test]
fn kills_with_manual_acknowledgement_repeat_nothing() {
    for adapter in ["ureq", "hyper"] {
        Scenario::new(adapter, StoreMode::Manual, messages(12)).run();
        Scenario::new(adapter, StoreMode::OutOfOrder, messages(12)).run();
    }
}

/// Threat S5: the client saves in a `FileStore`. No message is lost, and the policy bounds the number
/// of repeated ones: the one in progress, the batch in progress, or those since the last save.
#[test]
fn kills_with_file_store_repeat_what_the_policy_allows() {
    for (mode, sample) in
        [(StoreMode::EachMessage, 12), (StoreMode::EachBatch, 16), (StoreMode::Interval, 10)]
    {
        Scenario::new("ureq", mode, messages(sample)).run();
        Scenario::new("hyper", mode, messages(sample)).run();
    }
}

/// Threat S5: bots are killed at steps between two batches.
#[test]
fn kills_between_batches_lose_nothing() {
    for mode in [StoreMode::Together, StoreMode::After, StoreMode::Manual] {
        for adapter in ["ureq", "hyper"] {
            Scenario::new(adapter, mode, messages(14)).between_batches().run();
        }
    }
}

/// Threat S5: bots are killed at random moments, also within a step.
#[test]
fn kills_at_random_moments_lose_nothing() {
    Scenario::new("ureq", StoreMode::Together, 30).run_with_random_kills(1);
    Scenario::new("hyper", StoreMode::After, 30).run_with_random_kills(2);
    Scenario::new("ureq", StoreMode::OutOfOrder, 30).run_with_random_kills(3);
    Scenario::new("hyper", StoreMode::OutOfOrder, 30).run_with_random_kills(4);
    // Some kills interrupt a write to the journal or a rename.
    for (adapter, mode, seed) in [
        ("ureq", StoreMode::EachMessage, 5),
        ("hyper", StoreMode::EachBatch, 6),
        ("ureq", StoreMode::Interval, 7),
    ] {
        Scenario::new(adapter, mode, 30).run_with_random_kills(seed);
    }
}

/// Returns the number of messages of a scenario, which is 300 in complete sweeps.
fn messages(sample: usize) -> usize {
    if sweep::is_complete() { 300 } else { sample }
}
