//! Faults that last an hour.

use std::time::Duration;

use wechat_proto::contact::LoadContacts;
use wechat_proto::login::{Login, Progress};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Device, Error, Flow};

use super::bot::Bot;
use super::line::{Fault, Line};
use super::steps;
use crate::wire::named;

const HOUR: u64 = 3_600_000;

/// Polls a flow for an hour and ignores errors, like a program that logs them and loops. Returns
/// the number of requests and the last error.
fn run_for_an_hour<F: Flow>(
    line: &mut Line,
    flow: &mut F,
    state: &mut F::State,
    done: impl Fn(&F::Output) -> bool,
) -> (usize, Option<Error>) {
    let (end, before) = (line.simulator.now() + HOUR, line.requests);
    let (mut last, mut polls) = (None, 0);
    while line.simulator.now() < end {
        polls += 1;
        assert!(polls < 5_000, "the flow spins: {last:?}");
        match line.step(flow, state, &[]) {
            Some(Err(error @ (Error::LoggedOut { .. } | Error::Stopped | Error::InUse))) => {
                return (line.requests - before, Some(error));
            }
            Some(Err(error)) => last = Some(error),
            Some(Ok(output)) if done(&output) => break,
            Some(Ok(_)) | None => {}
        }
    }
    (line.requests - before, last)
}

/// The maximum number of requests in an hour: one in thirty seconds and some at the beginning; a
/// poll that runs into its deadline takes 35 seconds.
const MOST: usize = 140;

/// Threat J5. Threat S8. The inbox backs off, is closed by 1101 only, and resumes where it was
/// after the fault.
#[test]
fn inbox_survives_an_hour_of_faults() {
    for fault in Fault::ALL {
        let mut bot = Bot::new(Line::new(steps::world()));
        let write = |bot: &mut Bot, text| {
            bot.change_world(|world| vec![world.person_writes(&named(world, "朋友 0"), text)]);
        };
        write(&mut bot, "before");
        bot.receive_all();
        bot.idle(3);
        write(&mut bot, "during");
        let (mut line, mut account) = (bot.line, bot.account);
        let mut session = account.session().clone();
        session.acknowledge(bot.received.last().unwrap());
        account = Account::from(session);
        let mut inbox = Inbox::new();
        line.fault = Some((line.requests, usize::MAX, fault));
        let (requests, error) = run_for_an_hour(&mut line, &mut inbox, &mut account, |_| true);
        assert!(requests <= MOST, "{fault:?}: {requests} requests");
        line.fault = None;
        if fault == Fault::Kicked {
            assert!(matches!(error, Some(Error::LoggedOut { .. })), "{error:?}");
            assert!(requests <= 1, "{requests}");
            continue;
        }
        let error = error.unwrap_or_else(|| panic!("{fault:?}: no error"));
        assert!(!matches!(error, Error::Unanswered { .. }), "{fault:?}: {error:?}");
        let healed = line.simulator.now();
        let mut late = 0;
        loop {
            match line.run(&mut inbox, &mut account, &[]) {
                Ok(message) if message.text() == Some("during") => break,
                Ok(_) => {}
                // The fault applied to a response that was in flight when it ended.
                Err(error) => {
                    late += 1;
                    assert!(late < 2, "{fault:?}: {error:?}");
                }
            }
        }
        assert!(line.simulator.now() - healed < 60_000, "{fault:?}");
    }
}

/// Threat S8. A login backs off, too: it does not request one QR code after another.
#[test]
fn login_survives_an_hour_of_faults() {
    for fault in Fault::ALL {
        let mut line = Line::new(steps::world());
        line.fault = Some((0, usize::MAX, fault));
        let (mut login, mut device) = (Login::new(), Device::new());
        let (requests, _) = run_for_an_hour(&mut line, &mut login, &mut device, |_| false);
        assert!(requests <= MOST, "{fault:?}: {requests} requests");
        line.fault = None;
        let done = |progress: &Progress| matches!(progress, Progress::LoggedIn(_));
        let (requests, error) = run_for_an_hour(&mut line, &mut login, &mut device, done);
        assert!(requests <= 12, "{fault:?}: {requests} requests to log in, {error:?}");
        assert_eq!(line.simulator.world().violations(), [], "{fault:?}");
    }
}

/// Threat S8. Loading contacts backs off, too.
#[test]
fn contacts_survive_an_hour_of_faults() {
    for fault in Fault::ALL {
        let Bot { mut line, mut account, .. } = Bot::new(Line::new(steps::world()));
        line.simulator.world().advance(Duration::from_secs(1));
        line.fault = Some((line.requests, usize::MAX, fault));
        let mut contacts = LoadContacts::new();
        let (requests, error) = run_for_an_hour(&mut line, &mut contacts, &mut account, |()| false);
        assert!(requests <= MOST, "{fault:?}: {requests} requests");
        line.fault = None;
        if fault == Fault::Kicked {
            assert!(matches!(error, Some(Error::LoggedOut { .. })), "{error:?}");
            continue;
        }
        let (requests, _) = run_for_an_hour(&mut line, &mut contacts, &mut account, |()| true);
        assert!(requests <= 10, "{fault:?}: {requests} requests");
    }
}
