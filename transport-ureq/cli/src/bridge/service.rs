//! Requests and events of one session, independent of their transport.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::sync::Notify;
use wechat_proto::error::Ret;
use wechat_proto::message::Kind;
use wechat_proto::{Error, Event, Message};
use wechat_transport_ureq::Client;

use super::hub::Hub;
use super::lines::LONGEST;
use super::operation::Operation;
use super::runner::Runner;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::output::{Output, SCHEMA, text};

/// The bridge of a process that holds a session.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) hub: Hub,
    /// The runner of operations, set once there is a session.
    runner: OnceLock<Runner>,
    /// Set once standard output has the event of the login.
    announced: OnceLock<()>,
    output: Output,
    command: &'static str,
    /// The time of the last event, in milliseconds since 1970.
    last_event: AtomicU64,
    /// Locked for reading by each operation, and for writing at the end.
    running: RwLock<()>,
    /// Notifies the server of HTTP of the end.
    pub(crate) ending: Notify,
    /// Disconnected when there is no [`Writing`] any more; taken at the end.
    writing: Mutex<Option<(Writing, Receiver<Infallible>)>>,
}

/// Held by a transport that has replies or events to write, for which the end of the process waits.
pub(crate) type Writing = Sender<Infallible>;

/// A request: a JSON object with an `id` and an operation.
#[derive(Debug)]
pub(crate) struct Request {
    id: Value,
    pub(crate) operation: Result<Operation, Failure>,
}

/// The time limit of the last replies and events, which a client may not read.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Request {
    /// Parses a request. The reply to a malformed one is an error.
    pub(crate) fn parse(line: &[u8]) -> Self {
        let malformed = |reason: &str| {
            Failure::new(
                Exit::Usage,
                format!("malformed request: {reason}"),
                format!("请求格式错误：{reason}"),
            )
            .detail("kind", "malformed")
        };
        if line.len() > LONGEST {
            return Self { id: Value::Null, operation: Err(malformed("longer than 1 MiB")) };
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else {
            return Self { id: Value::Null, operation: Err(malformed("not a JSON object")) };
        };
        let id = fields.remove("id").unwrap_or_default();
        let operation = Operation::deserialize(Value::Object(fields)).map_err(|error| {
            malformed(&error.to_string().replace("unknown variant", "unknown operation"))
        });
        Self { id, operation }
    }

    /// Returns the line that reports that the operation starts.
    pub(crate) fn accepted(&self) -> String {
        json!({ "v": SCHEMA, "id": self.id, "accepted": true }).to_string()
    }

    /// Returns the line of its result.
    pub(crate) fn reply(&self, result: &Result<Value, Failure>, output: &Output) -> String {
        match result {
            Ok(value) => json!({ "v": SCHEMA, "id": self.id, "ok": value }),
            Err(failure) => {
                json!({ "v": SCHEMA, "id": self.id, "error": output.error(failure) })
            }
        }
        .to_string()
    }
}

impl Service {
    /// Returns the bridge of a session, which this process holds.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if its notes cannot be read.
    pub(crate) fn open(
        session: &Path,
        command: &'static str,
        output: &Output,
    ) -> Result<Arc<Self>, Failure> {
        Ok(Arc::new(Self {
            hub: Hub::open(session)?,
            runner: OnceLock::new(),
            announced: OnceLock::new(),
            output: *output,
            command,
            last_event: AtomicU64::new(0),
            running: RwLock::default(),
            ending: Notify::new(),
            writing: Mutex::new(Some(channel())),
        }))
    }

    /// Begins to serve operations, after the login.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if the notes of the session cannot be read.
    pub(crate) fn begin(
        &self,
        client: &Client,
        session: &Path,
        ledger: Ledger,
    ) -> Result<(), Failure> {
        self.hub.begin(&client.session());
        let runner = Runner::of_holder(client.clone(), session, ledger)?;
        // `begin` is called once.
        let _ = self.runner.set(runner);
        Ok(())
    }

    /// Returns the runner of operations; `None` before the login.
    pub(crate) fn runner(&self) -> Option<&Runner> {
        self.runner.get()
    }

    /// Waits for the login.
    pub(crate) fn wait(&self) -> &Runner {
        self.runner.wait()
    }

    /// Ends the waits for the event of the login.
    pub(crate) fn announce(&self) {
        let _ = self.announced.set(());
    }

    /// Waits until the event of the login has been written.
    pub(crate) fn wait_announced(&self) {
        self.announced.wait();
    }

    /// Runs the operation of a request, and returns the line of the reply. `before` is called before
    /// an operation that is possible; if it fails, or if this process ends, the operation is not
    /// run, and there is no reply.
    pub(crate) fn serve(
        &self,
        request: &Request,
        can_ack: bool,
        before: impl FnOnce() -> bool,
    ) -> Option<String> {
        let running = match self.running.try_read() {
            Ok(running) => running,
            Err(TryLockError::Poisoned(running)) => running.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let result = match &request.operation {
            Ok(operation) if before() => self.run(operation, can_ack),
            Ok(_) => return None,
            Err(failure) => Err(failure.clone()),
        };
        drop(running);
        Some(request.reply(&result, &self.output))
    }

    fn run(&self, operation: &Operation, can_ack: bool) -> Result<Value, Failure> {
        let Some(runner) = self.runner() else {
            let (en, zh) =
                ("the login is not complete: see the events", "登录尚未完成，请查看事件");
            return Err(Failure::new(Exit::LoginNeeded, en, zh));
        };
        match operation {
            Operation::Ack(_) if !can_ack => {
                let (en, zh) =
                    ("only the consumer of the events acknowledges", "只有事件的消费者可以确认");
                Err(Failure::new(Exit::Usage, en, zh).detail("kind", "not_consumer"))
            }
            Operation::Ack(ack) => {
                let acknowledge = |message: &Message| Ok(runner.client.acknowledge(message)?);
                self.hub.ack(ack.seq, acknowledge).map(|()| json!({}))
            }
            Operation::Events(_) => Ok(json!({})),
            Operation::Status(_) => {
                let me = runner.client.me();
                let last = self.last_event.load(Ordering::Relaxed);
                Ok(json!({
                    "user": me.user_name,
                    "name": me.nick_name,
                    "command": self.command,
                    "pid": std::process::id(),
                    "unacknowledged": self.hub.unacknowledged(),
                    "last_event_ms": (last > 0).then_some(last),
                }))
            }
            operation => runner.run(operation),
        }
    }

    /// Publishes an event, and returns its line. Messages are kept for operations that refer to them. If
    /// `is_durable`, they are delivered again until they are acknowledged; `None` is returned for one
    /// that was acknowledged already.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if the number of the event cannot be noted.
    pub(crate) fn event(
        &self,
        event: &Event,
        is_durable: bool,
    ) -> Result<Option<Arc<str>>, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        self.last_event.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
        let message = |message: &Message, kind| {
            let Some(runner) = self.runner() else { return Ok(None) };
            runner.received(message);
            let fields = message_fields(message, &runner.client, &self.output);
            match is_durable {
                true => self.hub.deliver(message, kind, fields),
                false => self.hub.publish(kind, fields).map(Some),
            }
        };
        let (kind, fields) = match event {
            Event::Message(of) => return message(of, "message"),
            Event::FriendRequest { message: of, .. } => return message(of, "friend_request"),
            Event::Changed(change) => ("changed", json!({ "change": change })),
            Event::Trouble(error) => {
                ("trouble", json!({ "error": self.output.error(&error.clone().into()) }))
            }
            Event::Recovered => ("recovered", json!({})),
            Event::Closed(error) => ("ended", self.ended(error)),
            _ => return Ok(None),
        };
        self.hub.publish(kind, fields).map(Some)
    }

    /// Returns the fields of the last event.
    pub(crate) fn ended(&self, error: &Error) -> Value {
        let reason = match error {
            Error::Stopped => "stopped",
            Error::LoggedOut { ret: Ret::OK, .. } => "logged_out",
            Error::LoggedOut { .. } => "session_ended",
            _ => "failed",
        };
        match error {
            Error::LoggedOut { ret, .. } => json!({ "reason": reason, "ret": ret.0 }),
            Error::Stopped => json!({ "reason": reason }),
            error => json!({ "reason": reason, "error": self.output.error(&error.clone().into()) }),
        }
    }

    /// Returns what delays the end of the process until it is dropped; `None` if the process is ending.
    pub(crate) fn writing(&self) -> Option<Writing> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.as_ref().map(|(writing, _)| writing.clone())
    }

    /// Waits for the operations in progress, refuses later ones, and waits until the replies and
    /// events have been written.
    pub(crate) fn finish(&self) {
        std::mem::forget(self.running.write().unwrap_or_else(PoisonError::into_inner));
        self.hub.close();
        self.ending.notify_one();
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((own, ended)) = writing {
            drop(own);
            let _ = ended.recv_timeout(TIMEOUT);
        }
    }
}

/// Returns whether a message is a notice of the phone, such as of a chat that was read, and not a
/// message of a chat.
pub(crate) fn is_notice(message: &Message) -> bool {
    matches!(message.kind, Kind::Status(_))
}

fn message_fields(message: &Message, client: &Client, output: &Output) -> Value {
    let directory = client.directory();
    json!({
        "chat": message.peer(),
        "chat_name": directory.name_of(message.peer()),
        "author": message.author(),
        "author_name": directory.author_name(message),
        "text": text(message, output.lang),
        "mentions_me": client.mentions_me(message),
        "message": message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn malformed_requests_get_an_error() {
        for (line, id, reason) in [
            ("", json!(null), "not a JSON object"),
            ("[1]", json!(null), "not a JSON object"),
            ("\u{0}", json!(null), "not a JSON object"),
            (r#"{"id":7}"#, json!(7), "missing field `do`"),
            (
                r#"{"id":"a","do":"fly"}"#,
                json!("a"),
                "unknown operation `fly`, expected one of `send_text`",
            ),
            (r#"{"id":1,"do":"send_text","to":"a"}"#, json!(1), "missing field `text`"),
            (r#"{"id":1,"do":"pin","chat":"a","x":1}"#, json!(1), "unknown field `x`"),
            (r#"{"id":1,"do":"ack","seq":-1}"#, json!(1), "invalid value"),
        ] {
            let request = Request::parse(line.as_bytes());
            let reply = request
                .reply(&Err(request.operation.clone().unwrap_err()), &Output::new(true, Lang::En));
            let reply: Value = serde_json::from_str(&reply).unwrap();
            assert_eq!(
                (&reply["id"], &reply["error"]["kind"]),
                (&id, &json!("malformed")),
                "{line}"
            );
            assert!(reply["error"]["message"].as_str().unwrap().contains(reason), "{reply}");
        }
        assert!(Request::parse(&vec![b' '; LONGEST + 1]).operation.is_err());
    }

    #[test]
    fn end_waits_for_replies_and_refuses_later_requests() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::new(true, Lang::En);
        let service = Service::open(&folder.path().join("a.session"), "bridge", &output).unwrap();
        let request = Request::parse(br#"{"id":1,"do":"status"}"#);
        let writing = service.writing().unwrap();
        assert!(service.serve(&request, false, || true).is_some());
        let ending = std::thread::spawn({
            let service = Arc::clone(&service);
            move || service.finish()
        });
        while service.writing().is_some() {
            std::thread::yield_now();
        }
        assert!(service.serve(&request, false, || true).is_none());
        std::thread::sleep(Duration::from_millis(20));
        assert!(!ending.is_finished());
        drop(writing);
        ending.join().unwrap();
    }
}
