//! `wechat send NAME`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wechat_proto::message::Receipt;
use wechat_transport_ureq::OutgoingFile;

use crate::args::{Global, Send};
use crate::bridge::operation::{File, Operation, Text};
use crate::exit::{Exit, Failure};
use crate::operate::operate;
use crate::output::Output;
use crate::upload;
use crate::visible::visible;

/// Sends a text, a file or a picture.
pub(crate) fn run(global: &Global, send: &Send, output: &Output) -> Result<Exit, Failure> {
    let to = send.name.clone();
    let file = |path: &Path, attachment: &OutgoingFile| -> Result<_, Failure> {
        // Local errors are reported before anything is sent.
        upload::open(path, attachment)?;
        Ok(File { to: send.name.clone(), path: absolute(path)?, ..File::default() })
    };
    let operation = match (&send.file, &send.image) {
        (Some(path), _) => Operation::SendFile(file(path, &OutgoingFile::new(path).as_document())?),
        (_, Some(path)) => Operation::SendImage(file(path, &OutgoingFile::new(path))?),
        _ => {
            let text = upload::text(send.text.as_deref().unwrap_or_default())?;
            Operation::SendText(Text { to, text, ..Text::default() })
        }
    };
    sent_as(&operate(global, "send", &operation, output)?, output)?;
    Ok(Exit::Done)
}

/// Returns the path of a file for another process.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file(path, &error))
}

/// Prints the receipt in the result of an operation.
pub(crate) fn sent_as(reply: &Value, output: &Output) -> Result<(), Failure> {
    sent(&receipt(reply)?, &visible(reply["name"].as_str().unwrap_or_default()), output)
}

/// Returns the receipt in the result of an operation.
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
