//! The program, which may be killed at any step, and the world that it runs in.

use std::collections::BTreeSet;
use std::time::Duration;

use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{LocalFile, Upload, UploadProgress};
use wechat_proto::message::{SendText, SendUpload};
use wechat_proto::{Call, Device, Error, Flow as _, Message, Session, Timestamp};
use wechat_simulator::{Incoming, World};

use super::book::{Acknowledges, Book, Said, Stores};
use super::process::{Disk, Order, Process, Running, Send};
use crate::faults::line::Line;

/// A program, and the world that it runs in.
pub(super) struct Bot {
    pub(super) line: Line,
    pub(super) disk: Disk,
    pub(super) stores: Stores,
    pub(super) acknowledges: Acknowledges,
    pub(super) process: Option<Process>,
    pub(super) chats: Vec<String>,
    /// The numbers of the messages, in order.
    pub(super) said: Vec<String>,
    /// Handed out to sessions that are over, and never dealt with.
    pub(super) gone: BTreeSet<String>,
    pub(super) kills: usize,
    pub(super) orders: usize,
    pub(super) seed: u8,
    /// Whether the sends have their turn.
    pub(super) turn: bool,
    /// What went wrong last, to be shown where nothing moves.
    pub(super) trouble: Option<Error>,
}

/// How many messages are held before one of them is handled.
const HELD: usize = 6;

pub(super) const PIXELS: [u8; 64] = [0xff; 64];

impl Bot {
    pub(super) fn new(book: &Book) -> Self {
        let mut world = World::new(book.chats as u64 * 7 + book.batch as u64);
        let mut chats: Vec<String> =
            (1..book.chats).map(|n| world.add_person(&format!("朋友 {n}"))).collect();
        let members: Vec<&str> = chats.iter().map(String::as_str).collect();
        let room = world.add_room("群", &members);
        chats.push(room);
        world.messages_per_sync(book.batch);
        world.ignore_clocks();
        Self {
            line: Line::new(world),
            disk: Disk::default(),
            stores: book.stores,
            acknowledges: book.acknowledges,
            process: None,
            chats,
            said: Vec::new(),
            gone: BTreeSet::new(),
            kills: 0,
            orders: 0,
            seed: 0,
            turn: false,
            trouble: None,
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

    /// One step of the program.
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
                        // What was on its way to the session before, nobody sends again.
                        let world = self.line.simulator.world();
                        let handed = world.delivered().iter().map(|message| &message.msg_id);
                        let lost = handed.filter(|id| !self.disk.effects.contains(id));
                        self.gone.extend(lost.cloned());
                        drop(world);
                        self.disk.session = Some(account.session().to_json());
                        self.process =
                            Some(Process::Running(Running::new(*account, self.acknowledges)));
                    }
                    other => {
                        self.trouble = other.and_then(Result::err).or(self.trouble.take());
                        self.process = Some(Process::LoggingIn(both));
                    }
                }
            }
            Some(Process::Running(mut running)) => {
                let over = self.run(&mut running);
                if over {
                    // What is over is of no use to whoever comes after a kill.
                    self.disk.session = None;
                    let device = running.account.session().clone().into_device();
                    self.log_in(Login::again(), device);
                } else {
                    self.process = Some(Process::Running(running));
                }
            }
        }
    }

    /// One step of a process that is logged in; whether its session is over.
    pub(super) fn run(&mut self, running: &mut Running) -> bool {
        if let Some(message) = running.hand.take() {
            self.disk.effects.push(message.id.as_str().to_owned());
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
            running.hand = Some(running.held.swap_remove(self.draw(held)));
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
            // Polled once more, it goes on by itself.
            Some(Err(Error::LoggedOut { ret, .. })) => {
                assert!(ret.ends_session(), "{ret:?}");
                // Nobody sends again what is held.
                while let Some(message) = running.held.pop() {
                    self.disk.effects.push(message.id.as_str().to_owned());
                }
                return true;
            }
            Some(Err(error)) => {
                let odd = matches!(error, Error::Unanswered { .. } | Error::InUse | Error::Stopped);
                assert!(!odd, "{error:?}");
                self.trouble = Some(error);
            }
            // Nothing is in hand: whatever was, was asked past.
            None => self.disk.session = Some(running.account.session().to_json()),
        }
        false
    }

    /// Takes a message that was handed out.
    fn receive(&mut self, running: &mut Running, message: Message) {
        match self.acknowledges {
            Acknowledges::Automatic => running.hand = Some(message),
            Acknowledges::Manual(_) => {
                // A new inbox hands out once more what is held, and either copy will do.
                match running.held.iter().position(|held| held.id == message.id) {
                    Some(position) if self.draw(2) == 0 => running.held[position] = message,
                    Some(_) => {}
                    None => running.held.push(message),
                }
            }
        }
    }

    /// Draws a number below a limit: 0 for an automatic inbox.
    fn draw(&mut self, limit: usize) -> usize {
        let Acknowledges::Manual(state) = &mut self.acknowledges else { return 0 };
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*state >> 33) as usize % limit
    }

    /// Stores the session after what was dealt with last.
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
        let done = self.fulfil(running, &mut order, now);
        if !done {
            self.disk.orders.push_front(order);
        }
        false
    }

    /// One step of a send; whether it is done.
    pub(super) fn fulfil(
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
                    self.trouble = Some(error);
                }
                _ => {}
            }
            return false;
        }
        if order.id.is_none() {
            // Stored with its number before it goes out.
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
                assert!(receipt.msg_id.is_known() || receipt.client_msg_id.is_none());
                running.call = None;
                return true;
            }
            Some(Err(error)) => {
                self.trouble = Some(error);
                running.call = None;
                self.line.simulator.world().advance(Duration::from_secs(1));
            }
        }
        false
    }

    /// Gives up what is under way: polls, and serves nothing. It takes in what has come.
    pub(super) fn give_up(&mut self) {
        let now = self.line.now();
        let mut process = self.process.take();
        match &mut process {
            Some(Process::LoggingIn(both)) => {
                let (login, device) = &mut **both;
                drop(login.poll(device, now));
            }
            Some(Process::Running(running)) if running.hand.is_none() && !running.unsaved => {
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

    /// Something of this kind is said in a chat.
    pub(super) fn say(&mut self, chat: usize, kind: Said) {
        let mut world = self.line.simulator.world();
        let (name, text) = (self.chats[chat].clone(), format!("{} <&>", self.said.len()));
        let member = self.chats[0].clone();
        let is_room = chat + 1 == self.chats.len();
        let id = match kind {
            Said::Own => world.phone().writes(&name, &text),
            Said::Text if is_room => world.member_writes(&name, &member, &text),
            Said::Text => world.person_writes(&name, &text),
            Said::Picture | Said::Broken => {
                let from = if is_room { &member } else { &name };
                let message = match kind {
                    Said::Picture => Incoming::image(from, &PIXELS[..]),
                    _ => Incoming::new(from, 49, "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;"),
                };
                world.deliver(if is_room { message.in_room(&name) } else { message })
            }
        };
        self.said.push(id);
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
