//! A fault that lasts an hour.

use std::time::Duration;

use wechat_proto::contact::LoadContacts;
use wechat_proto::login::{Login, Progress};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Device, Error, Flow};

use super::bot::Bot;
use super::line::{Fault, Line};
use super::steps;

const HOUR: u64 = 3_600_000;

/// Polls a flow for an hour, whatever it reports: a program that logs errors and loops. Returns the
/// number of requests and the last error.
fn insist<F: Flow>(
    line: &mut Line,
    flow: &mut F,
    state: &mut F::State,
    done: impl Fn(&F::Output) -> bool,
) -> (usize, Option<Error>) {
    let (end, before) = (line.simulator.now() + HOUR, line.asked);
    let (mut last, mut polls) = (None, 0);
    while line.simulator.now() < end {
        polls += 1;
        assert!(polls < 5_000, "it spins: {last:?}");
        match line.step(flow, state, &[]) {
            Some(Err(error @ (Error::LoggedOut { .. } | Error::Stopped | Error::InUse))) => {
                return (line.asked - before, Some(error));
            }
            Some(Err(error)) => last = Some(error),
            Some(Ok(output)) if done(&output) => break,
            Some(Ok(_)) | None => {}
        }
    }
    (line.asked - before, last)
}

/// The most requests in an hour: one in thirty seconds, and some at the beginning; a poll that
/// runs into its deadline takes 35.
const MOST: usize = 140;

/// Threat J5. Threat S8. The inbox backs off, is closed by 1101 only, and resumes where it was
/// after the fault.
#[test]
fn the_inbox_outlives_an_hour_of_it() {
    for fault in Fault::ALL {
        let mut bot = Bot::new(Line::new(steps::world()));
        bot.happens(|world| {
            let person = world.contacts()[1].user_name.clone();
            vec![world.person_writes(&person, "before")]
        });
        bot.hear();
        bot.idle(3);
        bot.happens(|world| {
            let person = world.contacts()[1].user_name.clone();
            vec![world.person_writes(&person, "during")]
        });
        let (mut line, mut account) = (bot.line, bot.account);
        let mut session = account.session().clone();
        session.acknowledge(bot.heard.last().unwrap());
        account = Account::from(session);
        let mut inbox = Inbox::new();
        line.fault = Some((line.asked, usize::MAX, fault));
        let (asked, error) = insist(&mut line, &mut inbox, &mut account, |_| true);
        assert!(asked <= MOST, "{fault:?}: {asked} requests");
        line.fault = None;
        if fault == Fault::Kicked {
            assert!(matches!(error, Some(Error::LoggedOut { .. })), "{error:?}");
            assert!(asked <= 1, "{asked}");
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
                // The response in flight when the fault ended.
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
fn a_login_outlives_an_hour_of_it() {
    for fault in Fault::ALL {
        let mut line = Line::new(steps::world());
        line.fault = Some((0, usize::MAX, fault));
        let (mut login, mut device) = (Login::new(), Device::new());
        let (asked, _) = insist(&mut line, &mut login, &mut device, |_| false);
        assert!(asked <= MOST, "{fault:?}: {asked} requests");
        line.fault = None;
        let done = |progress: &Progress| matches!(progress, Progress::LoggedIn(_));
        let (asked, error) = insist(&mut line, &mut login, &mut device, done);
        assert!(asked <= 12, "{fault:?}: {asked} requests to log in, {error:?}");
        assert_eq!(line.simulator.world().violations(), [], "{fault:?}");
    }
}

/// Threat S8. Loading contacts backs off, too.
#[test]
fn the_contacts_outlive_an_hour_of_it() {
    for fault in Fault::ALL {
        let mut line = Line::new(steps::world());
        let mut login = Login::new();
        let mut device = Device::new();
        let mut account = loop {
            if let Progress::LoggedIn(account) = line.run(&mut login, &mut device, &[]).unwrap() {
                break *account;
            }
        };
        line.simulator.world().advance(Duration::from_secs(1));
        line.fault = Some((line.asked, usize::MAX, fault));
        let mut contacts = LoadContacts::new();
        let (asked, error) = insist(&mut line, &mut contacts, &mut account, |()| false);
        assert!(asked <= MOST, "{fault:?}: {asked} requests");
        line.fault = None;
        if fault == Fault::Kicked {
            assert!(matches!(error, Some(Error::LoggedOut { .. })), "{error:?}");
            continue;
        }
        let (asked, _) = insist(&mut line, &mut contacts, &mut account, |()| true);
        assert!(asked <= 10, "{fault:?}: {asked} requests");
    }
}
