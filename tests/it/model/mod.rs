//! Runs random operations in random worlds, with faults and kills at any step, and compares the
//! effects in the world with those of the bot.
//!
//! Runs 64 cases, or the number in `PROPTEST_CASES`. To repeat a run, set `PROPTEST_RNG_SEED`:
//!
//! ```text
//! PROPTEST_RNG_SEED=1 PROPTEST_CASES=100000 cargo test --release -p wechat-simulator --test it model
//! ```

mod bot;
mod check;
mod expected;
mod process;

use proptest::prelude::*;
use proptest::test_runner::contextualize_config;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use wechat_proto::contact::LoadContacts;

use self::bot::Bot;
use self::expected::{Expected, Operation};
use self::process::{Order, Process};

struct Machine;

impl StateMachineTest for Machine {
    type SystemUnderTest = Bot;
    type Reference = Expected;

    fn init_test(expected: &Expected) -> Bot {
        Bot::new(expected)
    }

    fn apply(mut bot: Bot, _: &Expected, operation: Operation) -> Bot {
        match operation {
            Operation::Write { chat, times, kind } => {
                (0..times).for_each(|_| bot.write(chat, kind));
            }
            Operation::Send { chat, picture } => {
                let (to, text) = (bot.chats[chat].parse().unwrap(), format!("send {}", bot.orders));
                bot.orders += 1;
                let order = Order { to, text, picture, id: None, uploaded: None };
                bot.disk.orders.push_back(order);
            }
            Operation::Run(steps) => (0..steps).for_each(|_| bot.step()),
            Operation::Wait => bot.wait(),
            Operation::Fault { fault, after, times } => {
                bot.line.fault = Some((bot.line.requests + after, times, fault));
            }
            Operation::Kill => {
                bot.kills += usize::from(bot.process.is_some());
                bot.process = None;
            }
            Operation::Cancel => bot.cancel(),
            Operation::Clock(seconds) => {
                // The clock must not change between a response and its processing, which computes
                // the expiry of cookies.
                bot.cancel();
                let mut world = bot.line.simulator.world();
                let now = world.now().saturating_add_signed(seconds * 1000);
                world.set_now(now);
            }
            Operation::Change(what) => bot.change(what),
            Operation::EndSession(1100) => bot.line.simulator.world().phone().log_out(),
            Operation::EndSession(1101) => bot.line.simulator.world().phone().kick(),
            Operation::EndSession(_) => bot.line.simulator.world().phone().restrict(),
            Operation::Contacts => {
                if let Some(Process::Running(running)) = &mut bot.process {
                    running.contacts = Some(LoadContacts::new());
                }
            }
            Operation::NewInbox => {
                if let Some(Process::Running(running)) = &mut bot.process
                    && running.current.is_none()
                {
                    // The new inbox delivers the buffered messages of the previous one again,
                    // unless the session is closed; the last returned message was handled.
                    if running.account.close_reason().is_none() {
                        if let Some(message) = running.last.take() {
                            running.account.session_mut().acknowledge(&message);
                        }
                        running.inbox = bot.acknowledges.inbox();
                    }
                }
            }
        }
        bot
    }

    fn check_invariants(bot: &Bot, expected: &Expected) {
        assert_eq!((bot.written.len(), bot.orders), (expected.written.len(), expected.sends));
        bot.check();
    }

    fn teardown(mut bot: Bot, _: Expected) {
        bot.finish();
    }
}

prop_state_machine! {
    #![proptest_config(contextualize_config(ProptestConfig {
        cases: 64,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }))]

    /// Threat S4. Threat S5. Threat S9. Threat C1.
    #[test]
    fn bot_effects_match_the_world(sequential 1..30 => Machine);
}
