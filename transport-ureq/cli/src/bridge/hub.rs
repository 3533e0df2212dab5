//! The events of a bridge: their numbers, acknowledgements and subscribers.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use wechat_proto::{Message, MsgId, Session};

use super::names::Epoch;
use crate::exit::{Exit, Failure};
use crate::notes::NoteFile;
use crate::output::SCHEMA;
use crate::signals;

/// The events of one session. Each has a number (`seq`) above those of earlier events; a message has
/// the same number when it is delivered again.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Signals that a message was acknowledged, or the end.
    changed: Condvar,
    file: NoteFile,
}

#[derive(Debug, Default)]
struct State {
    notes: Notes,
    next: u64,
    epoch: Option<Epoch>,
    /// The messages that were delivered and not acknowledged.
    pending: BTreeMap<u64, (Arc<Message>, Arc<str>)>,
    /// The last step of the login.
    login: Option<Arc<str>>,
    consumer: Option<Sender<Arc<str>>>,
    observers: Vec<Sender<Arc<str>>>,
    /// Whether waits for acknowledgements have ended.
    is_ending: bool,
}

/// The state that outlives the process.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Notes {
    /// The login of these messages.
    login: Option<Epoch>,
    /// The first number that is not reserved.
    unused: u64,
    messages: VecDeque<Noted>,
}

/// The number of a message that may be delivered again.
#[derive(Debug, Deserialize, Serialize)]
struct Noted {
    id: MsgId,
    seq: u64,
    /// Whether it was acknowledged before it was delivered again.
    is_acked: bool,
}

/// The maximum number of unacknowledged messages. At this number, no more are received.
const WINDOW: usize = if cfg!(test) { 5 } else { 10_000 };
/// The interval at which a wait for acknowledgements checks for a signal.
const PAUSE: Duration = Duration::from_millis(200);
/// The maximum number of queued events of a subscriber. A slower one is disconnected.
const QUEUE: usize = 1000;
/// The number of event numbers that are reserved at once.
const NUMBERS: u64 = 1000;

impl Hub {
    /// Opens the events that belong to a session, which this process holds.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if the notes cannot be read.
    pub(crate) fn open(session: &Path) -> Result<Self, Failure> {
        let file = NoteFile::beside(session, "bridge");
        let lost = [
            "events may then have the numbers of earlier ones",
            "之后的事件可能重复使用之前的编号",
        ];
        let notes: Notes = file.load(lost)?;
        let state = State { next: notes.unused.max(1), notes, ..State::default() };
        Ok(Self { state: Mutex::new(state), changed: Condvar::new(), file })
    }

    /// Begins the events of a login. The numbers of messages of another login are forgotten.
    pub(crate) fn begin(&self, session: &Session) {
        let mut state = self.state();
        let epoch = Epoch::of(session);
        if state.notes.login.as_ref() != Some(&epoch) {
            state.notes.login = Some(epoch.clone());
            state.notes.messages.clear();
        }
        state.epoch = Some(epoch);
    }

    /// Publishes an event that is delivered once, and returns its line.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if its number cannot be noted.
    pub(crate) fn publish(&self, kind: &str, fields: Value) -> Result<Arc<str>, Failure> {
        let mut state = self.state();
        let seq = self.number(&mut state)?;
        let line = state.line(kind, seq, fields);
        if matches!(kind, "qr" | "confirm_on_phone" | "scanned" | "cancelled" | "logged_in") {
            state.login = Some(Arc::clone(&line));
        }
        state.send(&line);
        Ok(line)
    }

    /// Publishes a message, which is delivered again by the next process unless it is
    /// [acknowledged](Hub::ack), and returns its line; `None` if it was acknowledged already. Waits
    /// while too many messages are unacknowledged.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if its number cannot be noted.
    pub(crate) fn deliver(
        &self,
        message: &Message,
        kind: &str,
        fields: Value,
    ) -> Result<Option<Arc<str>>, Failure> {
        let mut state = self.state();
        while state.pending.len() >= WINDOW && !state.is_ending && signals::arrived().is_none() {
            let waited = self.changed.wait_timeout(state, PAUSE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let noted = state.notes.messages.iter().find(|noted| noted.id == message.id);
        let noted = noted.filter(|_| message.id.is_usable());
        let seq = match noted {
            Some(noted) if noted.is_acked => return Ok(None),
            Some(noted) => noted.seq,
            None => {
                let seq = self.number(&mut state)?;
                if state.notes.messages.len() >= 2 * WINDOW {
                    state.notes.messages.pop_front();
                }
                state.notes.messages.push_back(Noted {
                    id: message.id.clone(),
                    seq,
                    is_acked: false,
                });
                self.file.store(&state.notes)?;
                seq
            }
        };
        let line = state.line(kind, seq, fields);
        state.pending.insert(seq, (Arc::new(message.clone()), Arc::clone(&line)));
        state.send(&line);
        Ok(Some(line))
    }

    /// Acknowledges an event: passes its message to `acknowledge`, which stores the acknowledgement.
    /// Has no effect for other events and repeated acknowledgements.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] if no event has had this number; those of `acknowledge`.
    pub(crate) fn ack(
        &self,
        seq: u64,
        acknowledge: impl FnOnce(&Message) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut state = self.state();
        if seq == 0 || seq >= state.next {
            let (en, zh) =
                (format!("no event has the number {seq}"), format!("没有编号为 {seq} 的事件"));
            return Err(Failure::new(Exit::Usage, en, zh));
        }
        if let Some((message, _)) = state.pending.get(&seq) {
            let message = Arc::clone(message);
            drop(state);
            acknowledge(&message)?;
            let mut state = self.state();
            state.pending.remove(&seq);
            state.notes.messages.retain(|noted| noted.seq != seq);
            self.changed.notify_all();
        } else if let Some(noted) = state.notes.messages.iter_mut().find(|noted| noted.seq == seq) {
            // A message of an earlier process, which the service has not sent again yet.
            noted.is_acked = true;
            self.file.store(&state.notes)?;
        }
        Ok(())
    }

    /// Removes a message that was acknowledged elsewhere.
    pub(crate) fn forget(&self, message: &Message) {
        let mut state = self.state();
        let notes = &mut state.notes.messages;
        if let Some(index) = notes.iter().position(|noted| noted.id == message.id)
            && let Some(noted) = notes.remove(index)
        {
            state.pending.remove(&noted.seq);
            self.changed.notify_all();
        }
    }

    /// Subscribes to the events. The last step of the login comes first; for the consumer, then all
    /// messages that are not acknowledged.
    ///
    /// # Errors
    ///
    /// [`Exit::InUse`] if there is another consumer.
    pub(crate) fn subscribe(&self, is_consumer: bool) -> Result<Receiver<Arc<str>>, Failure> {
        let mut state = self.state();
        if is_consumer && state.has_consumer() {
            let (en, zh) = ("another consumer reads the events", "已有另一个事件消费者");
            return Err(Failure::new(Exit::InUse, en, zh));
        }
        let again = if is_consumer { state.pending.len() } else { 0 };
        let (sender, receiver) = channel(QUEUE + again);
        for line in
            state.login.iter().chain(state.pending.values().take(again).map(|(_, line)| line))
        {
            // The queue is long enough for these messages.
            let _ = sender.try_send(Arc::clone(line));
        }
        match is_consumer {
            _ if state.is_ending => {}
            true => state.consumer = Some(sender),
            false => state.observers.push(sender),
        }
        Ok(receiver)
    }

    pub(crate) fn has_consumer(&self) -> bool {
        self.state().has_consumer()
    }

    /// Returns the number of messages that were delivered and not acknowledged.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.state().pending.len()
    }

    /// Ends all waits for acknowledgements, also later ones.
    pub(crate) fn release(&self) {
        self.state().is_ending = true;
        self.changed.notify_all();
    }

    /// Ends all subscriptions.
    pub(crate) fn close(&self) {
        self.release();
        let mut state = self.state();
        state.consumer = None;
        state.observers.clear();
    }

    /// Returns the next number.
    fn number(&self, state: &mut State) -> Result<u64, Failure> {
        if state.next >= state.notes.unused {
            state.notes.unused = state.next + NUMBERS;
            self.file.store(&state.notes)?;
        }
        state.next += 1;
        Ok(state.next - 1)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&self, kind: &str, seq: u64, fields: Value) -> Arc<str> {
        let mut line = json!({ "v": SCHEMA, "seq": seq, "type": kind });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields);
        }
        if let Some(epoch) = &self.epoch {
            epoch.add(&mut line);
        }
        line.to_string().into()
    }

    /// Sends a line to all subscribers, and removes those that have disconnected or are too slow.
    fn send(&mut self, line: &Arc<str>) {
        self.observers.retain(|observer| observer.try_send(Arc::clone(line)).is_ok());
        self.consumer.take_if(|consumer| consumer.try_send(Arc::clone(line)).is_err());
    }

    fn has_consumer(&self) -> bool {
        self.consumer.as_ref().is_some_and(|consumer| !consumer.is_closed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> Message {
        let json = json!({ "MsgId": id, "FromUserName": "@a", "ToUserName": "@me", "MsgType": 1 });
        Message::from_json(&json.to_string(), &"@me".parse().unwrap()).unwrap()
    }

    fn seq(line: &str) -> u64 {
        serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()
    }

    fn deliver(hub: &Hub, id: &str) -> Option<u64> {
        hub.deliver(&message(id), "message", json!({})).unwrap().map(|line| seq(&line))
    }

    #[test]
    fn message_keeps_its_number_until_it_is_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("a.session");
        let hub = Hub::open(&session).unwrap();
        assert_eq!(seq(&hub.publish("qr", json!({})).unwrap()), 1);
        assert_eq!(
            (deliver(&hub, "7"), deliver(&hub, "8"), deliver(&hub, "9")),
            (Some(2), Some(3), Some(4))
        );
        let mut stored = Vec::new();
        hub.ack(3, |message| {
            stored.push(message.id.clone());
            Ok(())
        })
        .unwrap();
        hub.ack(3, |_| panic!("it is acknowledged")).unwrap();
        assert_eq!((&*stored[0].to_string(), hub.unacknowledged()), ("8", 2));

        // The process ends as if it was killed, without storing its state.
        let hub = Hub::open(&session).unwrap();
        assert_eq!(deliver(&hub, "7"), Some(2));
        // The message is acknowledged before the service sends it again.
        hub.ack(4, |_| panic!("the message is not there yet")).unwrap();
        let hub = Hub::open(&session).unwrap();
        assert_eq!((deliver(&hub, "9"), deliver(&hub, "7")), (None, Some(2)));
        assert!(deliver(&hub, "10").unwrap() > 4);
        let failure = hub.ack(99_999, |_| Ok(())).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[test]
    fn one_consumer_receives_pending_messages() {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::open(&folder.path().join("a.session")).unwrap();
        hub.publish("logged_in", json!({})).unwrap();
        hub.publish("recovered", json!({})).unwrap();
        deliver(&hub, "7");
        let mut consumer = hub.subscribe(true).unwrap();
        assert_eq!(hub.subscribe(true).unwrap_err().exit, Exit::InUse);
        let mut observer = hub.subscribe(false).unwrap();
        deliver(&hub, "8");
        let numbers = |receiver: &mut Receiver<Arc<str>>| {
            std::iter::from_fn(|| receiver.try_recv().ok())
                .map(|line| seq(&line))
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(&mut consumer), [1, 3, 4]);
        assert_eq!(numbers(&mut observer), [1, 4]);
        drop(consumer);
        assert_eq!(numbers(&mut hub.subscribe(true).unwrap()), [1, 3, 4]);
        hub.close();
        assert!(observer.is_closed());
    }

    #[test]
    fn messages_wait_while_too_many_are_unacknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::open(&folder.path().join("a.session")).unwrap();
        for number in 1..=WINDOW {
            deliver(&hub, &number.to_string());
        }
        std::thread::scope(|scope| {
            let next = scope.spawn(|| deliver(&hub, "next"));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!next.is_finished());
            hub.ack(1, |_| Ok(())).unwrap();
            assert_eq!(next.join().unwrap(), Some(WINDOW as u64 + 1));
            let last = scope.spawn(|| deliver(&hub, "last"));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!last.is_finished());
            hub.release();
            last.join().unwrap();
        });
        assert_eq!(hub.unacknowledged(), WINDOW + 1);
    }

    #[test]
    fn slow_observer_is_disconnected() {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::open(&folder.path().join("a.session")).unwrap();
        let observer = hub.subscribe(false).unwrap();
        for _ in 0..=QUEUE {
            hub.publish("recovered", json!({})).unwrap();
        }
        assert!(observer.is_closed());
    }
}
