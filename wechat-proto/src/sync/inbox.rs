//! Messages as they come, as a flow.
//!
//! ```text
//! Start ──► Fetching ──batch──► handing out, one message a poll ──more──► Fetching
//!            ▲                                  │
//!            │                             nothing left
//!            │                                  ▼
//!            │                    anybody unknown, and time for it? ◄─── quiet ──┐
//!            │                        │ yes               │ no                   │
//!            │                        ▼                   ▼                      │
//!            │                      Asking ──any end──► Checking ────────────────┤
//!            └───────────────────────────────────────────────────────── news ────┘
//! ```

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::check::{self, Check};
use super::fetch::{self, Batch};
use super::key::SyncKey;
use crate::account::Account;
use crate::call::Call;
use crate::contact::Contact;
use crate::error::{Error, FailureKind, Ret, Sent};
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::MsgId;
use crate::message::{Kind, Message, Recent};
use crate::text::brief;
use crate::time::Timestamp;

/// Hears messages: checks, fetches, hands them out one by one, checks again.
///
/// A message is *taken* when the next one is asked for: polling again says that the last one was
/// dealt with. The stored key moves past a batch when all of it is taken, and the ids taken from
/// an unfinished batch are stored with the session. So a bot that stores the session after each
/// message's effect loses none, wherever it is killed. What it then sees again depends on how it
/// stores:
///
/// - [`Account::session`] as it is: the message that was in hand when it was stored, and the next,
///   if that had its effect and the session was not stored yet.
/// - A copy on which the message is taken ([`Session::take`](crate::Session::take)): at most the one
///   that had its effect and whose session was not stored yet.
/// - Such a copy and the effect in one transaction: none. Each message is seen exactly once.
///
/// Code that asks ahead (`buffered`, `for_each_concurrent`) takes early. What an answer without a
/// message changes (cookies, keys) is stored with the next message only, or when the caller stores
/// for another reason.
///
/// Whom messages name and the account's [directory](Account::directory) does not know, it asks
/// for: rooms that stand in no address book, strangers, members who joined. One batch goes out
/// between two checks, after the messages were handed out, and none while the service says that
/// it is too much; a failure of it is told to nobody and holds no message back.
///
/// Passing failures are repeated, ever more slowly, and told from the third in a row on; polled
/// again, the inbox goes on. Only 1100, 1101 and 1102 end it, a logout, [`Account::stop`], and a
/// newer inbox of the same account: it then says so at every poll, and sends nothing.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Its number among the account's inboxes.
    number: Option<u64>,
    state: State,
    /// Whether a request waits for its time: nothing that comes then is its reply.
    held: bool,
    /// Whether news led to the fetch under way.
    led: bool,
    /// What is to be handed out.
    messages: VecDeque<Message>,
    /// The message handed out last, to be taken at the next poll.
    in_hand: Option<MsgId>,
    /// What the batch moves on to when all of it is taken.
    next: Option<Next>,
    /// Fetches in a row without a check in between.
    rounds: usize,
    /// What was handed out, for those that take some of it back.
    recent: Recent,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing under way.
    #[default]
    Idle,
    Fetching(Call<Batch>),
    /// For records of those who are not known.
    Asking(Call<Vec<Contact>>),
    Checking(Call<Check>),
}

#[derive(Debug)]
struct Next {
    sync_key: Option<SyncKey>,
    sync_check_key: Option<SyncKey>,
    more: bool,
    /// Whether the batch brought a message that was not taken before.
    fresh: bool,
    /// Whether it brought anything else: new only if its key is, too.
    changes: bool,
    /// How many messages it brought.
    count: usize,
}

/// How many fetches follow each other where the server says that there is more:
/// `docs/threats.md` S6.
const ROUNDS: usize = 100;

impl Inbox {
    /// An inbox; it retires the account's older one when it is polled first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers the last `messages` that it handed out, so that one that takes back another has
    /// it as its [`Message::original`]; 100 if nothing is said, none with 0.
    ///
    /// Each is kept as [`Message::detach`] leaves it, and all of them together in at most
    /// `messages` × 16 KiB of JSON, and what was read from it: the oldest go first. They are not
    /// stored with the session, and what this client itself sends is not among them (the service
    /// does not tell of it).
    #[must_use]
    pub fn remember(mut self, messages: usize) -> Self {
        self.recent = Recent::of(messages);
        self
    }
}

impl Flow for Inbox {
    type State = Account;
    type Output = Message;

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<Message, Interrupt> {
        let number = *self.number.get_or_insert_with(|| account.open_inbox());
        if let Some(id) = self.in_hand.take() {
            account.session.taken.take(&id);
        }
        match account.over() {
            // What was heard before the server ended the session is still handed out: nobody
            // will send it again. What a stop leaves comes again when the session is resumed.
            Some(Error::LoggedOut { ret, .. }) if ret != Ret::OK && !self.messages.is_empty() => {}
            Some(error) => return Err(error.into()),
            None => {}
        }
        if !account.is_newest_inbox(number) {
            return Err(Error::InUse.into());
        }
        loop {
            while let Some(mut message) = self.messages.pop_front() {
                // The server repeats itself: after a resumption, where polls overlap.
                if !account.session.taken.contains(&message.id) {
                    self.in_hand = Some(message.id.clone());
                    // With each login, the phone tells of its chats: nobody wrote that.
                    if !matches!(message.kind, Kind::Status(_)) {
                        account.session.device.hear();
                    }
                    self.recent.pass(&mut message);
                    return Ok(message);
                }
            }
            // Told before, but for messages that were all taken already: nothing more is sent.
            if let Some(error) = account.over() {
                return Err(error.into());
            }
            if let Some(next) = self.next.take() {
                self.finish(account, next, now);
            }
            match core::mem::take(&mut self.state) {
                // The first fetch waits for nothing: it brings the keys that `synccheck` wants.
                State::Idle => self.fetch(account, false, now),
                State::Fetching(mut call) => match call.poll(&mut account.session.device, now) {
                    Ok(batch) => self.receive(account, batch),
                    Err(interrupt) => {
                        if let Interrupt::Fail(_) = interrupt {
                            // With the clock, `DeviceID` and skey of its own time.
                            call = fetch::request(&mut account.session, now);
                        }
                        self.keep(account, interrupt, now, State::Fetching(call))?;
                    }
                },
                State::Asking(mut call) => match call.poll(&mut account.session.device, now) {
                    Ok(contacts) => {
                        let names = contacts.iter().map(|contact| contact.user_name.clone());
                        let names = names.collect();
                        account.learn(contacts);
                        account.wanted.answered(&account.directory, now);
                        account.wanted.keep(&mut account.directory, names);
                        self.check(account, now);
                    }
                    // Not worth a message: names are asked for again, at a pace of their own.
                    Err(Interrupt::Fail(error)) => {
                        account.wanted.failed(&error, now);
                        self.check(account, now);
                    }
                    Err(interrupt) => {
                        self.state = State::Asking(call);
                        return Err(interrupt);
                    }
                },
                State::Checking(mut call) => match call.poll(&mut account.session.device, now) {
                    Ok(Check::News { .. }) => {
                        account.session.device.paces.inbox.news(now);
                        self.rounds = 0;
                        self.fetch(account, true, now);
                    }
                    Ok(Check::Quiet) => {
                        account.session.device.paces.inbox.quiet(now);
                        self.pause(account, now);
                    }
                    // A poll that ran into its limit is a quiet minute.
                    Err(Interrupt::Fail(Error::Transport(failure)))
                        if failure.kind == FailureKind::Timeout && failure.sent == Sent::Maybe =>
                    {
                        account.session.device.paces.inbox.quiet(now);
                        self.pause(account, now);
                    }
                    Err(interrupt) => {
                        if let Interrupt::Fail(_) = interrupt {
                            call = check::request(&mut account.session, now);
                        }
                        self.keep(account, interrupt, now, State::Checking(call))?;
                    }
                },
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if self.held {
            return;
        }
        match &mut self.state {
            State::Idle => {}
            State::Fetching(call) => call.handle(input),
            State::Asking(call) => call.handle(input),
            State::Checking(call) => call.handle(input),
        }
    }
}

impl Inbox {
    /// Fetches; `led` says that there are news to fetch.
    fn fetch(&mut self, account: &mut Account, led: bool, now: Timestamp) {
        self.led = led;
        self.state = State::Fetching(fetch::request(&mut account.session, now));
    }

    /// Between two checks: asks for those who are not known, if there are any.
    fn pause(&mut self, account: &mut Account, now: Timestamp) {
        let Account { wanted, directory, session, .. } = account;
        match wanted.request(directory, session, now) {
            Some(call) => self.state = State::Asking(call),
            None => self.check(account, now),
        }
    }

    fn check(&mut self, account: &mut Account, now: Timestamp) {
        self.state = State::Checking(check::request(&mut account.session, now));
    }

    /// Applies what a batch changes, and keeps its messages to be handed out. Order:
    /// `docs/protocol.md` §7.2.
    fn receive(&mut self, account: &mut Account, mut batch: Batch) {
        let session = &mut account.session;
        session.renew_skey(core::mem::take(&mut batch.skey));
        let changes = batch.has_changes();
        if let Some(profile) = batch.profile.take() {
            if let Some(name) = profile.nick_name {
                account.directory.rename_me(&name);
                session.me.nick_name = brief(name);
            }
            if let Some(picture) = profile.head_img_url {
                session.me.head_img_url = brief(picture);
            }
        }
        // Looked up for each message: a list would be quadratic.
        let removed: BTreeSet<_> = core::mem::take(&mut batch.removed).into_iter().collect();
        for name in &removed {
            account.forget(name);
        }
        account.learn(core::mem::take(&mut batch.changed));
        account.correct(core::mem::take(&mut batch.changed_members));
        let session = &account.session;
        let (sync_key, sync_check_key) = (batch.sync_key.take(), batch.sync_check_key.take());
        let more = batch.more;
        let messages = batch.messages(&session.me);
        for message in &messages {
            // The last words of a room that was left are no reason to ask for it.
            let peer = message.peer();
            if account.directory.find(peer).is_some() || !removed.contains(peer) {
                account.wanted.hear(&mut account.directory, message);
            }
        }
        let fresh = messages
            .iter()
            .any(|message| message.id.is_known() && !session.taken.contains(&message.id));
        // A message without a number is like a change: the same may have come before.
        let changes = changes || messages.iter().any(|message| !message.id.is_known());
        let count = messages.len();
        self.messages = messages.into();
        self.next = Some(Next { sync_key, sync_check_key, more, fresh, changes, count });
    }

    /// All of a batch is taken: the keys move past it, and the next step begins.
    fn finish(&mut self, account: &mut Account, next: Next, now: Timestamp) {
        let session = &mut account.session;
        let moved = next.sync_key.as_ref().is_some_and(|key| *key != session.sync_key);
        // A key without counters replaces none: `docs/protocol.md` §7.2.
        if let Some(key) = next.sync_key {
            session.sync_key = key;
        }
        // Where the key stands still, the server sends this batch again: it stays open.
        session.taken.finish_batch(if moved { 0 } else { next.count });
        if let Some(key) = next.sync_check_key {
            session.sync_check_key = Some(key);
        }
        if next.fresh || next.changes && moved {
            session.device.paces.inbox.clear();
        } else {
            session.device.paces.inbox.strike();
        }
        self.rounds += 1;
        // Where the key stands still, asking again brings the same.
        if next.more && moved && self.rounds < ROUNDS {
            self.fetch(account, false, now);
        } else {
            self.pause(account, now);
        }
    }

    fn keep(
        &mut self,
        account: &mut Account,
        interrupt: Interrupt,
        now: Timestamp,
        state: State,
    ) -> Result<(), Interrupt> {
        self.state = state;
        let pace = &mut account.session.device.paces.inbox;
        match self.state {
            // News have waited for long enough: what slows a circle down is the check.
            State::Fetching(_) if self.led => {
                pace.settle_step(interrupt, now, &mut self.held, pace.strikes())
            }
            State::Checking(_) => pace.settle_question(interrupt, now, &mut self.held),
            _ => pace.settle_round(interrupt, now, &mut self.held),
        }
    }
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
