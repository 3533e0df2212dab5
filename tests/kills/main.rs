//! Bots that are killed at every step of a day, and resumed: nothing is lost, and what comes again is
//! as much as the way of storing lets come.
//!
//! A bot is a process: this test binary, run again for the one test `a_bot`. It stops at each of its
//! steps (a flow is polled, a message is in hand, its effect is written, the session is stored, the
//! file is renamed) and says so on a pipe; a gate stops each request that has left it, and each
//! reply before it arrives. At every step that the day has not been killed at, the process gets a
//! SIGKILL, and another goes on from what it had stored. Nobody logs in again.
//!
//! The steps between a start and the first message, which an undisturbed day has only once, are
//! killed at before every tenth message; before every message (unless messages are handled out of
//! order) with `WECHAT_KILLS=all`, which also makes all days as long as the longest:
//! `WECHAT_KILLS=all cargo test -p wechat-simulator --test kills -- --nocapture`.
//!
//! A process that is killed at its first message never reaches the lookup that follows a batch. So
//! on other days, each process handles messages, and is killed a number of steps after one of them.

mod bot;
mod day;
mod gate;
mod script;

use std::env;

use crate::bot::Way;
use crate::day::Day;

/// The bot of the other tests, which run this in processes of its own. Here it has nothing to do.
#[test]
fn a_bot() {
    bot::live();
}

/// Threat S5: the effect and the session in one rename. Each message exactly once, in order.
#[test]
fn killed_at_every_step_one_rename_repeats_nothing() {
    Day::of("ureq", Way::Together, messages(120)).live();
}

/// Threat S5: the session after the effect, the message acknowledged on it. None lost, at most the
/// message in hand again.
#[test]
fn killed_at_every_step_the_message_in_hand_alone_repeats() {
    Day::of("hyper", Way::After, messages(120)).live();
}

/// Threat S5: the same of the other adapter.
#[test]
fn each_adapter_stores_either_way() {
    Day::of("hyper", Way::Together, messages(40)).live();
    Day::of("ureq", Way::After, messages(40)).live();
}

/// Threat S5: the session after the effect, as it is: the message is in hand then, and acknowledged
/// when the next is asked for. None lost, at most that one and the next again.
#[test]
fn killed_at_every_step_a_session_as_it_is_repeats_two() {
    Day::of("ureq", Way::AsItIs, messages(20)).live();
    Day::of("hyper", Way::AsItIs, messages(20)).live();
}

/// Threat S5: messages that the program acknowledges itself, in order and out of order. Each exactly
/// once.
#[test]
fn killed_at_every_step_manual_acknowledgements_repeat_nothing() {
    for adapter in ["ureq", "hyper"] {
        Day::of(adapter, Way::Manual, messages(20)).live();
        Day::of(adapter, Way::OutOfOrder, messages(20)).live();
    }
}

/// Threat S5: at steps between two batches.
#[test]
fn killed_between_batches_nothing_is_lost() {
    for way in [Way::Together, Way::After, Way::Manual] {
        for adapter in ["ureq", "hyper"] {
            Day::of(adapter, way, messages(40)).between_batches().live();
        }
    }
}

/// Threat S5: in the middle of a step, wherever the process is at that moment.
#[test]
fn killed_at_any_moment_nothing_is_lost() {
    Day::of("ureq", Way::Together, 100).live_free(1);
    Day::of("hyper", Way::After, 100).live_free(2);
    Day::of("ureq", Way::OutOfOrder, 100).live_free(3);
    Day::of("hyper", Way::OutOfOrder, 100).live_free(4);
}

/// The length of a day: shorter, unless all points and the longest days were asked for.
fn messages(short: usize) -> usize {
    if is_by_hand() { 300 } else { short }
}

/// Whether all points and the longest days were asked for.
fn is_by_hand() -> bool {
    env::var("WECHAT_KILLS").is_ok_and(|value| value == "all")
}
