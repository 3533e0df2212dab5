//! The program, which may be killed at any step, and its world.

use std::collections::BTreeSet;
use std::time::Duration;

use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{LocalFile, Upload, UploadProgress};
use wechat_proto::message::{SendText, SendUpload};
use wechat_proto::{Call, Device, Error, Flow as _, Message, Session, Timestamp};
use wechat_simulator::{Incoming, World};

use super::expected::{Acknowledges, Expected, MessageKind, Stores};
use super::process::{Disk, Order, Process, Running, Send};
use crate::faults::line::Line;

/// A program and its world.
pub(super) struct Bot {
    pub(super) line: Line,
    pub(super) disk: Disk,
    pub(super) stores: Stores,
    pub(super) acknowledges: Acknowledges,
    pub(super) process: Option<Process>,
    pub(super) chats: Vec<String>,
    /// The ids of the messages, in order.
    pub(super) written: Vec<String>,
    /// Messages returned in sessions that were closed before they were handled.
    pub(super) lost_ids: BTreeSet<String>,
    pub(super) kills: usize,
    pub(super) orders: usize,
    pub(super) seed: u8,
    /// Whether the next step is for sends.
    pub(super) turn: bool,
    /// The last error, for the message of a failed assertion.
    pub(super) last_error: Option<Error>,
}

/// The maximum number of messages held before one is handled.
const HELD: usize = 6;

pub(super) const PIXELS: [u8; 64] = [0xff; 64];

impl Bot {
    pub(super) fn new(expected: &Expected) -> Self {
        let mut world = World::new(expected.chats as u64 * 7 + expected.batch as u64);
        let mut chats: Vec<String> =
            (1..expected.chats).map(|n| world.add_person(&format!("朋友 {n}"))).collect();
        let members: Vec<&str> = chats.iter().map(String::as_str).collect();
        let room = world.add_room("群", &members);
        chats.push(room);
        world.messages_per_sync(expected.batch);
        world.ignore_clocks();
        Self {
            line: Line::new(world),
            disk: Disk::default(),
            stores: expected.stores,
            acknowledges: expected.acknowledges,
            process: None,
            chats,
            written: Vec::new(),
            lost_ids: BTreeSet::new(),
            kills: 0,
            orders: 0,
            seed: 0,
            turn: false,
            last_error: None,
        }
    }

    pub(super) fn seed(&mut self) -> [u8; 32] {
        self.seed = self.seed.wrapping_add(1);
        [self.seed; 32]
    }

    pub(super) fn log_in(&mut self, login: Login, mut device: Device) {
        device.mix_seed(self.seed());
        self.process = Some(Process::LoggingIn(Box::new((login, device))));
    }

    /// Runs one step of the program.
    pub(super) fn step(&mut self) {
        match self.process.take() {
            None => match &self.disk.session {
                None => self.log_in(Login::new(), Device::new()),
                Some(json) => {
                    let mut session = Session::from_json(json).unwrap();
                    session.mix_seed(self.seed());
                    self.process =
                        Some(Process::Running(Running::new(session.into(), self.acknowledges)));
                }
            },
            Some(Process::LoggingIn(mut both)) => {
                let (login, device) = &mut *both;
                match self.line.step(login, device, &[]) {
                    Some(Ok(Progress::LoggedIn(account))) => {
                        // Messages that the previous session did not handle are not delivered
                        // again.
                        let world = self.line.simulator.world();
                        let handed = world.delivered().iter().map(|message| &message.msg_id);
                        let lost = handed.filter(|id| !self.disk.effects.contains(id));
                        self.lost_ids.extend(lost.cloned());
                        drop(world);
                        self.disk.session = Some(account.session().to_json());
                        self.process =
                            Some(Process::Running(Running::new(*account, self.acknowledges)));
                    }
                    other => {
                        self.last_error = other.and_then(Result::err).or(self.last_error.take());
                        self.process = Some(Process::LoggingIn(both));
                    }
                }
            }
            Some(Process::Running(mut running)) => {
                let closed = self.run(&mut running);
                if closed {
                    // A closed session is useless after a kill.
                    self.disk.session = None;
                    let device = running.account.session().clone().into_device();
                    self.log_in(Login::again(), device);
                } else {
                    self.process = Some(Process::Running(running));
                }
            }
        }
    }

    /// Runs one step of a logged-in process; returns whether its session is closed.
    pub(super) fn run(&mut self, running: &mut Running) -> bool {
        if let Some(message) = running.current.take() {
            self.disk.effects.push(message.id.to_string());
            running.unsaved = true;
            running.last = Some(message);
            if matches!(self.stores, Stores::Together) {
                self.store(running);
            }
            return false;
        }
        if running.unsaved {
            self.store(running);
            return false;
        }
        self.turn = !self.turn;
        let held = running.held.len();
        if held > 0 && (held == HELD || self.draw(5) == 0) {
            running.current = Some(running.held.swap_remove(self.draw(held)));
            return false;
        }
        if self.turn && running.account.close_reason().is_none() {
            if running.contacts.is_some() {
                return self.load(running);
            }
            if !self.disk.orders.is_empty() {
                return self.send(running);
            }
        }
        match self.line.step(&mut running.inbox, &mut running.account, &[]) {
            Some(Ok(message)) => self.receive(running, message),
            Some(Err(Error::LoggedOut { ret, .. })) => {
                assert!(ret.ends_session(), "{ret:?}");
                // Held messages are not delivered again.
                while let Some(message) = running.held.pop() {
                    self.disk.effects.push(message.id.to_string());
                }
                return true;
            }
            // After any other error, the inbox continues if it is polled again.
            Some(Err(error)) => {
                let unexpected =
                    matches!(error, Error::Unanswered { .. } | Error::InUse | Error::Stopped);
                assert!(!unexpected, "{error:?}");
                self.last_error = Some(error);
            }
            // No message is pending: all returned ones were acknowledged by polling.
            None => self.disk.session = Some(running.account.session().to_json()),
        }
        false
    }

    /// Handles a message that the inbox returned.
    fn receive(&mut self, running: &mut Running, message: Message) {
        match self.acknowledges {
            Acknowledges::Automatic => running.current = Some(message),
            Acknowledges::Manual(_) => {
                // A new inbox returns held messages again. Either copy may be handled.
                match running.held.iter().position(|held| held.id == message.id) {
                    Some(position) if self.draw(2) == 0 => running.held[position] = message,
                    Some(_) => {}
                    None => running.held.push(message),
                }
            }
        }
    }

    /// Returns a random number below a limit, or 0 for an automatic inbox.
    fn draw(&mut self, limit: usize) -> usize {
        let Acknowledges::Manual(state) = &mut self.acknowledges else { return 0 };
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*state >> 33) as usize % limit
    }

    /// Stores the session after the last handled message.
    pub(super) fn store(&mut self, running: &mut Running) {
        if let (Acknowledges::Manual(_), Some(message)) = (self.acknowledges, &running.last) {
            running.account.session_mut().acknowledge(message);
        }
        let mut session = running.account.session().clone();
        if let Some(message) =
            running.last.as_ref().filter(|_| !matches!(self.stores, Stores::Plain))
        {
            session.acknowledge(message);
        }
        self.disk.session = Some(session.to_json());
        running.unsaved = false;
    }

    pub(super) fn load(&mut self, running: &mut Running) -> bool {
        let Some(contacts) = &mut running.contacts else { return false };
        match self.line.step(contacts, &mut running.account, &[]) {
            Some(Ok(())) | Some(Err(Error::LoggedOut { .. })) => running.contacts = None,
            Some(Err(_)) | None => {}
        }
        false
    }

    pub(super) fn send(&mut self, running: &mut Running) -> bool {
        let now = self.line.now();
        let Some(mut order) = self.disk.orders.pop_front() else { return false };
        let done = self.advance_order(running, &mut order, now);
        if !done {
            self.disk.orders.push_front(order);
        }
        false
    }

    /// Runs one step of a send; returns whether it is complete.
    pub(super) fn advance_order(
        &mut self,
        running: &mut Running,
        order: &mut Order,
        now: Timestamp,
    ) -> bool {
        if order.picture && order.uploaded.is_none() {
            let upload = running.upload.get_or_insert_with(|| {
                let file = LocalFile::new("p.png", PIXELS.len() as u64).unwrap();
                Upload::new(order.to.clone(), file)
            });
            match self.line.step(upload, running.account.as_mut(), &PIXELS) {
                Some(Ok(UploadProgress::Done(uploaded))) => {
                    order.uploaded = Some(uploaded);
                    running.upload = None;
                }
                Some(Err(error)) => {
                    assert!(!matches!(error, Error::Unanswered { .. }), "{error:?}");
                    self.last_error = Some(error);
                }
                _ => {}
            }
            return false;
        }
        if order.id.is_none() {
            // The id is stored before the message is sent.
            order.id = Some(running.account.session_mut().next_client_msg_id(now));
            self.store(running);
        }
        let id = order.id.unwrap();
        let call = running.call.get_or_insert_with(|| match &order.uploaded {
            Some(uploaded) => {
                let send = SendUpload::new(order.to.clone(), uploaded);
                Send::Upload(Call::new(send.with_id(id)))
            }
            None => {
                let send = SendText::new(order.to.clone(), &*order.text);
                Send::Text(Call::new(send.with_id(id)))
            }
        });
        let session = running.account.session_mut();
        let result = match call {
            Send::Text(call) => self.line.step(call, session, &[]),
            Send::Upload(call) => self.line.step(call, session, &[]),
        };
        match result {
            None => {}
            Some(Ok(receipt)) => {
                assert!(receipt.msg_id.is_usable() || receipt.client_msg_id.is_none());
                running.call = None;
                return true;
            }
            Some(Err(error)) => {
                self.last_error = Some(error);
                running.call = None;
                self.line.simulator.world().advance(Duration::from_secs(1));
            }
        }
        false
    }

    /// Cancels pending operations: polls them once without serving interrupts, which processes
    /// received inputs.
    pub(super) fn cancel(&mut self) {
        let now = self.line.now();
        let mut process = self.process.take();
        match &mut process {
            Some(Process::LoggingIn(both)) => {
                let (login, device) = &mut **both;
                drop(login.poll(device, now));
            }
            Some(Process::Running(running)) if running.current.is_none() && !running.unsaved => {
                if let Ok(message) = running.inbox.poll(&mut running.account, now) {
                    self.receive(running, message);
                }
                let account = &mut running.account;
                match &mut running.call {
                    Some(Send::Text(call)) => drop(call.poll(account.as_mut(), now)),
                    Some(Send::Upload(call)) => drop(call.poll(account.as_mut(), now)),
                    None => {}
                }
                let upload = running.upload.as_mut();
                drop(upload.map(|upload| upload.poll(account.as_mut(), now)));
                let contacts = running.contacts.as_mut();
                drop(contacts.map(|contacts| contacts.poll(account, now)));
            }
            _ => {}
        }
        self.process = process;
    }

    /// Writes a message of this kind to a chat.
    pub(super) fn write(&mut self, chat: usize, kind: MessageKind) {
        let mut world = self.line.simulator.world();
        let (name, text) = (self.chats[chat].clone(), format!("{} <&>", self.written.len()));
        let member = self.chats[0].clone();
        let is_room = chat + 1 == self.chats.len();
        let id = match kind {
            MessageKind::Own => world.phone().writes(&name, &text),
            MessageKind::Text if is_room => world.member_writes(&name, &member, &text),
            MessageKind::Text => world.person_writes(&name, &text),
            MessageKind::Picture | MessageKind::Broken => {
                let from = if is_room { &member } else { &name };
                let message = match kind {
                    MessageKind::Picture => Incoming::image(from, &PIXELS[..]),
                    _ => Incoming::new(from, 49, "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;"),
                };
                world.deliver(if is_room { message.in_room(&name) } else { message })
            }
        };
        self.written.push(id);
    }

    pub(super) fn change(&mut self, what: usize) {
        let mut world = self.line.simulator.world();
        match what {
            0 => world.refresh_skey(),
            1 => world.phone().renames_self("新名字"),
            _ => {
                let name = self.chats[what % self.chats.len()].clone();
                world.change_contact(&name, |contact| contact.star_friend ^= 1);
            }
        }
    }
}
