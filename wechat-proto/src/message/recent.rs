//! Recent messages, to which revocations refer: `docs/protocol.md` §9.6.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;

use super::{Kind, Message, Person, Revoked};
use crate::{MsgId, UserName};

/// The last messages of an inbox, bounded in number and size.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The maximum number of messages.
    most: usize,
    /// The total size of their JSON in bytes.
    bytes: usize,
    /// The ids, oldest first.
    order: VecDeque<MsgId>,
    messages: BTreeMap<MsgId, Arc<Message>>,
    /// This account's latest message in each chat.
    own: BTreeMap<UserName, MsgId>,
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
        Self {
            most,
            bytes: 0,
            order: VecDeque::new(),
            messages: BTreeMap::new(),
            own: BTreeMap::new(),
        }
    }

    /// Sets the original of a revocation, or remembers another message.
    pub(crate) fn pass(&mut self, message: &mut Message) {
        match &message.kind {
            Kind::Revoked(revoked) => {
                if let Some(original) = self.find(message.peer(), revoked) {
                    message.set_original(original);
                }
            }
            Kind::Status(_) => {}
            _ => self.keep(message),
        }
    }

    fn find(&mut self, chat: &UserName, revoked: &Revoked) -> Option<Arc<Message>> {
        let ids = [&revoked.msg_id, &revoked.new_msg_id, &revoked.old_msg_id];
        let named = ids.into_iter().filter(|id| id.is_known()).find_map(|id| self.messages.get(id));
        let original = match named {
            Some(original) => original,
            // Without an id, assumes the account's latest message, like the official page, unless
            // somebody else revoked their message. A message with an unknown id was not received.
            None if !revoked.msg_id.is_known() && !revoked.new_msg_id.is_known() => {
                if matches!(revoked.by, Some(Person::Named(_))) {
                    return None;
                }
                let latest = self.own.get(chat)?;
                self.messages.get(latest)?
            }
            None => return None,
        };
        // A revocation cannot refer to another chat.
        let original = (original.peer() == chat).then(|| Arc::clone(original))?;
        // The next revocation without an id refers to another, unknown message.
        if self.own.get(chat) == Some(&original.id) {
            self.own.remove(chat);
        }
        Some(original)
    }

    fn keep(&mut self, message: &Message) {
        let size = message.raw.json().len();
        let limit = self.most.saturating_mul(AVERAGE_SIZE);
        // System notices are not messages of their sender.
        let notice = matches!(message.kind, Kind::System(_) | Kind::SysMsg(_));
        let own = message.is_outgoing() && !notice;
        if !message.id.is_known() || size > limit {
            // The latest message of this account is then unknown.
            if own {
                self.own.remove(message.peer());
            }
            return;
        }
        if self.messages.contains_key(&message.id) {
            return;
        }
        if own {
            self.own.insert(message.peer().clone(), message.id.clone());
        }
        self.bytes += size;
        self.order.push_back(message.id.clone());
        self.messages.insert(message.id.clone(), Arc::new(message.clone()));
        while self.order.len() > self.most || self.bytes > limit {
            let Some(oldest) = self.order.pop_front() else { return };
            let Some(oldest) = self.messages.remove(&oldest) else { continue };
            self.bytes -= oldest.raw.json().len();
            if self.own.get(oldest.peer()) == Some(&oldest.id) {
                self.own.remove(oldest.peer());
            }
        }
    }
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
