//! A flow that loads the address book and the rooms.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::batches::Batches;
use super::{BatchGetContacts, Contact, GetContacts};
use crate::parts::{PAUSE, Parts};
use crate::retry::{Lane, Retry};
use crate::{Account, Error, Flow, Input, Interrupt, Timestamp, UserName};

/// A flow that loads all contacts into the account's directory: the address book page by page, then
/// the members of the rooms and the chats that are not in the address book, 50 per request. On the
/// file-transfer page, which has no address book, no request is sent.
///
/// Transient errors are retried silently and reported after three consecutive failures. Contacts
/// loaded before an error are kept. If the flow is polled again after an error, it resumes where it
/// stopped.
#[derive(Debug, Default)]
pub struct LoadContacts {
    state: State,
    /// The only names to look up.
    only: Option<Vec<UserName>>,
    /// The `Seq` numbers of the pages that were fetched.
    pages: BTreeSet<i64>,
    names: Names,
    /// The contacts of a reply that are being added, and the next page after a page.
    arriving: Option<(Parts, Option<i64>)>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Paging(Retry<GetContacts>),
    Batching(Retry<BatchGetContacts>),
    /// The refusal of the last names was reported.
    Done,
}

/// The names to look up, and the results so far.
#[derive(Debug, Default)]
struct Names {
    batches: Batches<UserName>,
    /// The number of consecutive names that were refused alone.
    alone: u32,
    /// Whether any batch was answered.
    any: bool,
}

/// The maximum number of pages, more than any address book has: the official page stops at 17.
const PAGES: usize = 100;
/// The number of consecutive single refusals after which other names are looked up first, if no
/// batch was answered yet ([`ALONE`]), and after which the error is reported ([`DEAD`]). Some rooms
/// no longer exist.
const ALONE: u32 = 3;
const DEAD: u32 = 10;

impl LoadContacts {
    /// Returns a flow that loads all contacts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a flow that loads only these contacts, for example a room with its members.
    pub fn only(names: impl IntoIterator<Item = UserName>) -> Self {
        Self { only: Some(names.into_iter().collect()), ..Self::default() }
    }

    fn page(&mut self, seq: i64) {
        self.pages.insert(seq);
        self.state = State::Paging(Retry::new(GetContacts::from_seq(seq), Lane::Contacts));
    }

    /// Keeps the contacts of a reply, and reports to the back-off whether it has any.
    fn arrive(&mut self, account: &mut Account, contacts: Vec<Contact>, next: Option<i64>) {
        let backoff = account.session.device.backoff(Lane::Contacts);
        if contacts.is_empty() {
            backoff.idle();
        } else {
            backoff.useful();
        }
        self.arriving = Some((contacts.into(), next));
    }

    /// Continues with the next page or, after the last, with the names; returns whether loading is
    /// complete.
    fn turn(&mut self, account: &Account, next: i64) -> bool {
        // Paging ends at 0, at a number that was fetched before, and at the maximum number of
        // pages.
        if next != 0 && !self.pages.contains(&next) && self.pages.len() < PAGES {
            self.page(next);
            return false;
        }
        self.look_up(names(account))
    }

    /// Continues with these names; returns whether there are none.
    fn look_up(&mut self, names: VecDeque<UserName>) -> bool {
        self.names = Names { batches: names.into(), ..Names::default() };
        self.next_batch()
    }

    /// Continues with the next names; returns whether none are left.
    fn next_batch(&mut self) -> bool {
        let names = self.names.next();
        let done = names.is_empty();
        if !done {
            let endpoint = BatchGetContacts::new(&names);
            if let State::Batching(retry) = &mut self.state {
                *retry.endpoint_mut() = endpoint;
            } else {
                let retry = Retry::new(endpoint, Lane::Contacts)
                    .give_up_on(|error| matches!(error, Error::Refused { .. }));
                self.state = State::Batching(retry);
            }
        }
        done
    }
}

impl Flow for LoadContacts {
    type State = Account;
    type Output = ();

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<(), Interrupt> {
        if let Some(error @ Error::LoggedOut { .. }) = account.close_reason() {
            return Err(error.into());
        }
        let mut done = false;
        while !done {
            if let Some((contacts, next)) = &mut self.arriving {
                // A large reply is added in parts, because adding it at once would lock the account
                // for a long time.
                if account.load_part(contacts) {
                    return Err(Interrupt::Sleep(PAUSE));
                }
                let next = *next;
                self.arriving = None;
                done = match next {
                    Some(next) => self.turn(account, next),
                    None => {
                        // Records are matched by name, because the service may omit some and use
                        // any order.
                        self.names.answered();
                        self.next_batch()
                    }
                };
                continue;
            }
            done = match &mut self.state {
                State::Start => match self.only.clone() {
                    Some(names) => self.look_up(names.into()),
                    None if account.session.device.entry.is_file_helper() => true,
                    None => {
                        self.pages.clear();
                        self.page(0);
                        false
                    }
                },
                State::Done => true,
                State::Paging(retry) => {
                    let page = retry.poll(&mut account.session, now)?;
                    self.arrive(account, page.contacts, Some(page.next));
                    false
                }
                State::Batching(retry) => match retry.poll(&mut account.session, now) {
                    Ok(contacts) => {
                        self.arrive(account, contacts, None);
                        false
                    }
                    Err(Interrupt::Fail(error @ Error::Refused { .. })) => {
                        account.session.device.backoff(Lane::Contacts).idle();
                        let report = self.names.refused();
                        let done = self.next_batch();
                        if report || done && self.names.was_in_vain() {
                            if done {
                                self.state = State::Done;
                            }
                            return Err(error.into());
                        }
                        done
                    }
                    Err(Interrupt::Fail(error)) => {
                        account.pending.slow(&error, now);
                        self.names.failed(&error);
                        if self.next_batch() {
                            // The last name is not requested again.
                            self.state = State::Done;
                        }
                        return Err(error.into());
                    }
                    Err(interrupt) => return Err(interrupt),
                },
            };
        }
        self.state = State::Start;
        if self.only.is_none() {
            account.set_has_contacts();
        }
        Ok(())
    }

    fn handle(&mut self, input: Input) {
        match &mut self.state {
            State::Paging(retry) => retry.handle(input),
            State::Batching(retry) => retry.handle(input),
            State::Start | State::Done => {}
        }
    }
}

impl Names {
    /// Returns the names of the next request.
    fn next(&self) -> Vec<UserName> {
        self.batches.next().cloned().collect()
    }

    fn answered(&mut self) {
        self.alone = 0;
        self.any = true;
        self.batches.answered();
    }

    /// Applies a refusal of the next names; returns whether it is to be reported.
    fn refused(&mut self) -> bool {
        if !self.batches.refused() {
            return false;
        }
        self.alone += 1;
        let report = self.alone >= DEAD;
        if report {
            self.alone = 0;
        } else if self.alone == ALONE && !self.any {
            self.batches.put_off();
        }
        report
    }

    /// Handles three failures of the next names: they are looked up in smaller batches, since one
    /// of them may be the cause.
    fn failed(&mut self, error: &Error) {
        if !matches!(error, Error::Limited { .. } | Error::LoggedOut { .. }) {
            self.batches.too_much();
        }
    }

    /// Returns whether some batches were refused and none was answered.
    const fn was_in_vain(&self) -> bool {
        !self.any && self.alone >= ALONE
    }
}

/// Returns the names to look up: rooms, since no list has their members, and chats that are not in
/// the directory.
fn names(account: &Account) -> VecDeque<UserName> {
    let rooms = account.directory.rooms().map(|room| &room.user_name);
    let chats = account.session.chat_set.iter();
    let unknown = chats.filter(|name| account.directory.find(name).is_none());
    rooms.chain(unknown).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
