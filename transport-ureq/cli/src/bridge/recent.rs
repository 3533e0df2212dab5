//! Recently received and sent messages, which operations refer to by id.

use std::collections::VecDeque;

use wechat_proto::message::Receipt;
use wechat_proto::{Message, MsgId};

use crate::notes::{REMEMBERED, remember};

/// Recent messages. The oldest are dropped first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    messages: VecDeque<Message>,
    /// The sum of the lengths of the messages' JSON.
    bytes: usize,
    receipts: VecDeque<Receipt>,
}

/// The maximum of the kept JSON, in bytes.
const BYTES: usize = 16 << 20;

impl Recent {
    /// Keeps a received message.
    pub(crate) fn received(&mut self, message: &Message) {
        self.bytes += message.raw.json().len();
        self.messages.push_back(message.clone());
        while self.messages.len() > REMEMBERED || self.bytes > BYTES {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.bytes -= oldest.raw.json().len();
        }
    }

    /// Keeps the receipt of a sent message.
    pub(crate) fn sent(&mut self, receipt: &Receipt) {
        remember(&mut self.receipts, receipt.clone());
    }

    /// Returns a received message.
    pub(crate) fn message(&self, id: &str) -> Option<Message> {
        let id = MsgId::from(id);
        self.messages.iter().rev().find(|message| message.id == id).cloned()
    }

    /// Returns the receipt of a message that the account sent.
    pub(crate) fn receipt(&self, id: &str) -> Option<Receipt> {
        let msg_id = MsgId::from(id);
        let sent = self.receipts.iter().rev().find(|receipt| receipt.msg_id == msg_id);
        let elsewhere = || {
            let message = self.message(id).filter(Message::is_outgoing)?;
            Some(Receipt::of(message.to.clone(), message.id))
        };
        sent.cloned().or_else(elsewhere)
    }
}
