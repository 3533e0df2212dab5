//! An hour of an account without messages.
//!
//! The service holds each poll for 25 to 27 seconds. The server of this benchmark replies at once,
//! and the clock of the client advances by 26 seconds with each reply. Polls that are held cost more,
//! because the process has to wake up. The replies are not compressed: the simulator compresses
//! only bodies of 256 bytes or more, and that of a poll has 43.

use std::time::Duration;

use http::header::ACCEPT_ENCODING;
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Flow, Input, Interrupt, Timestamp};

use crate::client::{self, log_in_hyper, log_in_ureq, repeat, runtime};
use crate::compare::{equal, interleave};
use crate::shared::recorded::record;
use crate::shared::{Result, service};
use crate::{ADAPTERS, CLIENT, CONTACTS, SERVER};

/// The time for which the service holds a poll.
const HOLD: Duration = Duration::from_secs(26);
const HOUR: Duration = Duration::from_secs(3600);
/// The number of hours in a measurement: a single one takes only milliseconds.
const HOURS: u32 = 26;
/// The number of polls in these hours.
const POLLS: usize = (HOURS as u64 * HOUR.as_secs() / HOLD.as_secs()) as usize;

/// Compares the clients for an hour without messages.
pub(crate) fn measure(rounds: usize) -> Result<()> {
    let (mut server, origin) = service::start(&SERVER, [CONTACTS[0], 1, 0])?;
    let codings = ["gzip", "identity"];
    let samples = interleave(rounds, 2 * ADAPTERS.len() * codings.len(), |variant| {
        let (who, rest) = (["bare", "ours"][variant % 2], variant / 2);
        let (coding, adapter) = (codings[rest % 2], ADAPTERS[rest / 2]);
        client::run(&CLIENT, &["quiet", who, adapter, &origin, coding], &mut server)
    })?;

    println!("an hour without messages, server and client on separate cores:\n");
    println!(
        "| adapter | accepts | requests | bytes sent | bytes received | ms of CPU time, HTTP library alone | ours | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (variant, samples) in samples.chunks(2).enumerate() {
        let [bare, ours] = samples else { return Err("two clients".into()) };
        for (ours, bare) in ours.totals.iter().zip(&bare.totals) {
            equal(ours, bare)?;
        }
        let total = |key| ours.totals[0]["synccheck"][key].as_u64().unwrap_or(0);
        if total("requests") != POLLS as u64 {
            return Err(format!("{} polls instead of {POLLS}", total("requests")).into());
        }
        let hour = |key| total(key) as f64 / f64::from(HOURS);
        let each = 1e-3 / f64::from(HOURS);
        println!(
            "| {} | {} | {:.1} | {:.0} | {:.0} | {} | {} | {} |",
            ADAPTERS[variant / 2],
            codings[variant % 2],
            hour("requests"),
            hour("received"),
            hour("sent"),
            bare.times(each),
            ours.times(each),
            ours.ratio(bare)
        );
    }
    Ok(())
}

/// Runs a client for [`HOURS`] without messages. The arguments are `ours` or `bare`, the adapter,
/// the origin, and the content coding that it accepts.
pub(crate) fn client(arguments: &[String]) -> Result<()> {
    let [who, adapter, origin, coding] = arguments else {
        return Err("quiet: four arguments".into());
    };
    let compression = coding == "gzip";
    if who == "bare" {
        let (mut request, _) = record(origin, CONTACTS[0])?.exchanges["synccheck"].clone();
        request.headers_mut().insert(ACCEPT_ENCODING, coding.parse()?);
        return repeat(adapter, &[request], POLLS);
    }
    let mut quiet = Quiet { inbox: Inbox::new(), passed: Duration::ZERO, end: HOUR };
    if adapter == "ureq" {
        let client = log_in_ureq(origin, compression)?;
        client.run(&mut quiet)?;
        quiet.end = quiet.passed + HOLD * POLLS as u32;
        return client::measure(|| Ok(client.run(&mut quiet)?));
    }
    let runtime = runtime()?;
    let client = runtime.block_on(log_in_hyper(origin, compression))?;
    runtime.block_on(client.run(&mut quiet))?;
    quiet.end = quiet.passed + HOLD * POLLS as u32;
    client::measure(|| Ok(runtime.block_on(client.run(&mut quiet))?))
}

/// An inbox whose clock advances with each reply. Returns when its time has passed.
struct Quiet {
    inbox: Inbox,
    passed: Duration,
    end: Duration,
}

impl Flow for Quiet {
    type State = Account;
    type Output = ();

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<(), Interrupt> {
        while self.passed < self.end {
            match self.inbox.poll(account, now.after(self.passed)) {
                Ok(_) => {}
                Err(Interrupt::Sleep(time)) => self.passed += time,
                Err(interrupt) => return Err(interrupt),
            }
        }
        Ok(())
    }

    fn handle(&mut self, input: Input) {
        self.passed += HOLD;
        self.inbox.handle(input);
    }
}
