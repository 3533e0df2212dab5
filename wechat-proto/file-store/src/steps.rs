//! The steps of saving, each of which may fail in tests.

use std::fs::File;
use std::io::{self, Write as _};

/// A step of saving or removing a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Create,
    Write,
    SyncFile,
    Rename,
    SyncFolder,
    RemoveJournal,
    SyncRemoval,
    Remove,
}

/// Does nothing, successfully. In tests, a step may fail or crash instead.
#[cfg(not(test))]
pub(crate) const fn step(_: Step) -> io::Result<()> {
    Ok(())
}

/// Writes the whole text.
#[cfg(not(test))]
pub(crate) fn write(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.write_all(text)
}

#[cfg(test)]
pub(crate) use self::faults::{step, write};

/// Injected faults.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::{Cell, RefCell};
    use std::fs::OpenOptions;

    use super::*;

    /// A fault of a step.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub(crate) enum Fault {
        /// The step fails.
        Error,
        /// The process ends before the step.
        Crash,
        /// The disk is full (write only).
        Full,
        /// The process ends after this many bytes (write only).
        CutShort(usize),
    }

    thread_local! {
        static FAULT: Cell<Option<(Step, Fault)>> = const { Cell::new(None) };
        static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    }

    /// Injects a fault into the next step of this kind.
    pub(crate) fn inject(step: Step, fault: Fault) {
        FAULT.set(Some((step, fault)));
    }

    /// Returns whether an injected fault has not occurred yet, and removes it.
    pub(crate) fn is_pending() -> bool {
        FAULT.take().is_some()
    }

    /// Returns the steps since the last call.
    pub(crate) fn steps() -> Vec<Step> {
        STEPS.take()
    }

    fn take(step: Step, is: impl Fn(Fault) -> bool) -> Option<Fault> {
        let (at, fault) = FAULT.get()?;
        (at == step && is(fault)).then(|| {
            FAULT.set(None);
            fault
        })
    }

    pub(crate) fn step(step: Step) -> io::Result<()> {
        STEPS.with_borrow_mut(|steps| steps.push(step));
        match take(step, |fault| matches!(fault, Fault::Error | Fault::Crash)) {
            Some(Fault::Error) => Err(io::Error::other("injected")),
            // Only the test catches the panic, so that no cleanup runs.
            Some(_) => std::panic::panic_any(Crash),
            None => Ok(()),
        }
    }

    /// The panic payload of a crash.
    pub(crate) struct Crash;

    pub(crate) fn write(file: &mut File, text: &[u8]) -> io::Result<()> {
        match take(Step::Write, |fault| matches!(fault, Fault::Full | Fault::CutShort(_))) {
            Some(Fault::CutShort(bytes)) => {
                file.write_all(text.get(..bytes).unwrap_or(text))?;
                std::panic::panic_any(Crash)
            }
            Some(_) => OpenOptions::new().write(true).open("/dev/full")?.write_all(text),
            None => file.write_all(text),
        }
    }
}
