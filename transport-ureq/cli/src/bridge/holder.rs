//! The socket of the process that holds a session, for commands that find it held.

use std::io::{self, BufReader, Write as _};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum as _;
use serde_json::Value;
use socket2::Socket;

use super::names::Epoch;
use super::operation::Operation;
use super::{lines, local};
use crate::exit::{Exit, Failure};

/// A connection to the holder of a session.
#[derive(Debug)]
pub(crate) struct Connection(BufReader<Socket>);

/// The reason why the holder did not run an operation.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// The operation failed.
    Failed(Failure),
    /// The holder ended before it began the operation, which can be repeated.
    NotBegun,
}

impl From<Failure> for NotDone {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The time limit for the holder to begin an operation.
const BEGIN: Duration = Duration::from_secs(5);

impl Connection {
    /// Connects to the holder of a session. Returns `None` if it offers no socket (yet).
    pub(crate) fn open(session: &Path) -> Option<Self> {
        local::connect(session).map(|stream| Self(BufReader::new(stream)))
    }

    /// Sends an operation to the holder, and returns its result, with `UserName`s without logins.
    ///
    /// # Errors
    ///
    /// [`NotDone::NotBegun`] if the holder ended before the operation, [`NotDone::Failed`] if the
    /// operation failed: with [`Exit::Unanswered`] if the holder ended during a change.
    pub(crate) fn request(&mut self, operation: &Operation) -> Result<Value, NotDone> {
        let mut request = serde_json::to_vec(operation).map_err(io::Error::from).map_err(broken)?;
        request.push(b'\n');
        let stream = self.0.get_mut();
        stream.set_read_timeout(Some(BEGIN)).map_err(broken)?;
        if stream.write_all(&request).is_err() {
            return Err(NotDone::NotBegun);
        }
        let mut line = match lines::read_any(&mut self.0) {
            Ok(Some(line)) => line,
            Ok(None) => return Err(NotDone::NotBegun),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(NotDone::NotBegun);
            }
            Err(_) => {
                let (en, zh) = (
                    "the process that holds the session does not respond",
                    "占用会话的进程没有响应",
                );
                return Err(Failure::new(Exit::InUse, en, zh).into());
            }
        };
        let mut reply: Value = parse(&line)?;
        if reply["accepted"] == true {
            self.0.get_mut().set_read_timeout(None).map_err(broken)?;
            line = match lines::read_any(&mut self.0) {
                Ok(Some(line)) => line,
                Ok(None) | Err(_) if !operation.is_change() => return Err(NotDone::NotBegun),
                Ok(None) | Err(_) => return Err(unanswered().into()),
            };
            reply = parse(&line)?;
        }
        Epoch::remove(&mut reply);
        match reply.get_mut("error") {
            Some(error) => Err(failure(error).into()),
            None => Ok(reply["ok"].take()),
        }
    }
}

fn unanswered() -> Failure {
    Failure::new(
        Exit::Unanswered,
        "the process that holds the session ended during the operation, which may have taken effect",
        "占用会话的进程中途退出，操作可能已经生效",
    )
    .hint("look at the phone before repeating it", "重复操作之前请先在手机上查看")
}

fn parse(line: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(line).map_err(|_| unanswered())
}

fn broken(error: io::Error) -> Failure {
    Failure::new(
        Exit::Other,
        format!("the holder's socket: {error}"),
        format!("会话套接字：{error}"),
    )
}

/// Returns the failure that a reply describes.
fn failure(error: &mut Value) -> Failure {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let code = error["exit"].as_u64();
    let is_code = |exit: &&Exit| code == Some(u64::from(**exit as u8));
    let exit = Exit::value_variants().iter().find(is_code).copied();
    let message = text(&error["message"]);
    let mut failure = Failure::new(exit.unwrap_or(Exit::Other), &*message, &*message);
    if let Some(hint) = error.get("hint").map(text) {
        failure = failure.hint(&*hint, &*hint);
    }
    let Some(details) = error.as_object_mut() else { return failure };
    for (name, value) in std::mem::take(details) {
        if !matches!(&*name, "exit" | "message" | "hint") {
            failure = failure.detail(&name, value);
        }
    }
    failure
}
