//! The phone of the account.

use crate::message::Incoming;
use crate::session::{Code, Stage};
use crate::wire::request::encode;
use crate::wire::text::on_the_wire;
use crate::world::{Event, World};

/// The account's phone, for the actions of its owner.
#[derive(Debug)]
pub struct Phone<'a> {
    pub(crate) world: &'a mut World,
}

impl World {
    /// Returns the account's phone.
    pub fn phone(&mut self) -> Phone<'_> {
        Phone { world: self }
    }
}

impl Phone<'_> {
    /// Returns the code on the screen: the newest one. Without a login of its own, it is one that no phone has scanned.
    fn code(&mut self) -> Option<&mut Code> {
        let is_open = |code: &Code| {
            !code.redeemed && matches!(code.stage, Stage::Shown | Stage::Scanned | Stage::Confirmed)
        };
        if !self.world.codes.last().is_some_and(is_open) {
            self.world.claim(None);
        }
        self.world.codes.last_mut()
    }

    /// Returns the stage of the code on the screen.
    #[cfg(feature = "serve")]
    pub(crate) fn stage(&mut self) -> Option<Stage> {
        self.code().map(|code| code.stage)
    }

    fn set(&mut self, stage: Stage) {
        if let Some(code) = self.code() {
            code.stage = stage;
        }
    }

    /// Scans the newest QR code. With [several accounts](crate::Simulator::add_account), it is the newest one that no
    /// phone has scanned, and belongs to this account from now on.
    pub fn scan(&mut self) {
        let is_shown = |code: &Code| !code.redeemed && code.stage == Stage::Shown;
        if !self.world.codes.last().is_some_and(is_shown) {
            self.world.claim(None);
        }
        self.set(Stage::Scanned);
    }

    /// Scans the QR code with this `uuid`. Returns whether there is one that this account may scan.
    pub fn scan_code(&mut self, uuid: &str) -> bool {
        self.world.claim(Some(uuid));
        let may_scan = |code: &Code| {
            code.uuid == uuid
                && !code.redeemed
                && matches!(code.stage, Stage::Shown | Stage::Scanned)
        };
        let scans = self.world.codes.last().is_some_and(may_scan);
        if scans {
            self.set(Stage::Scanned);
        }
        scans
    }

    /// Confirms the login.
    pub fn confirm(&mut self) {
        let ticket = format!("A{}@qrticket_0", self.world.rng.word(23));
        let (now, lang) = (self.world.now(), encode(&self.world.lang));
        if let Some(code) = self.code() {
            code.redirect =
                format!("ticket={ticket}&uuid={}&lang={lang}&scan={}", code.uuid, now / 1000);
            code.confirmed = now;
            code.stage = Stage::Confirmed;
        }
    }

    /// Cancels the login.
    pub fn cancel(&mut self) {
        self.set(Stage::Cancelled);
    }

    /// Expires the QR code.
    pub fn expire(&mut self) {
        self.set(Stage::Expired);
    }

    /// Makes the login fail with an error of the service.
    pub fn break_login(&mut self) {
        self.set(Stage::Broken);
    }

    fn end(&mut self, ret: i64) {
        if let Some(session) = &mut self.world.session {
            session.ended.get_or_insert(ret);
        }
    }

    /// Logs the web client out: calls fail with 1100 from now on.
    pub fn log_out(&mut self) {
        self.end(1100);
    }

    /// Logs in elsewhere, which ends the session: calls fail with 1101 from now on.
    pub fn kick(&mut self) {
        self.end(1101);
    }

    /// Restricts the account, which ends the session: calls fail with 1102 from now on.
    pub fn restrict(&mut self) {
        self.end(1102);
    }

    /// Writes a message on the phone, which the web client receives too. Returns the `MsgId`.
    pub fn writes(&mut self, to: &str, text: &str) -> String {
        self.sends(to, Incoming::new("", 1, &on_the_wire(text)))
    }

    /// Sends a message of any kind from the phone, which the web client receives too. Returns the `MsgId`.
    pub fn sends(&mut self, to: &str, message: Incoming) -> String {
        let from = self.world.account.user_name.clone();
        self.world.deliver(Incoming { from, to: to.to_owned(), ..message })
    }

    /// Returns the number of unread messages of a chat.
    pub fn unread(&self, chat: &str) -> usize {
        let read = self.world.read.get(chat).copied().unwrap_or(0);
        let news = self.world.timeline.iter().skip(read);
        let of_chat = |event: &&Event| match event {
            Event::Message { message, .. } => message.from == chat && message.msg_type != 51,
            _ => false,
        };
        news.filter(of_chat).count()
    }

    /// Changes the account's name, also for the other accounts that know it.
    pub fn renames_self(&mut self, name: &str) {
        let name = on_the_wire(name);
        self.world.account.nick_name.clone_from(&name);
        self.world.timeline.push(Event::Renamed(name));
        self.world.share_profile();
    }
}
