//! The results of checks.

use std::fmt;

use super::{Feature, Promise};

/// The severity of a failed check.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "a check is required or it is not")]
pub enum Grade {
    /// The protocol breaks, data is lost or disclosed, or a wait never ends. For a [`Feature`]: it does not work.
    Must,
    /// The deviation has no effect on the protocol.
    Should,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "must",
            Self::Should => "should",
        })
    }
}

/// The results of all checks. Its `Display` output lists every check, and for a failed one the expected and the
/// observed behaviour.
#[derive(Clone, Debug)]
#[must_use = "a report must be inspected or asserted"]
#[non_exhaustive]
pub struct Report {
    /// The results, in the order of the table.
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
    /// Whether the protocol depends on it.
    pub grade: Grade,
    /// For [`Grade::Must`], why the protocol breaks; for [`Grade::Should`], why a difference has no effect.
    pub reason: &'static str,
    /// The outcome.
    pub outcome: Outcome,
    /// Whether [`Kit::deviations`](super::Kit::deviations) lists it; `None` if that was not called.
    pub declared: Option<bool>,
}

/// The outcome of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The transport behaves as expected.
    Passed,
    /// The transport behaves differently.
    Failed(Deviation),
    /// The check was skipped, because the transport does not offer this feature.
    Skipped(Feature),
}

/// The difference between expected and observed behaviour.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Deviation {
    /// The expected behaviour.
    pub expected: String,
    /// The observed behaviour.
    pub found: String,
}

impl Deviation {
    /// The length in characters after which a text is cut: replies can be long.
    const LENGTH: usize = 200;

    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        let brief = |text: String| match text.char_indices().nth(Self::LENGTH) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        };
        Self { expected: brief(expected.into()), found: brief(found.into()) }
    }
}

impl Checked {
    /// Returns the label of its line in a report, in upper case if the check makes the report fail.
    fn label(&self) -> &'static str {
        match (&self.outcome, self.grade, self.declared) {
            (Outcome::Failed(_), Grade::Must, _) => "FAILED",
            (Outcome::Failed(_), Grade::Should, Some(false)) => "UNDECLARED",
            (Outcome::Failed(_), Grade::Should, _) => "deviates",
            (_, _, Some(true)) => "OUTDATED",
            (Outcome::Passed, ..) => "passed",
            (Outcome::Skipped(_), ..) => "skipped",
        }
    }

    /// Returns whether the check makes the report fail.
    pub fn is_error(&self) -> bool {
        matches!(self.label(), "FAILED" | "UNDECLARED" | "OUTDATED")
    }
}

impl Report {
    /// Returns whether the transport conforms: no *must* check failed and, if [deviations were
    /// declared](super::Kit::deviations), exactly those *should* checks failed.
    pub fn is_conforming(&self) -> bool {
        !self.checks.iter().any(Checked::is_error)
    }

    /// Returns the failed checks of this grade.
    pub fn failed(&self, grade: Grade) -> impl Iterator<Item = &Checked> {
        let failed = move |check: &&Checked| {
            check.grade == grade && matches!(check.outcome, Outcome::Failed(_))
        };
        self.checks.iter().filter(failed)
    }

    /// Returns the skipped checks and the features that they need.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, Feature)> {
        self.checks.iter().filter_map(|check| match check.outcome {
            Outcome::Skipped(feature) => Some((check.name, feature)),
            _ => None,
        })
    }

    /// Asserts that the transport [conforms](Self::is_conforming).
    ///
    /// # Panics
    ///
    /// If it does not. The message is the whole report.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_conforming(), "the transport does not conform\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        for check in &self.checks {
            let Checked { name, promise, grade, reason, outcome, .. } = check;
            write!(f, "{:10}  {grade:6}  {name:width$}  {promise}", check.label())?;
            match outcome {
                Outcome::Passed => writeln!(f)?,
                Outcome::Skipped(feature) => writeln!(f, " (no {feature:?})")?,
                Outcome::Failed(Deviation { expected, found }) => {
                    writeln!(f, "\n    expected: {expected}\n    found:    {found}")?;
                    writeln!(f, "    {:9} {reason}", format!("{grade}:"))?;
                }
            }
        }
        let (must, should) = (self.failed(Grade::Must).count(), self.failed(Grade::Should).count());
        let (all, skipped) = (self.checks.len(), self.skipped().count());
        let passed = all - must - should - skipped;
        writeln!(
            f,
            "{all} checks: {passed} passed, {must} failed, {should} deviate, {skipped} skipped"
        )
    }
}

/// The result of a check or one of its steps. The error describes the observed behaviour.
pub(crate) type Seen<T = ()> = Result<T, Deviation>;

/// Returns an error unless the two values are equal.
macro_rules! same {
    ($seen:expr, $expected:expr $(,)?) => {
        match (&$seen, &$expected) {
            (seen, expected) if *seen == *expected => {}
            (seen, expected) => {
                let expected = format!("`{}` is {expected:?}", stringify!($seen));
                return Err(super::Deviation::new(expected, format!("{seen:?}")));
            }
        }
    };
}

/// Returns an error unless the condition holds.
macro_rules! holds {
    ($condition:expr, $expected:expr, $($found:tt)+) => {
        if !$condition {
            return Err(super::Deviation::new($expected, format!($($found)+)));
        }
    };
}
pub(super) use {holds, same};
