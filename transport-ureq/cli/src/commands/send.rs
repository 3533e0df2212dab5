//! `wechat send NAME`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wechat_proto::UserName;
use wechat_proto::message::Receipt;
use wechat_transport_ureq::{Attachment, Client};

use crate::args::{Global, Send};
use crate::bridge::holder::{Connection, NotDone};
use crate::bridge::operation::{File, Operation, Text};
use crate::client;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::output::{Output, visible};
use crate::profile::Profile;
use crate::upload;

/// Sends a text, a file or a picture.
pub(crate) fn run(global: &Global, send: &Send, output: &Output) -> Result<Exit, Failure> {
    // Local errors are reported before anything is sent.
    let text = send.text.as_deref().map(upload::text).transpose()?;
    let file = match (&send.file, &send.image) {
        (Some(path), _) => Some(upload::open(path, &Attachment::new(path).as_document())?),
        (_, Some(path)) => Some(upload::open(path, &Attachment::new(path))?),
        _ => None,
    };
    let alone = |client: &Client| {
        let to = client::resolve(client, &send.name)?;
        let receipt = match file {
            Some(file) => upload::send(client, &to, file, output)?,
            None => client.send_text(&to, text.clone().unwrap_or_default())?,
        };
        if to == UserName::file_helper() {
            // `drop --receive` ignores the echo of this message.
            let profile = Profile::any(global)?;
            Ledger::open(&profile.path)?.note_sent(&receipt.msg_id.to_string())?;
        }
        let name = client.directory().name_of(&to);
        sent(&receipt, &visible(&name), output)
    };
    let shared = |holder: &mut Connection| {
        let to = send.name.clone();
        let file = |path| -> Result<_, Failure> {
            Ok(File { to: send.name.clone(), path: absolute(path)?, ..File::default() })
        };
        let operation = match (&send.file, &send.image) {
            (Some(path), _) => Operation::SendFile(file(path)?),
            (_, Some(path)) => Operation::SendImage(file(path)?),
            _ => {
                let text = text.clone().unwrap_or_default();
                Operation::SendText(Text { to, text, ..Text::default() })
            }
        };
        sent_by_holder(&holder.request(&operation)?, output).map_err(NotDone::Failed)
    };
    client::once(global, "send", output, alone, shared)?;
    Ok(Exit::Done)
}

/// Returns the path of a file for another process.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file(path, &error))
}

/// Prints the receipt that the holder of the session returned.
pub(crate) fn sent_by_holder(reply: &Value, output: &Output) -> Result<(), Failure> {
    sent(&receipt(reply)?, &visible(reply["name"].as_str().unwrap_or_default()), output)
}

/// Returns the receipt of a reply of the holder.
pub(crate) fn receipt(reply: &Value) -> Result<Receipt, Failure> {
    let text = |field: &str| reply[field].as_str();
    let Some((to, id)) = text("to").and_then(|to| to.parse().ok()).zip(text("msg_id")) else {
        let (en, zh) = ("the holder replied without a receipt", "会话进程没有返回回执");
        return Err(Failure::new(Exit::Other, en, zh));
    };
    let mut receipt = Receipt::of(to, id.into());
    receipt.client_msg_id = text("client_msg_id").and_then(|id| id.parse().ok());
    Ok(receipt)
}

/// Prints the receipt of a message, with which it can be revoked.
pub(crate) fn sent(receipt: &Receipt, name: &str, output: &Output) -> Result<(), Failure> {
    // Some JSON readers round numbers of this size.
    let own = receipt.client_msg_id.as_ref().map(ToString::to_string);
    let fields = json!({ "to": receipt.to, "msg_id": receipt.msg_id, "client_msg_id": own });
    output.result("sent", &fields, |lang| {
        let id = visible(&receipt.msg_id.to_string());
        lang.pick(
            format!("Sent to {name} (message {id})."),
            format!("已发送给 {name}（消息 {id}）。"),
        )
    })
}
