//! A program that uses `wechat bridge`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::Place;

/// A running bridge. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    /// The lines that were read while another was awaited.
    skipped: Vec<Value>,
    id: u64,
}

impl Program {
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(&[&["bridge"], arguments].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("a JSON line");
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, lines, skipped: Vec::new(), id: 0 }
    }

    /// Starts a bridge, and waits until it has resumed the session.
    pub(crate) fn logged_in(place: &Place) -> Self {
        let mut program = Self::start(place, &[]);
        program.event("logged_in");
        program
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line.
    pub(crate) fn write(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Writes a line, unless the bridge has ended.
    pub(crate) fn try_write(&mut self, line: &str) {
        let _ = self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes());
    }

    /// Returns the next line; `None` if the bridge has ended.
    pub(crate) fn next(&self) -> Option<Value> {
        self.lines.recv_timeout(Duration::from_secs(20)).ok()
    }

    /// Returns the first line for which the condition holds.
    #[track_caller]
    pub(crate) fn line(&mut self, condition: impl Fn(&Value) -> bool) -> Value {
        if let Some(index) = self.skipped.iter().position(&condition) {
            return self.skipped.remove(index);
        }
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20));
            let line = line.unwrap_or_else(|error| panic!("{error}, after {:?}", self.skipped));
            assert_eq!(line["v"], 1);
            if condition(&line) {
                return line;
            }
            self.skipped.push(line);
        }
    }

    /// Returns the next event of a type.
    #[track_caller]
    pub(crate) fn event(&mut self, kind: &str) -> Value {
        self.line(|line| line["type"] == kind)
    }

    /// Sends a request, and returns the reply.
    #[track_caller]
    pub(crate) fn request(&mut self, mut request: Value) -> Value {
        self.id += 1;
        let id = self.id;
        request["id"] = json!(id);
        self.write(&request.to_string());
        self.line(|line| line["id"] == id)
    }

    /// Sends a request that succeeds, and returns its result.
    #[track_caller]
    pub(crate) fn ok(&mut self, request: Value) -> Value {
        let reply = self.request(request.clone());
        assert!(reply["error"].is_null(), "{request}: {reply}");
        reply["ok"].clone()
    }

    /// Sends a request that fails, and returns its error.
    #[track_caller]
    pub(crate) fn error(&mut self, request: Value) -> Value {
        let reply = self.request(request.clone());
        assert!(reply["ok"].is_null(), "{request}: {reply}");
        reply["error"].clone()
    }

    /// Ends standard input, and returns how the bridge ends, with the remaining lines.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<Value>) {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        let mut lines = std::mem::take(&mut self.skipped);
        lines.extend(self.lines.iter());
        (status, lines)
    }

    /// Kills the bridge with `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
