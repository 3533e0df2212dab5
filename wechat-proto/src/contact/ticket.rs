//! Tickets of friend requests.

use alloc::boxed::Box;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::secret::Secret;

/// The ticket of a friend request, which the answer must carry: `v2_…@stranger`. It is a
/// credential, so `Debug` does not show it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Ticket(Secret);

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Ticket {}

impl Ticket {
    /// Returns the value, for a request.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for Ticket {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse::<Secret>() {
            Ok(secret) if !secret.is_empty() => Ok(Self(secret)),
            _ => Err(Invalid {
                what: "a friend request ticket",
                expected: "1 to 4,096 visible characters",
            }),
        }
    }
}

impl From<Ticket> for Box<str> {
    /// Returns the ticket in plain text.
    fn from(ticket: Ticket) -> Self {
        ticket.0.expose().into()
    }
}
