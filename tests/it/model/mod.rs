//! Any world, any operations, a fault at any step, a kill anywhere: the world's ledger against the
//! bot's.
//!
//! 120 cases; as many as `WECHAT_CASES` says, if it says a number. A run can be repeated with
//! proptest's own `PROPTEST_RNG_SEED`:
//!
//! ```text
//! PROPTEST_RNG_SEED=1 WECHAT_CASES=100000 cargo test --release -p wechat-simulator --test it model
//! ```

mod book;
mod bot;
mod check;
mod process;

use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use wechat_proto::contact::LoadContacts;

use self::book::{Book, Deed};
use self::bot::Bot;
use self::process::{Order, Process};

struct Machine;

impl StateMachineTest for Machine {
    type SystemUnderTest = Bot;
    type Reference = Book;

    fn init_test(book: &Book) -> Bot {
        Bot::new(book)
    }

    fn apply(mut bot: Bot, _: &Book, deed: Deed) -> Bot {
        match deed {
            Deed::Said { chat, times, kind } => (0..times).for_each(|_| bot.say(chat, kind)),
            Deed::Send { chat, picture } => {
                let (to, text) = (bot.chats[chat].parse().unwrap(), format!("send {}", bot.orders));
                bot.orders += 1;
                let order = Order { to, text, picture, id: None, uploaded: None };
                bot.disk.orders.push_back(order);
            }
            Deed::Run(steps) => (0..steps).for_each(|_| bot.step()),
            Deed::Wait => bot.wait(),
            Deed::Fault { fault, after, times } => {
                bot.line.fault = Some((bot.line.asked + after, times, fault));
            }
            Deed::Kill => {
                bot.kills += usize::from(bot.process.is_some());
                bot.process = None;
            }
            Deed::GiveUp => bot.give_up(),
            Deed::Clock(seconds) => {
                // Not between a reply and its reading: that reckons when its cookies expire.
                bot.give_up();
                let mut world = bot.line.simulator.world();
                let now = world.now().saturating_add_signed(seconds * 1000);
                world.set_now(now);
            }
            Deed::Change(what) => bot.change(what),
            Deed::End(1100) => bot.line.simulator.world().phone().log_out(),
            Deed::End(1101) => bot.line.simulator.world().phone().kick(),
            Deed::End(_) => bot.line.simulator.world().phone().restrict(),
            Deed::Contacts => {
                if let Some(Process::Running(running)) = &mut bot.process {
                    running.contacts = Some(LoadContacts::new());
                }
            }
            Deed::Another => {
                if let Some(Process::Running(running)) = &mut bot.process
                    && running.hand.is_none()
                {
                    // What the one before has in memory comes again, unless the session is over; what it
                    // handed out last was dealt with.
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

    fn check_invariants(bot: &Bot, book: &Book) {
        assert_eq!((bot.said.len(), bot.orders), (book.said.len(), book.sends));
        bot.check();
    }

    fn teardown(mut bot: Bot, _: Book) {
        bot.settle();
    }
}

/// How many cases there are.
fn cases() -> u32 {
    std::env::var("WECHAT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(120)
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Threat S4. Threat S5. Threat S9. Threat C1.
    #[test]
    fn the_ledgers_agree(sequential 1..30 => Machine);
}
