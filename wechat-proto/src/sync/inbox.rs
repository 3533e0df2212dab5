//! The flow that receives messages.
//!
//! ```text
//! Start ──► fetch ──batch──► unknown rooms? ──no──► deliver, one message a poll ──more──► fetch
//!            ▲                │ yes                  ▲        │
//!            │                ▼                      │        │
//!            │              lookup ──any end─────────┘        │
//!            │                                           all delivered
//!            │                                                ▼
//!            │                   pending lookups, and due? ◄──┴───────── quiet ──┐
//!            │                       │ yes              │ no                     │
//!            │                       ▼                  ▼                        │
//!            │                     lookup ──any end──► check ────────────────────┤
//!            └──────────────────────────────────────────────────────── news ─────┘
//! ```

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::time::Duration;

use super::check::{Check, SyncCheck};
use super::fetch::FetchBatch;
use crate::account::{Account, Applied};
use crate::backoff::Pace;
use crate::call::Call;
use crate::contact::pending::Lookup;
use crate::error::{Error, Ret};
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::MsgId;
use crate::message::{Message, Recent};
use crate::parts::{Arriving, PAUSE};
use crate::retry::{Lane, Retry};
use crate::session::acks::Place;
use crate::time::Timestamp;

/// A flow that receives messages: checks for news, fetches messages, delivers them one by one, and
/// checks again.
///
/// # Acknowledgement
///
/// Polling for the next message acknowledges the previous one. [`Inbox::manual`] leaves this to
/// [`Session::acknowledge`](crate::Session::acknowledge), in any order. The stored key advances
/// past a batch when all of it is acknowledged, and the acknowledged messages of an unfinished
/// batch are stored with the session. A bot that stores the session after the effect of each
/// message therefore loses no message, even if it is killed. Which messages it receives again
/// depends on the stored value:
///
/// - [`Account::session`] itself: the message that was being handled at the last save, and the next
///   one, if its effect took place before its save.
/// - A copy on which the message is acknowledged: at most the message whose effect took place
///   before its save.
/// - Such a copy and the effect in one transaction: none. Each message is received exactly once.
///
/// Combinators that poll ahead (`buffered`, `for_each_concurrent`) acknowledge a message before it
/// has been handled. Changes made by a response without messages (cookies, keys) are stored with
/// the next message, or when the caller stores the session for another reason.
///
/// # Lookups
///
/// Fetches contacts that messages mention but the account's [directory](Account::directory) lacks:
/// rooms missing from the contact list, strangers, new members. One request is sent between two
/// checks, after the messages were delivered. No request is sent while the service limits requests.
/// A failure is not reported.
///
/// Before the messages of a batch are delivered, one request looks up the rooms among their chats
/// whose members are unknown, at most 50, so that the first message of a room has a readable author
/// and its [mentions](Message::mentions) are known. It takes at most 3 seconds and is not retried.
/// It is omitted while lookups back off after a failure. [`Inbox::immediate`] turns it off.
///
/// # Errors
///
/// Transient errors are retried silently, with back-off, and reported after three consecutive
/// failures; polling again continues. The inbox ends with
///
/// - [`Error::LoggedOut`] after 1100, 1101 and 1102, and with [`Ret::OK`] after a logout;
/// - [`Error::Stopped`] after [`Account::stop`];
/// - [`Error::InUse`] if a newer inbox of the same account replaced it.
///
/// It then fails with this error at every poll, and sends no more requests.
#[derive(Debug)]
pub struct Inbox {
    /// The number among the account's inboxes.
    number: Option<u64>,
    step: Step,
    fetch: Retry<FetchBatch>,
    check: Retry<SyncCheck>,
    /// A batch that is being applied.
    arriving: Option<Box<Arriving>>,
    /// The messages to be delivered; during a lookup, they wait for its end.
    messages: VecDeque<Message>,
    /// The message delivered last, to be acknowledged at the next poll.
    delivered: Option<(MsgId, Option<Place>)>,
    manual: bool,
    immediate: bool,
    /// Whether the current batch is useful, and whether there is more to fetch.
    batch: Option<(bool, bool)>,
    /// The number of consecutive fetches without a check in between.
    rounds: usize,
    /// Recently delivered messages, for messages that revoke others.
    recent: Recent,
}

#[derive(Debug)]
enum Step {
    Fetch,
    Lookup(Box<Call<Lookup>>),
    Check,
}

/// The maximum number of consecutive fetches while the service reports that there is more:
/// `docs/threats.md` S6.
const ROUNDS: usize = 100;
/// The longest time that messages wait for the members of their rooms.
const ROOMS: Duration = Duration::from_secs(3);

impl Inbox {
    /// Returns an inbox. Its first poll replaces any earlier inbox of the account.
    pub fn new() -> Self {
        Self::default()
    }

    /// Disables automatic acknowledgement: acknowledge each message with
    /// [`Session::acknowledge`](crate::Session::acknowledge), in any order. The ids of
    /// unacknowledged messages are kept in memory.
    ///
    /// Store the session before each poll for a further message, even while earlier ones are
    /// unacknowledged: the session contains the cookies and keys that arrived with them. If the session ends, the
    /// service does not send unacknowledged messages again.
    #[must_use]
    pub const fn manual(mut self) -> Self {
        self.manual = true;
        self
    }

    /// Delivers the messages of unknown rooms at once; the rooms are looked up after delivery.
    #[must_use]
    pub const fn immediate(mut self) -> Self {
        self.immediate = true;
        self
    }

    /// Sets the number of delivered messages to keep, so that a message that revokes another has it
    /// as its [`Message::original`]. The default is 100; 0 keeps none.
    ///
    /// The raw JSON of the messages is not kept, but counts: in total, it had at most `messages` × 16 KiB
    /// when the messages arrived. Above these limits, the oldest messages are dropped. They are not stored with the
    /// session, and do not include messages sent by this client, which the service does not report.
    #[must_use]
    pub fn remember(mut self, messages: usize) -> Self {
        self.recent = Recent::of(messages);
        self
    }

    /// Returns whether the last exchanges that receive messages succeeded.
    pub(super) const fn is_healthy(&self) -> bool {
        !self.fetch.has_failed() && !self.check.has_failed()
    }

    /// Returns whether a batch is being applied.
    pub(super) const fn is_applying(&self) -> bool {
        self.arriving.is_some()
    }

    /// Finishes the current batch, and selects the next step.
    fn finish(&mut self, account: &mut Account, now: Timestamp) {
        let Some((useful, more)) = self.batch.take() else { return };
        let backoff = account.session.device.backoff(Lane::Inbox);
        if useful {
            backoff.useful();
        } else {
            backoff.idle();
        }
        self.rounds += 1;
        if more && self.rounds < ROUNDS {
            self.fetch(Pace::Round);
        } else {
            self.look_up_or_check(account, now);
        }
    }

    fn fetch(&mut self, pace: Pace) {
        self.fetch.pace = pace;
        self.step = Step::Fetch;
    }

    fn look_up_or_check(&mut self, account: &mut Account, now: Timestamp) {
        let Account { pending, directory, .. } = account;
        self.step = match pending.lookup(directory, now) {
            Some(lookup) => Step::Lookup(Box::new(Call::new(lookup))),
            None => Step::Check,
        };
    }

    fn deliver(&mut self, account: &mut Account, applied: Applied, now: Timestamp) {
        if !self.immediate
            && let Some(lookup) = account.pending.rooms(&applied.messages, now)
        {
            self.step = Step::Lookup(Box::new(Call::new(lookup)));
        }
        self.messages = applied.messages.into();
        self.batch = Some((applied.is_useful, applied.has_more));
    }

    /// Applies a received batch in parts, because applying a large one at once would lock the
    /// account for a long time.
    fn arrive(&mut self, account: &mut Account, now: Timestamp) -> Result<(), Interrupt> {
        let Some(mut arriving) = self.arriving.take() else { return Ok(()) };
        if account.apply_part(&mut arriving) {
            self.arriving = Some(arriving);
            return Err(Interrupt::Sleep(PAUSE));
        }
        let applied = account.finish(*arriving);
        self.deliver(account, applied, now);
        Ok(())
    }

    /// Runs the lookup, if there is one, until it succeeds or fails.
    fn look_up(&mut self, account: &mut Account, now: Timestamp) -> Result<(), Interrupt> {
        let Step::Lookup(call) = &mut self.step else { return Ok(()) };
        let is_awaited = !self.messages.is_empty();
        if account.close_reason().is_none() {
            match call.poll(&mut account.session, now) {
                Ok(contacts) => account.looked_up(call.endpoint(), contacts, now),
                // Failed lookups are not reported; they are retried with their own back-off.
                Err(Interrupt::Fail(error)) if is_awaited => account.pending.back_off(&error, now),
                Err(Interrupt::Fail(error)) => account.pending.failed(&error, now),
                Err(Interrupt::Send(mut request)) if is_awaited => {
                    request.deadline = ROOMS;
                    return Err(Interrupt::Send(request));
                }
                Err(interrupt) => return Err(interrupt),
            }
        }
        self.step = Step::Check;
        Ok(())
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            number: None,
            step: Step::Fetch,
            // The first fetch is sent at once: `synccheck` needs its keys.
            fetch: Retry::new(FetchBatch::new(), Lane::Inbox).paced(Pace::Round),
            check: Retry::long_poll(SyncCheck, Lane::Inbox, || Check::Quiet).paced(Pace::LongPoll),
            arriving: None,
            messages: VecDeque::new(),
            delivered: None,
            manual: false,
            immediate: false,
            batch: None,
            rounds: 0,
            recent: Recent::default(),
        }
    }
}

impl Flow for Inbox {
    type State = Account;
    type Output = Message;

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<Message, Interrupt> {
        let number = match self.number {
            Some(number) => number,
            None => {
                let (number, arrived) = account.open_inbox();
                if let Some(arrived) = arrived {
                    self.deliver(account, arrived, now);
                }
                *self.number.insert(number)
            }
        };
        if let Some((id, place)) = self.delivered.take() {
            account.session.acknowledge_at(&id, place);
        }
        match account.close_reason() {
            // Messages received before the service closed the session are still delivered, because
            // they will not be sent again. After a stop, the rest is received again when the
            // session is resumed.
            Some(Error::LoggedOut { ret, .. })
                if ret != Ret::OK && (self.arriving.is_some() || !self.messages.is_empty()) => {}
            Some(error) => return Err(error.into()),
            None => {}
        }
        if !account.is_newest_inbox(number) {
            return Err(Error::InUse.into());
        }
        loop {
            self.arrive(account, now)?;
            self.look_up(account, now)?;
            while let Some(mut message) = self.messages.pop_front() {
                // The message was acknowledged meanwhile, through an older inbox.
                if account.session.acks.contains(&message.id) {
                    continue;
                }
                if !self.manual {
                    self.delivered = Some((message.id.clone(), message.place));
                }
                self.recent.pass(&mut message);
                return Ok(message);
            }
            // The session is closed, and all remaining messages were already acknowledged.
            if let Some(error) = account.close_reason() {
                return Err(error.into());
            }
            self.finish(account, now);
            match &mut self.step {
                Step::Fetch => {
                    let batch = self.fetch.poll(&mut account.session, now)?;
                    self.arriving = Some(Box::new(account.begin(batch)));
                }
                Step::Lookup(_) => {}
                Step::Check => match self.check.poll(&mut account.session, now)? {
                    Check::News { .. } => {
                        account.session.device.backoff(Lane::Inbox).news(now);
                        self.rounds = 0;
                        self.fetch(Pace::Step);
                    }
                    Check::Quiet => {
                        account.session.device.backoff(Lane::Inbox).quiet(now);
                        self.look_up_or_check(account, now);
                    }
                },
            }
        }
    }

    fn handle(&mut self, input: Input) {
        match &mut self.step {
            Step::Fetch => self.fetch.handle(input),
            Step::Lookup(call) => call.handle(input),
            Step::Check => self.check.handle(input),
        }
    }
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
