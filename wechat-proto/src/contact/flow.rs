//! The address book and the rooms, as a flow.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::list::{self, Page};
use super::{Contact, batch};
use crate::account::Account;
use crate::call::Call;
use crate::error::Error;
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::UserName;
use crate::pace::Pace;
use crate::time::Timestamp;

/// Loads all contacts into the account's directory: the address book page by page, then the
/// members of the rooms and the chats that stand in no address book, 50 a request.
///
/// Its output says that it is done. What was loaded before a failure stays; polled again after
/// one, it goes on where it was.
#[derive(Debug, Default)]
pub struct Contacts {
    state: State,
    pace: Pace,
    pages: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Paging {
        seq: i64,
        call: Call<Page>,
    },
    Batching {
        names: Vec<UserName>,
        size: usize,
        call: Call<Vec<Contact>>,
    },
}

/// More pages than any address book has: the official page stops at 17.
const PAGES: u32 = 100;
/// How many names are asked for after a batch was refused: `docs/protocol.md` §5.2.
const STEPS: [usize; 4] = [batch::MOST, 10, 5, 1];

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
                    self.pages = 0;
                    self.state = State::Paging { seq: 0, call: list::request(session, 0, now) };
                }
                State::Paging { seq, mut call } => match call.poll(&mut session.device, now) {
                    Ok(page) => {
                        self.pace.clear();
                        self.pages += 1;
                        for contact in page.contacts {
                            account.directory.merge(contact);
                        }
                        // Zero is the end; a number that stands still, or too many, is one too.
                        if page.next == 0 || page.next == seq || self.pages >= PAGES {
                            let names = wanted(account);
                            if self.batch(account, names, batch::MOST, now) {
                                return Ok(());
                            }
                        } else {
                            let call = list::request(&mut account.session, page.next, now);
                            self.state = State::Paging { seq: page.next, call };
                        }
                    }
                    Err(interrupt) => self.keep(interrupt, now, State::Paging { seq, call })?,
                },
                State::Batching { mut names, size, mut call } => {
                    match call.poll(&mut session.device, now) {
                        Ok(contacts) => {
                            self.pace.clear();
                            // By name: the service leaves some out and sorts as it likes.
                            for contact in contacts {
                                account.directory.merge(contact);
                            }
                            names.drain(..size.min(names.len()));
                            if self.batch(account, names, size, now) {
                                return Ok(());
                            }
                        }
                        Err(Interrupt::Fail(Error::Refused { .. })) => {
                            self.pace.strike();
                            let asked = size.min(names.len());
                            let smaller = STEPS.into_iter().find(|step| *step < asked);
                            if smaller.is_none() {
                                // A name that fails alone is not asked for again.
                                names.drain(..1.min(names.len()));
                            }
                            if self.batch(account, names, smaller.unwrap_or(1), now) {
                                return Ok(());
                            }
                        }
                        Err(interrupt) => {
                            self.keep(interrupt, now, State::Batching { names, size, call })?;
                        }
                    }
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if self.pace.waits() {
            return;
        }
        match &mut self.state {
            State::Start => {}
            State::Paging { call, .. } => call.handle(input),
            State::Batching { call, .. } => call.handle(input),
        }
    }
}

impl Contacts {
    /// Asks for the next names; says whether there are none left.
    fn batch(
        &mut self,
        account: &mut Account,
        names: Vec<UserName>,
        size: usize,
        now: Timestamp,
    ) -> bool {
        let next = names.get(..size.min(names.len())).unwrap_or_default();
        if next.is_empty() {
            return true;
        }
        let call = batch::request(&mut account.session, next, now);
        self.state = State::Batching { names, size, call };
        false
    }

    fn keep(
        &mut self,
        interrupt: Interrupt,
        now: Timestamp,
        state: State,
    ) -> Result<(), Interrupt> {
        self.state = state;
        match interrupt {
            Interrupt::Fail(error) if self.pace.failed(&error) => Err(error.into()),
            Interrupt::Fail(_) => Ok(()),
            interrupt => Err(self.pace.pass(interrupt, now)),
        }
    }
}

/// The names to ask for: rooms, whose members no list names, and chats that no list has.
fn wanted(account: &Account) -> Vec<UserName> {
    let rooms = account.directory.rooms().map(|room| &room.user_name);
    let chats = account.session.chat_set.iter();
    let unknown = chats.filter(|name| account.directory.find(name).is_none());
    rooms.chain(unknown).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
