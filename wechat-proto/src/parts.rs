//! Large lists of contacts, applied in parts between which an adapter unlocks the account:
//! `docs/threats.md` W1.

use alloc::collections::BTreeSet;
use alloc::vec::{self, Vec};
use core::time::Duration;
use core::{iter, mem};

use crate::contact::Contact;
use crate::ids::UserName;
use crate::sync::Batch;

/// A batch that is applied in parts.
#[derive(Debug)]
pub(crate) struct Arriving {
    /// The batch without its contacts.
    pub(crate) batch: Batch,
    pub(crate) has_changes: bool,
    pub(crate) removed: BTreeSet<UserName>,
    pub(crate) changed: Parts,
    pub(crate) changed_members: Parts,
    /// The names of the contacts applied so far.
    pub(crate) contacts: BTreeSet<UserName>,
}

impl Arriving {
    pub(crate) fn new(mut batch: Batch) -> Self {
        let has_changes = batch.has_changes();
        let removed: BTreeSet<_> = mem::take(&mut batch.removed).into_iter().collect();
        Self {
            has_changes,
            contacts: removed.clone(),
            removed,
            changed: mem::take(&mut batch.changed).into(),
            changed_members: mem::take(&mut batch.changed_members).into(),
            batch,
        }
    }
}

/// Contacts that are applied in parts.
#[derive(Debug, Default)]
pub(crate) struct Parts(vec::IntoIter<Contact>);

/// The number of contacts and members of a part. Applying a part takes a few milliseconds in
/// release builds.
pub(crate) const PART: usize = 5_000;
/// The pause between two parts, during which other threads can lock the account.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

impl Parts {
    /// Takes the next contacts while `left` is positive, and subtracts their number and that of
    /// their members.
    pub(crate) fn take(&mut self, left: &mut usize) -> impl Iterator<Item = Contact> {
        iter::from_fn(move || {
            let contact = (*left > 0).then(|| self.0.next())??;
            *left = left.saturating_sub(contact.members.len() + 1);
            Some(contact)
        })
    }

    /// Returns whether all contacts were taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}

impl From<Vec<Contact>> for Parts {
    fn from(contacts: Vec<Contact>) -> Self {
        Self(contacts.into_iter())
    }
}
