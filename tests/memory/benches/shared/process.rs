//! This program in child processes.

use std::env;
use std::fmt::Display;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::shared::Result;

/// A child process, which ends when this is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Runs this program with arguments, under another command if there is one, such as `taskset`.
    pub(crate) fn start(under: &[&str], arguments: &[&str]) -> Result<Self> {
        let program = env::current_exe()?;
        let mut command = match under {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        let mut child =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no stdin")?;
        let output = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        Ok(Self { child, input, output })
    }

    /// Writes a line to its stdin.
    pub(crate) fn tell(&mut self, line: impl Display) -> Result<()> {
        Ok(writeln!(self.input, "{line}")?)
    }

    /// Reads a line from its stdout.
    pub(crate) fn line(&mut self) -> Result<String> {
        Ok(self.output.next().ok_or("a child process ended")??)
    }

    /// Writes a line, and reads the next one.
    pub(crate) fn ask(&mut self, line: impl Display) -> Result<String> {
        self.tell(line)?;
        self.line()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
