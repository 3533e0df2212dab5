//! What came of the checks.

use std::fmt;

use super::{Feature, Promise};

/// What came of all checks. It prints as a table.
#[derive(Clone, Debug)]
#[must_use = "a report has to be read, or asserted"]
#[non_exhaustive]
pub struct Report {
    /// One for each, in the order of the promises.
    pub checks: Vec<Checked>,
}

/// What came of one check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub promise: Promise,
    /// What came of it.
    pub outcome: Outcome,
}

/// Whether a promise was kept.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was.
    Kept,
    /// It was not: what was seen instead.
    Broken(String),
    /// Nobody asked, since the transport does not offer this.
    Skipped(Feature),
}

impl Report {
    /// Whether no promise was broken.
    pub fn is_kept(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The checks that failed.
    pub fn broken(&self) -> impl Iterator<Item = &Checked> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Broken(_)))
    }

    /// The checks that were skipped, and what the transport would have to offer for them.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, Feature)> {
        self.checks.iter().filter_map(|check| match check.outcome {
            Outcome::Skipped(feature) => Some((check.name, feature)),
            _ => None,
        })
    }

    /// Asserts that no promise was broken.
    ///
    /// # Panics
    ///
    /// With the whole report, if one was.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_kept(), "a transport breaks its promises\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        for Checked { name, promise, outcome } in &self.checks {
            match outcome {
                Outcome::Kept => writeln!(f, "kept     {name:width$}  {promise}")?,
                Outcome::Skipped(feature) => {
                    writeln!(f, "skipped  {name:width$}  {promise} (no {feature:?})")?;
                }
                Outcome::Broken(seen) => {
                    writeln!(f, "BROKEN   {name:width$}  {promise}: {seen}")?;
                }
            }
        }
        Ok(())
    }
}
