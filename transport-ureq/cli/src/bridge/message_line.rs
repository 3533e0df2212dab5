//! JSON lines of commands, as references to messages.

use serde::Deserialize;
use serde_json::Value;
use wechat_proto::message::Receipt;
use wechat_proto::{Message, UserName};
use wechat_transport_ureq::Client;

use crate::exit::{Exit, Failure};
use crate::visible::visible;

/// A JSON line that identifies a message: a received or a sent one.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum MessageLine {
    /// A received message, with the account that received it.
    Message {
        /// The account's `UserName` in that login.
        me: UserName,
        /// The service's JSON.
        raw: Value,
    },
    /// A sent message.
    Sent {
        /// The `UserName` of the recipient.
        to: UserName,
        /// The id that the service gave the message.
        msg_id: String,
        /// The id that the client gave the message.
        client_msg_id: Option<String>,
    },
}

impl MessageLine {
    /// Parses a line.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] if it names no message.
    pub(crate) fn of(line: &Value) -> Result<Self, Failure> {
        Self::deserialize(line).map_err(|_| not_a_line(&line.to_string()))
    }

    /// Returns the received message. Its names are valid for one login only.
    ///
    /// # Errors
    ///
    /// [`Exit::Contact`] if it is of another login; [`Exit::Usage`] if it was sent.
    pub(crate) fn message(&self, client: &Client) -> Result<Message, Failure> {
        let Self::Message { me, raw } = self else {
            return Err(Failure::new(
                Exit::Usage,
                "this line is of a message that was sent; a line of `wechat listen --json` is needed",
                "这一行是已发送的消息，需要 `wechat listen --json` 输出的一行",
            ));
        };
        if client.me().user_name != *me {
            return Err(Failure::new(
                Exit::Contact,
                "the message is of an earlier login, whose names are no longer valid",
                "该消息属于之前的登录，其中的名称已失效",
            ));
        }
        Message::from_json(&raw.to_string(), me).map_err(|_| not_a_line(&raw.to_string()))
    }

    /// Returns the receipt of a message that the account sent.
    ///
    /// # Errors
    ///
    /// [`Exit::Other`] for a message of another person; those of [`MessageLine::message`].
    pub(crate) fn receipt(&self, client: &Client) -> Result<Receipt, Failure> {
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

/// Returns the failure of a text that identifies no message.
pub(crate) fn not_a_line(text: &str) -> Failure {
    // The beginning is enough to recognise the text.
    let shown = visible(&text.trim().chars().take(40).collect::<String>());
    let (en, zh) = match &*shown {
        "" => ("an empty text", "空文本"),
        shown => (shown, shown),
    };
    Failure::new(Exit::Usage, format!("not a message: {en}"), format!("不是一条消息：{zh}")).hint(
        "give one line of `wechat listen --json`, as the argument or, with `-`, on standard input",
        "请提供 `wechat listen --json` 输出的一行，可作为参数，或用 `-` 从标准输入读取",
    )
}
