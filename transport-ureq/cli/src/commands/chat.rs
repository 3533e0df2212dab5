//! `wechat chat NAME`

use std::io::BufRead as _;
use std::sync::{Arc, OnceLock};
use std::thread;

use wechat_proto::UserName;
use wechat_transport_ureq::Client;

use super::listen;
use super::send::sent;
use crate::args::{Chat, Global};
use crate::bridge::service::{Service, is_notice};
use crate::bridge::socket::Offer;
use crate::client;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::lang::Words;
use crate::output::Output;
use crate::profile::Profile;
use crate::signals;
use crate::visible::visible;

/// Sends the lines of standard input, and prints the messages of the chat.
pub(crate) fn run(global: &Global, chat: &Chat, output: &Output) -> Result<Exit, Failure> {
    let profile = Profile::any(global)?;
    let client = client::open_profile(global, &profile, profile.hold("chat", output)?, output)?;
    signals::stop_on_signal(&client)?;
    let to = client::resolve(&client, &chat.name).map_err(|failure| profile.advise(failure))?;
    let name = visible(&client.directory().name_of(&to));
    output.remark(&Words::new(
        format!("Chat with {name}. Each line is sent; Ctrl-D ends."),
        format!("与 {name} 聊天。每行发送一条消息，按 Ctrl-D 结束。"),
    ));
    let ledger = Ledger::open(&profile.path)?;
    let offer = Offer::new(&client, &profile.path, ledger, "chat", output)?;
    let service = Arc::clone(offer.service());
    let lines = Arc::new(Lines {
        client: client.clone(),
        service,
        to: to.clone(),
        name,
        output: *output,
        failed: OnceLock::new(),
    });
    let sender = Arc::clone(&lines);
    thread::spawn(move || sender.send_all());

    let me = client.me().user_name;
    let mut end = None;
    for event in client.events().manual() {
        offer.service().event(&event, false)?;
        let Some(message) = event.message() else {
            end = end.or(listen::other(&event, &profile, output)?);
            continue;
        };
        if *message.peer() == to && !is_notice(message) {
            listen::print(message, &me, &client.directory(), output)?;
        }
        // The messages of other chats are left for the next `listen`.
        if *message.peer() == to || is_notice(message) {
            client.acknowledge(message)?;
        }
    }
    client.save_session()?;
    Ok(signals::arrived().or(lines.failed.get().copied()).or(end).unwrap_or(Exit::Done))
}

/// The sender of the lines of standard input.
struct Lines {
    client: Client,
    service: Arc<Service>,
    to: UserName,
    name: String,
    output: Output,
    /// The exit code of the first failure.
    failed: OnceLock<Exit>,
}

impl Lines {
    /// Sends each line until the end, and stops the client then. Failures are reported.
    fn send_all(&self) {
        for line in std::io::stdin().lock().lines() {
            let result = line.map_err(Failure::stdin).and_then(|line| self.send(&line));
            if let Err(failure) = result {
                self.output.report(&failure);
                let _ = self.failed.set(failure.exit);
                if failure.exit == Exit::LocalFile {
                    break;
                }
            }
        }
        self.client.stop();
    }

    fn send(&self, line: &str) -> Result<(), Failure> {
        if line.trim().is_empty() {
            return Ok(());
        }
        let receipt = self.client.send_text(&self.to, line)?;
        self.service.wait().note_sent(&receipt)?;
        // A terminal already shows the typed line.
        if self.output.json { sent(&receipt, &self.name, &self.output) } else { Ok(()) }
    }
}
