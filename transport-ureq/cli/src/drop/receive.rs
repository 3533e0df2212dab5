//! `wechat drop --receive DIR`

use std::path::Path;

use serde_json::json;
use wechat_proto::media::{GetMedia, NotFetchable};
use wechat_proto::message::{AppContent, Kind};
use wechat_proto::{Error, Message, UserName};
use wechat_transport_ureq::Client;

use super::exec;
use super::ledger::Ledger;
use super::save::{self, NotSaved, Saved, Saver};
use super::steps::step;
use crate::args::{Drop, EntryName, Global};
use crate::bridge::socket::Offer;
use crate::client;
use crate::commands::listen;
use crate::exit::{Exit, Failure};
use crate::lang::Words;
use crate::output::{Output, text};
use crate::profile::Profile;
use crate::signals;
use crate::upload;
use crate::visible::visible;

struct Receiver<'a> {
    client: Client,
    saver: Saver,
    profile: &'a Profile,
    drop: &'a Drop,
    output: &'a Output,
    offer: Offer,
}

/// Saves the files that the phone sends until Ctrl-C, and prints its texts.
pub(crate) fn run(
    global: &Global,
    drop: &Drop,
    folder: &Path,
    output: &Output,
) -> Result<Exit, Failure> {
    // Local errors are reported before the login.
    let folder = save::folder(folder)?;
    let profile = Profile::new(global, EntryName::Filehelper)?;
    let held = profile.hold("drop --receive", output)?;
    let ledger = Ledger::open(&profile.path)?;
    let saver = Saver::new(ledger.clone(), folder.clone(), drop.max_size)?;
    let client = client::open_profile(global, &profile, held, output)?;
    signals::stop_on_signal(&client)?;
    let offer = Offer::new(&client, &profile.path, ledger, "drop --receive", output)?;
    let shown = visible(&folder.to_string_lossy());
    output.remark(&Words::new(
        format!("Saving files sent to \"File Transfer\" on your phone in {shown}. Ctrl-C ends."),
        format!("手机发给“文件传输助手”的文件将保存到 {shown}，按 Ctrl-C 结束。"),
    ));
    let mut receiver = Receiver { client, saver, profile: &profile, drop, output, offer };
    receiver.run().map_err(|failure| profile.advise(failure))
}

impl Receiver<'_> {
    fn run(&mut self) -> Result<Exit, Failure> {
        let me = self.client.me().user_name;
        let mut left = self.drop.count.unwrap_or(u64::MAX);
        let mut events = self.client.events().manual();
        while left > 0 {
            let Some(event) = events.next() else { break };
            self.offer.service().event(&event, false)?;
            let Some(message) = event.message() else {
                if let Some(exit) = listen::other(&event, self.profile, self.output)? {
                    return Ok(exit);
                }
                continue;
            };
            // The echo of a message that another command sends may arrive before its receipt.
            self.offer.service().wait().settle();
            let is_of_phone = message.from == me && message.to == UserName::file_helper();
            if !is_of_phone || self.saver.ledger.is_sent(&message.id.to_string()) {
                self.acknowledge(message)?;
                continue;
            }
            match GetMedia::new(message) {
                Ok(media) => {
                    left -= u64::from(self.receive(message, &media)?);
                    if let Some(exit) = signals::arrived() {
                        return Ok(exit);
                    }
                }
                Err(reason) => {
                    self.note(message, reason)?;
                    self.acknowledge(message)?;
                }
            }
        }
        Ok(Exit::Done)
    }

    /// Saves the file of a message, acknowledges the message, and runs the program. Returns whether
    /// the file was saved. A download that a signal ended is repeated at the next start.
    fn receive(&mut self, message: &Message, media: &GetMedia) -> Result<bool, Failure> {
        let bar = upload::bar(0, &text(message, self.output.lang), self.output);
        let result = self.saver.save(&self.client, message, media, &bar);
        bar.finish_and_clear();
        let saved = match result {
            Ok(saved) => saved,
            Err(_) if signals::arrived().is_some() => return Ok(false),
            Err(NotSaved::Download(error)) => {
                return self.not_received(message, error).map(|()| false);
            }
            Err(NotSaved::Local(failure)) => return Err(failure),
        };
        self.acknowledge(message)?;
        self.saver.ledger.forget(&message.id.to_string())?;
        saved.report(&message.id.to_string(), self.output)?;
        step();
        self.exec(message, &saved)?;
        Ok(true)
    }

    /// Reports a file that cannot be saved, and acknowledges its message.
    ///
    /// # Errors
    ///
    /// The error itself, without an acknowledgement, if it may be temporary (network, session, disk).
    fn not_received(&mut self, message: &Message, error: Error) -> Result<(), Failure> {
        let is_final = match &error {
            Error::TooLarge { .. }
            | Error::EmptyMedia { .. }
            | Error::Refused { .. }
            | Error::Untrusted { .. } => true,
            Error::Status { status, .. } => *status < 500,
            _ => false,
        };
        if !is_final {
            // Stores the end of the session.
            self.client.save_session()?;
            return Err(error.into());
        }
        let failure = Failure::from(error);
        let text = text(message, self.output.lang);
        let error = self.output.error(&failure);
        let (shown, reason) = (visible(&text), failure.message.in_lang(self.output.lang));
        let fields = json!({ "msg_id": message.id, "text": text, "error": error });
        let words = Words::new(
            format!("Not saved: {shown}: {reason}"),
            format!("未保存：{shown}：{reason}"),
        );
        self.output.notice("not_saved", &fields, &words)?;
        self.acknowledge(message)
    }

    /// Prints a message without a downloadable file.
    fn note(&self, message: &Message, reason: NotFetchable) -> Result<(), Failure> {
        let text = text(message, self.output.lang);
        let kind = match (&message.kind, reason) {
            (Kind::Status(_) | Kind::Revoked(_), _) => return Ok(()),
            (Kind::Text(_), _) => "text",
            (Kind::Unsupported(_) | Kind::Unreadable { .. }, _) => "placeholder",
            // The file itself follows in another message.
            (Kind::App(app), _) if matches!(&app.content, AppContent::File(file) if file.is_uploading) => {
                "uploading"
            }
            (_, NotFetchable::Kind) => "note",
            _ => "placeholder",
        };
        let fields = json!({ "msg_id": message.id, "text": text });
        let text = visible(&text);
        self.output.result(kind, &fields, |lang| match kind {
            "placeholder" => lang.pick(
                format!("Only the phone can show this, nothing was saved: {text}"),
                format!("此内容只能在手机上查看，未保存：{text}"),
            ),
            "uploading" => lang
                .pick(format!("The phone is uploading: {text}"), format!("手机正在上传：{text}")),
            _ => text,
        })
    }

    /// Runs the program for a file. A failure is reported, and does not end the command.
    fn exec(&self, message: &Message, saved: &Saved) -> Result<(), Failure> {
        let Err(reason) = exec::run(&self.drop.exec, &saved.path, &message.id.to_string()) else {
            return Ok(());
        };
        let program = self.drop.exec.first().map_or("", |program| program);
        let path = saved.path.to_string_lossy();
        let fields = json!({ "path": path, "program": program, "message": reason });
        let (program, path) = (visible(program), visible(&path));
        let words = Words::new(
            format!("wechat: `{program}` failed for {path}: {reason}"),
            format!("wechat: `{program}` 处理 {path} 失败：{reason}"),
        );
        self.output.notice("exec_failed", &fields, &words)
    }

    fn acknowledge(&mut self, message: &Message) -> Result<(), Failure> {
        step();
        self.client.acknowledge(message)?;
        step();
        Ok(())
    }
}
