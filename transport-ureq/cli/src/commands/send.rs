//! `wechat send NAME`

use serde_json::json;
use wechat_proto::UserName;
use wechat_proto::message::Receipt;
use wechat_transport_ureq::Attachment;

use crate::args::{Global, Send};
use crate::client;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::output::{Output, visible};
use crate::profile::Profile;
use crate::upload;

/// Sends a text, a file or a picture.
pub(crate) fn run(global: &Global, send: &Send, output: &Output) -> Result<Exit, Failure> {
    // What fails without the service fails first.
    let text = send.text.as_deref().map(upload::text).transpose()?;
    let file = match (&send.file, &send.image) {
        (Some(path), _) => Some(upload::open(path, &Attachment::new(path).as_document())?),
        (_, Some(path)) => Some(upload::open(path, &Attachment::new(path))?),
        _ => None,
    };
    client::once(global, "send", output, |client| {
        let to = client::resolve(client, &send.name)?;
        let receipt = match file {
            Some(file) => upload::send(client, &to, file, output)?,
            None => client.send_text(&to, text.unwrap_or_default())?,
        };
        if to == UserName::file_helper() {
            // Not a file of the phone for `drop --receive`, if the service returns it.
            let profile = Profile::any(global)?;
            Ledger::open(&profile.path)?.note_sent(receipt.msg_id.as_str())?;
        }
        let name = visible(&client.directory().name_of(&to));
        sent(&receipt, &name, output)?;
        Ok(Exit::Done)
    })
}

/// Prints the receipt of a message, with which it can be revoked.
pub(crate) fn sent(receipt: &Receipt, name: &str, output: &Output) -> Result<(), Failure> {
    // The number exceeds those that every reader of JSON keeps exact.
    let own = receipt.client_msg_id.as_ref().map(ToString::to_string);
    let fields =
        json!({ "to": receipt.to, "msg_id": receipt.msg_id.as_str(), "client_msg_id": own });
    output.result("sent", &fields, |lang| {
        let id = visible(receipt.msg_id.as_str());
        lang.pick(
            format!("Sent to {name} (message {id})."),
            format!("已发送给 {name}（消息 {id}）。"),
        )
    })
}
