//! Contacts with the same name.

use alloc::boxed::Box;
use core::fmt;

use serde::Serialize;

use super::{Contact, ContactKind};
use crate::UserName;

/// One of several contacts with the same name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The `UserName`, which distinguishes the contact from the others.
    pub user_name: UserName,
    /// The kind.
    pub kind: ContactKind,
    /// The remark; may be empty.
    pub remark_name: Box<str>,
    /// The nickname, or the topic of a room.
    pub nick_name: Box<str>,
    /// The alias; often empty.
    pub alias: Box<str>,
}

impl Candidate {
    pub(super) fn of(contact: &Contact) -> Self {
        Self {
            user_name: contact.user_name.clone(),
            kind: contact.kind(),
            remark_name: contact.remark_name.clone(),
            nick_name: contact.nick_name.clone(),
            alias: contact.alias.clone(),
        }
    }
}

/// Displays its kind and its names. Control characters are escaped.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ContactKind::Person => "person",
            ContactKind::Room => "room",
            ContactKind::Official => "official account",
            ContactKind::BuiltIn => "built-in account",
        })?;
        for (label, name) in
            [("remark ", &self.remark_name), ("", &self.nick_name), ("alias ", &self.alias)]
        {
            if !name.is_empty() {
                write!(f, " {label}{name:?}")?;
            }
        }
        Ok(())
    }
}

/// A formatter of the first candidates in one line.
pub(crate) struct Candidates<'a>(pub(crate) &'a [Candidate]);

/// The number of candidates that are displayed.
const SHOWN: usize = 5;

impl fmt::Display for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, candidate) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(f, "{separator}{candidate}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
