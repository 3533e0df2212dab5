//! The results of checks.

use std::fmt;

use super::{Feature, Promise};

/// The results of all checks. Its `Display` output is a table.
#[derive(Clone, Debug)]
#[must_use = "a report must be inspected or asserted"]
#[non_exhaustive]
pub struct Report {
    /// The results, in the order of the promises.
    pub checks: Vec<Checked>,
}

/// The result of one check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The name of the check.
    pub name: &'static str,
    /// The promise that it checks.
    pub promise: Promise,
    /// Its outcome.
    pub outcome: Outcome,
}

/// The outcome of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The promise was kept.
    Kept,
    /// The promise was broken. Contains the observed behaviour.
    Broken(String),
    /// The check was skipped, because the transport does not offer this feature.
    Skipped(Feature),
}

impl Report {
    /// Returns whether no promise was broken.
    pub fn is_kept(&self) -> bool {
        self.broken().next().is_none()
    }

    /// Returns the checks that failed.
    pub fn broken(&self) -> impl Iterator<Item = &Checked> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Broken(_)))
    }

    /// Returns the skipped checks and the features that they need.
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
    /// If a promise was broken. The message is the whole report.
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
