//! `wechat download`, `wechat forward`, `wechat revoke`

use std::io::Read as _;

use serde::Deserialize;
use serde_json::{Value, json};
use wechat_proto::media::GetMedia;
use wechat_proto::message::Receipt;
use wechat_proto::{Error, Message, UserName};
use wechat_transport_ureq::Client;

use super::send::sent;
use crate::args::{Download, Forward, Global, Revoke};
use crate::client;
use crate::drop::ledger::Ledger;
use crate::drop::save::{self, NotSaved, Saver};
use crate::exit::{Exit, Failure};
use crate::output::{Output, text, visible};
use crate::upload;

/// A JSON line that names a message: of a received one, or of a send.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Message { me: UserName, raw: Value },
    Sent { to: UserName, msg_id: String, client_msg_id: Option<String> },
}

/// Saves the media of a message.
pub(crate) fn download(global: &Global, args: &Download, output: &Output) -> Result<Exit, Failure> {
    let line = line(&args.message)?.ok_or_else(|| not_a_line(&args.message))?;
    let folder = save::folder(&args.folder)?;
    client::once(global, "download", output, |client| {
        let message = line.message(client)?;
        let media = GetMedia::new(&message).map_err(Error::from)?;
        let mut saver = Saver::new(Ledger::in_memory(), folder, u64::MAX)?;
        let bar = upload::bar(0, &text(&message, output.lang), output);
        let saved = saver.save(client, &message, &media, &bar).map_err(|reason| match reason {
            NotSaved::Download(error) => error.into(),
            NotSaved::Local(failure) => failure,
        });
        bar.finish_and_clear();
        saved?.report(&message, output)?;
        Ok(Exit::Done)
    })
}

/// Forwards a message.
pub(crate) fn forward(global: &Global, args: &Forward, output: &Output) -> Result<Exit, Failure> {
    let line = line(&args.message)?.ok_or_else(|| not_a_line(&args.message))?;
    client::once(global, "forward", output, |client| {
        let message = line.message(client)?;
        let to = client::resolve(client, &args.name)?;
        let receipt = client.forward(&message, &to)?;
        sent(&receipt, &visible(&client.directory().name_of(&to)), output)?;
        Ok(Exit::Done)
    })
}

/// Revokes a message.
pub(crate) fn revoke(global: &Global, args: &Revoke, output: &Output) -> Result<Exit, Failure> {
    let line = line(&args.message)?;
    if line.is_none() && args.name.is_none() {
        return Err(Failure::new(
            Exit::Usage,
            "an id alone does not name the chat",
            "仅凭消息编号无法确定聊天",
        )
        .hint(
            "add to whom the message was sent: `wechat revoke ID NAME`",
            "请加上接收者：`wechat revoke 编号 名称`",
        ));
    }
    client::once(global, "revoke", output, |client| {
        let receipt = match (&line, &args.name) {
            (Some(line), _) => line.receipt(client)?,
            (None, name) => {
                let to = client::resolve(client, name.as_deref().unwrap_or_default())?;
                Receipt::of(to, args.message.as_str().into())
            }
        };
        let revoked = client.revoke(&receipt)?;
        let id = receipt.msg_id.as_str();
        let fields = json!({ "to": receipt.to, "msg_id": id, "text": revoked.wording });
        output.result("revoked", &fields, |lang| {
            let id = visible(id);
            lang.pick(format!("Revoked message {id}."), format!("已撤回消息 {id}。"))
        })?;
        Ok(Exit::Done)
    })
}

/// Parses the argument that names a message; `None` for an id.
fn line(argument: &str) -> Result<Option<Line>, Failure> {
    let mut line = argument.to_owned();
    if argument == "-" {
        line.clear();
        std::io::stdin().read_to_string(&mut line).map_err(Failure::stdin)?;
    } else if !argument.trim_start().starts_with('{') {
        return Ok(None);
    }
    serde_json::from_str(&line).map(Some).map_err(|_| not_a_line(argument))
}

fn not_a_line(argument: &str) -> Failure {
    let shown = match argument {
        "-" => "standard input".to_owned(),
        // The start suffices to recognise it.
        other => visible(&other.chars().take(40).collect::<String>()),
    };
    Failure::new(
        Exit::Usage,
        format!("not a message: {shown}"),
        format!("不是一条消息：{shown}"),
    )
    .hint(
        "give one line of `wechat listen --json`, as the argument or, with `-`, on standard input",
        "请提供 `wechat listen --json` 输出的一行，可作为参数，或用 `-` 从标准输入读取",
    )
}

impl Line {
    /// Returns the received message. Its names are valid for one login only.
    fn message(&self, client: &Client) -> Result<Message, Failure> {
        let Self::Message { me, raw } = self else { return Err(not_a_line("-")) };
        if client.me().user_name != *me {
            return Err(Failure::new(
                Exit::Contact,
                "the message is of an earlier login, whose names are no longer valid",
                "该消息属于之前的登录，其中的名称已失效",
            ));
        }
        Message::from_json(&raw.to_string(), me).map_err(|_| not_a_line("-"))
    }

    /// Returns the receipt of a message of one's own.
    fn receipt(&self, client: &Client) -> Result<Receipt, Failure> {
        if let Self::Sent { to, msg_id, client_msg_id } = self {
            let mut receipt = Receipt::of(to.clone(), msg_id.as_str().into());
            receipt.client_msg_id = client_msg_id.as_ref().and_then(|id| id.parse().ok());
            return Ok(receipt);
        }
        let message = self.message(client)?;
        if !message.is_outgoing() {
            return Err(Failure::new(
                Exit::Other,
                "only messages of your own can be revoked",
                "只能撤回自己发送的消息",
            ));
        }
        Ok(Receipt::of(message.to.clone(), message.id))
    }
}
