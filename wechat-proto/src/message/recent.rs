//! Recent messages, to which revocations refer: `docs/protocol.md` §9.6.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;

use super::{Kind, Message, Person, Revoked};
use crate::{MsgId, Timestamp, UserName};

/// The last messages of an inbox, bounded in number and size.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The maximum number of messages.
    most: usize,
    /// The total size of their JSON in bytes.
    bytes: usize,
    /// The messages, oldest first.
    messages: VecDeque<Kept>,
    /// The chats of these messages, each with this account's latest message there.
    chats: BTreeMap<Arc<UserName>, Option<MsgId>>,
}

/// The parts of a message that its revocation does not have.
#[derive(Debug)]
struct Kept {
    id: MsgId,
    chat: Arc<UserName>,
    speaker: Option<UserName>,
    sent: Timestamp,
    kind: Kind,
    is_outgoing: bool,
    /// The size of its JSON in bytes.
    size: u32,
}

/// The default maximum number of messages.
const DEFAULT_COUNT: usize = 100;
/// The maximum average size of a message's JSON in bytes.
const AVERAGE_SIZE: usize = 16 * 1024;

impl Default for Recent {
    fn default() -> Self {
        Self::of(DEFAULT_COUNT)
    }
}

impl Recent {
    pub(crate) const fn of(most: usize) -> Self {
        Self { most, bytes: 0, messages: VecDeque::new(), chats: BTreeMap::new() }
    }

    /// Sets the original of a revocation, or remembers another message.
    pub(crate) fn pass(&mut self, message: &mut Message) {
        match &message.kind {
            Kind::Revoked(revoked) => {
                if let Some(original) = self.find(message, revoked) {
                    message.set_original(original);
                }
            }
            Kind::Status(_) => {}
            _ => self.keep(message),
        }
    }

    fn find(&mut self, revocation: &Message, revoked: &Revoked) -> Option<Message> {
        let chat = revocation.peer();
        let by_id = |id: &MsgId| self.messages.iter().rev().find(|message| message.id == *id);
        let ids = [&revoked.msg_id, &revoked.new_msg_id, &revoked.old_msg_id];
        let original = match ids.into_iter().filter(|id| id.is_usable()).find_map(by_id) {
            Some(original) => original,
            // Without an id, assumes the account's latest message, like the official page, unless
            // somebody else revoked their message. A message with an unknown id was not received.
            None if !revoked.msg_id.is_usable() && !revoked.new_msg_id.is_usable() => {
                if matches!(revoked.by, Some(Person::Named(_))) {
                    return None;
                }
                by_id(self.chats.get(chat)?.as_ref()?)?
            }
            None => return None,
        };
        // A revocation cannot refer to another chat.
        if *original.chat != *chat {
            return None;
        }
        let Kept { id, speaker, sent, kind, is_outgoing, .. } = original;
        let message = Message::remembered(revocation, *is_outgoing, id, speaker, *sent, kind);
        // The next revocation without an id refers to another, unknown message.
        if let Some(own) = self.chats.get_mut(chat)
            && own.as_ref() == Some(&message.id)
        {
            *own = None;
        }
        Some(message)
    }

    fn keep(&mut self, message: &Message) {
        let length = message.raw.json().len();
        let limit = self.most.saturating_mul(AVERAGE_SIZE);
        // System notices are not messages of their sender.
        let notice = matches!(message.kind, Kind::System(_) | Kind::SysMsg(_));
        let is_own = message.is_outgoing() && !notice;
        let peer = message.peer();
        let size = u32::try_from(length).ok().filter(|_| length <= limit);
        let Some(size) = size.filter(|_| message.id.is_usable()) else {
            // The latest message of this account is then unknown.
            if let Some(own) = self.chats.get_mut(peer).filter(|_| is_own) {
                *own = None;
            }
            return;
        };
        let known = self.chats.get_key_value(peer).map(|(chat, _)| Arc::clone(chat));
        let chat = known.unwrap_or_else(|| Arc::new(peer.clone()));
        let own = self.chats.entry(Arc::clone(&chat)).or_default();
        if is_own {
            *own = Some(message.id.clone());
        }
        self.bytes += size as usize;
        let count = self.messages.len();
        if count == self.messages.capacity() {
            // Not more than is used, because each account has such a queue.
            let more = count.max(4).min(self.most.saturating_add(1) - count);
            self.messages.reserve_exact(more);
        }
        self.messages.push_back(Kept {
            id: message.id.clone(),
            chat,
            speaker: message.speaker.clone(),
            sent: message.sent,
            kind: message.kind.clone(),
            is_outgoing: message.is_outgoing(),
            size,
        });
        while self.messages.len() > self.most || self.bytes > limit {
            let Some(oldest) = self.messages.pop_front() else { return };
            self.bytes -= oldest.size as usize;
            // One reference is in the map.
            if Arc::strong_count(&oldest.chat) == 2 {
                self.chats.remove(&oldest.chat);
            } else if let Some(own) = self.chats.get_mut(&oldest.chat)
                && own.as_ref() == Some(&oldest.id)
            {
                *own = None;
            }
        }
    }
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
