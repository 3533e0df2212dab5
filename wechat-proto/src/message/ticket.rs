//! What a friend request is answered with.

use alloc::boxed::Box;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::secret::Secret;

/// What a friend request carries and its answer has to: `v2_…@stranger`. Whoever has it can
/// answer, so that `Debug` does not show it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Ticket(Secret);

impl FromStr for Ticket {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse::<Secret>() {
            Ok(secret) if !secret.is_empty() => Ok(Self(secret)),
            _ => Err(Invalid {
                what: "a friend request's ticket",
                expected: "1 to 4,096 visible characters",
            }),
        }
    }
}

impl From<Ticket> for Box<str> {
    /// The ticket itself.
    fn from(ticket: Ticket) -> Self {
        ticket.0.into()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn is_not_shown() {
        let ticket: Ticket = "v2_9d2e@stranger".parse().unwrap();
        assert!(!format!("{ticket:?}").contains("9d2e"));
        assert_eq!(&*Box::<str>::from(ticket), "v2_9d2e@stranger");
        for none in ["", "a b", "中"] {
            assert!(none.parse::<Ticket>().is_err(), "{none}");
        }
    }
}
