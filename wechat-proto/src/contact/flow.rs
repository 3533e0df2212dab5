//! The address book and the rooms, as a flow.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::batches::Batches;
use super::list::{self, Page};
use super::{Contact, batch};
use crate::account::Account;
use crate::call::Call;
use crate::error::Error;
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::UserName;
use crate::time::Timestamp;

/// Loads all contacts into the account's directory: the address book page by page, then the
/// members of the rooms and the chats that stand in no address book, 50 a request.
///
/// Its output says that it is done. What was loaded before a failure stays; polled again after
/// one, it goes on where it was.
#[derive(Debug, Default)]
pub struct Contacts {
    state: State,
    /// Whether a request waits for its time: nothing that comes then is its reply.
    held: bool,
    /// Where the pages began that were asked for.
    pages: BTreeSet<i64>,
    names: Names,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Paging {
        seq: i64,
        /// Kept for its reply alone: what is sent next has the session's newest skey.
        call: Option<Call<Page>>,
    },
    Batching {
        call: Option<Call<Vec<Contact>>>,
    },
    /// The last names were refused, and that was told.
    Done,
}

/// The names to ask for, and what became of those before.
#[derive(Debug, Default)]
struct Names {
    batches: Batches<UserName>,
    /// How many were refused alone, one after the other.
    alone: u32,
    /// How many requests failed, one after the other.
    failures: u32,
    /// Whether any batch was answered.
    any: bool,
}

/// More pages than any address book has: the official page stops at 17.
const PAGES: usize = 100;
/// How many names may be refused alone, one after the other, before others are asked for first,
/// where nothing was answered yet; and before that is told (some rooms are dead).
const ALONE: u32 = 3;
const DEAD: u32 = 10;

impl Contacts {
    /// A load of all contacts.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Flow for Contacts {
    type State = Account;
    type Output = ();

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<(), Interrupt> {
        if let Some(error @ Error::LoggedOut { .. }) = account.over() {
            return Err(error.into());
        }
        loop {
            let session = &mut account.session;
            match core::mem::take(&mut self.state) {
                State::Start => {
                    self.pages.clear();
                    self.page(0);
                }
                State::Done => return Ok(()),
                State::Paging { seq, call } => {
                    let mut call = call
                        .filter(Call::has_reply)
                        .unwrap_or_else(|| list::request(session, seq, now));
                    match call.poll(&mut session.device, now) {
                        Ok(page) => {
                            useful(account, !page.contacts.is_empty());
                            for contact in page.contacts {
                                account.directory.merge(contact);
                            }
                            // Zero is the end; so is a number that comes again, and so are too many.
                            let seen = self.pages.contains(&page.next);
                            if page.next == 0 || seen || self.pages.len() >= PAGES {
                                self.names =
                                    Names { batches: wanted(account).into(), ..Names::default() };
                                if self.batch() {
                                    return Ok(());
                                }
                            } else {
                                self.page(page.next);
                            }
                        }
                        Err(interrupt) => {
                            self.state = State::Paging { seq, call: Some(call) };
                            self.settle(account, interrupt, now)?;
                        }
                    }
                }
                State::Batching { call } => {
                    let mut call = call
                        .filter(Call::has_reply)
                        .unwrap_or_else(|| batch::request(session, &self.names.next(), now));
                    match call.poll(&mut session.device, now) {
                        Ok(contacts) => {
                            useful(account, !contacts.is_empty());
                            // By name: the service leaves some out and sorts as it likes.
                            for contact in contacts {
                                account.directory.merge(contact);
                            }
                            self.names.answered();
                            if self.batch() {
                                return Ok(());
                            }
                        }
                        // A service that fails says nothing about the names.
                        Err(Interrupt::Fail(error @ Error::Refused { .. }))
                            if !error.is_transient() =>
                        {
                            account.session.device.paces.contacts.strike();
                            let told = self.names.refused();
                            let done = self.batch();
                            if told || done && self.names.was_in_vain() {
                                if done {
                                    self.state = State::Done;
                                }
                                return Err(error.into());
                            }
                            if done {
                                return Ok(());
                            }
                        }
                        Err(interrupt) => {
                            if let Interrupt::Fail(error) = &interrupt {
                                account.wanted.slow(error, now);
                                self.names.failed(error);
                                if self.names.next().is_empty() {
                                    // The last one was given up.
                                    self.state = State::Done;
                                    return Err(interrupt);
                                }
                            }
                            self.state = State::Batching { call: Some(call) };
                            self.settle(account, interrupt, now)?;
                        }
                    }
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if self.held {
            return;
        }
        match &mut self.state {
            State::Paging { call: Some(call), .. } => call.handle(input),
            State::Batching { call: Some(call) } => call.handle(input),
            _ => {}
        }
    }
}

impl Contacts {
    fn page(&mut self, seq: i64) {
        self.pages.insert(seq);
        self.state = State::Paging { seq, call: None };
    }

    /// Goes on with the next names; says whether there are none left.
    fn batch(&mut self) -> bool {
        let done = self.names.next().is_empty();
        if !done {
            self.state = State::Batching { call: None };
        }
        done
    }

    fn settle(
        &mut self,
        account: &mut Account,
        interrupt: Interrupt,
        now: Timestamp,
    ) -> Result<(), Interrupt> {
        account.session.device.paces.contacts.settle(interrupt, now, &mut self.held)
    }
}

impl Names {
    /// The names of the next request.
    fn next(&self) -> Vec<UserName> {
        self.batches.next().cloned().collect()
    }

    fn answered(&mut self) {
        self.alone = 0;
        self.failures = 0;
        self.any = true;
        self.batches.answered();
    }

    /// The next names were refused. Says whether that is to be told.
    fn refused(&mut self) -> bool {
        if !self.batches.refused() {
            return false;
        }
        self.alone += 1;
        let told = self.alone >= DEAD;
        if told {
            self.alone = 0;
        } else if self.alone == ALONE && !self.any {
            self.batches.put_off();
        }
        told
    }

    /// A request for the next names failed: from the third time on, they are asked for in smaller
    /// batches, since one of them may be why.
    fn failed(&mut self, error: &Error) {
        self.failures = self.failures.saturating_add(1);
        let others = matches!(error, Error::Limited { .. } | Error::LoggedOut { .. });
        if self.failures > 2 && !others {
            self.batches.too_much();
        }
    }

    /// Whether some were refused, and none was answered.
    const fn was_in_vain(&self) -> bool {
        !self.any && self.alone >= ALONE
    }
}

/// An answer came: whether it brought anything.
fn useful(account: &mut Account, brought: bool) {
    let pace = &mut account.session.device.paces.contacts;
    if brought {
        pace.clear();
    } else {
        pace.strike();
    }
}

/// The names to ask for: rooms, whose members no list names, and chats that no list has.
fn wanted(account: &Account) -> VecDeque<UserName> {
    let rooms = account.directory.rooms().map(|room| &room.user_name);
    let chats = account.session.chat_set.iter();
    let unknown = chats.filter(|name| account.directory.find(name).is_none());
    rooms.chain(unknown).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
