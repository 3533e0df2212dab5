//! A flow that finds the record of a contact.

use alloc::boxed::Box;

use super::{Contact, Directory, LoadContacts, Recipient, Resolve};
use crate::{Account, Error, Flow, Input, Interrupt, Timestamp, UserName};

/// A flow that returns the record of a contact; for a room, with its members.
///
/// Finds the contact like [`Resolve`], and looks it up if the directory lacks it or some of its
/// members. A room may lack members if the service does not list all of them.
#[derive(Debug)]
pub struct FindContact {
    resolve: Resolve,
    /// The contact that is looked up.
    lookup: Option<Box<(UserName, LoadContacts)>>,
}

impl FindContact {
    /// Returns a flow that finds this contact.
    pub fn new(recipient: impl Into<Recipient>) -> Self {
        Self { resolve: Resolve::new(recipient), lookup: None }
    }
}

/// Returns a contact whose record is complete.
fn complete<'a>(directory: &'a Directory, name: &UserName) -> Option<&'a Contact> {
    directory.find(name).filter(|contact| !contact.is_room() || contact.has_all_members())
}

impl Flow for FindContact {
    type State = Account;
    type Output = Contact;

    /// Fails with the errors of [`Resolve`] and [`LoadContacts`], and with
    /// [`Error::UnknownContact`] if the service does not return the contact.
    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<Contact, Interrupt> {
        let lookup = match &mut self.lookup {
            Some(lookup) => lookup,
            None => {
                let name = self.resolve.poll(account, now)?;
                if let Some(contact) = complete(&account.directory, &name) {
                    return Ok(contact.clone());
                }
                let load = LoadContacts::only([name.clone()]);
                self.lookup.insert(Box::new((name, load)))
            }
        };
        let (name, load) = &mut **lookup;
        load.poll(account, now)?;
        let found = account.directory.find(name).cloned();
        Ok(found.ok_or_else(|| Error::UnknownContact { name: name.as_str().into() })?)
    }

    fn handle(&mut self, input: Input) {
        match &mut self.lookup {
            Some(lookup) => lookup.1.handle(input),
            None => self.resolve.handle(input),
        }
    }
}
