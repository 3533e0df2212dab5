//! The steps of which each may be the last.

use std::fs::File;
use std::io::{self, Write as _};

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Create,
    Write,
    SyncFile,
    Rename,
    SyncFolder,
    Remove,
}

/// Goes on; tests may let a step fail, or be the last of all.
#[cfg(not(test))]
pub(crate) const fn step(_: Step) -> io::Result<()> {
    Ok(())
}

/// Writes all of it.
#[cfg(not(test))]
pub(crate) fn write(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.write_all(text)
}

#[cfg(test)]
pub(crate) use self::faults::{step, write};

/// Steps that fail.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::Cell;
    use std::fs::OpenOptions;

    use super::*;

    /// What becomes of a step.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub(crate) enum Fault {
        /// The system refuses it.
        Error,
        /// The process ends before it; nothing of what would follow is done.
        Crash,
        /// Of writing: the disk is full.
        Full,
        /// Of writing: the process ends after so many bytes.
        CutShort(usize),
    }

    thread_local! {
        static FAULT: Cell<Option<(Step, Fault)>> = const { Cell::new(None) };
    }

    /// Lets the next step of this kind fail.
    pub(crate) fn inject(step: Step, fault: Fault) {
        FAULT.set(Some((step, fault)));
    }

    /// Whether the fault that was injected has not happened.
    pub(crate) fn is_pending() -> bool {
        FAULT.take().is_some()
    }

    fn take(step: Step, is: impl Fn(Fault) -> bool) -> Option<Fault> {
        let (at, fault) = FAULT.get()?;
        (at == step && is(fault)).then(|| {
            FAULT.set(None);
            fault
        })
    }

    pub(crate) fn step(step: Step) -> io::Result<()> {
        match take(step, |fault| matches!(fault, Fault::Error | Fault::Crash)) {
            Some(Fault::Error) => Err(io::Error::other("injected")),
            // Not caught before the test itself: what would clean up is passed by.
            Some(_) => std::panic::panic_any(Crash),
            None => Ok(()),
        }
    }

    /// What a crash unwinds with.
    pub(crate) struct Crash;

    pub(crate) fn write(file: &mut File, text: &[u8]) -> io::Result<()> {
        match take(Step::Write, |fault| matches!(fault, Fault::Full | Fault::CutShort(_))) {
            Some(Fault::CutShort(bytes)) => {
                file.write_all(&text[..bytes])?;
                std::panic::panic_any(Crash)
            }
            Some(_) => OpenOptions::new().write(true).open("/dev/full")?.write_all(text),
            None => file.write_all(text),
        }
    }
}
