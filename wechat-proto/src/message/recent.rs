//! What was heard lately, for messages that take back others: `docs/protocol.md` §9.6.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;

use super::{Kind, Message, Person, Revoked};
use crate::ids::{MsgId, UserName};

/// The last messages of an inbox, bounded in number and size.
#[derive(Debug)]
pub(crate) struct Recent {
    /// How many there may be.
    most: usize,
    /// How many bytes of JSON there are.
    bytes: usize,
    /// The oldest first.
    order: VecDeque<MsgId>,
    messages: BTreeMap<MsgId, Arc<Message>>,
    /// This account's own latest in each chat.
    own: BTreeMap<UserName, MsgId>,
}

/// How many are kept if nothing is said.
const USUAL: usize = 100;
/// How large they may be on average.
const AVERAGE: usize = 16 * 1024;

impl Default for Recent {
    fn default() -> Self {
        Self::of(USUAL)
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

    /// Finds what a message takes back, or remembers it.
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
            // The official page takes the latest of its own for one without a number. Not if there
            // is another number: it is of a message that was not heard. Nor if somebody else took
            // theirs back.
            None if !revoked.msg_id.is_known() && !revoked.new_msg_id.is_known() => {
                if matches!(revoked.by, Some(Person::Named(_))) {
                    return None;
                }
                let latest = self.own.get(chat)?;
                self.messages.get(latest)?
            }
            None => return None,
        };
        // Nothing of another chat can be meant.
        let original = (original.peer() == chat).then(|| Arc::clone(original))?;
        // It is gone: the next one without a number is of another, which is not guessed at.
        if self.own.get(chat) == Some(&original.id) {
            self.own.remove(chat);
        }
        Some(original)
    }

    fn keep(&mut self, message: &Message) {
        let size = message.raw.json().len();
        let limit = self.most.saturating_mul(AVERAGE);
        // What the service notes in a chat is nothing that somebody said.
        let notice = matches!(message.kind, Kind::System(_) | Kind::SysMsg(_));
        let own = message.is_outgoing() && !notice;
        if !message.id.is_known() || size > limit {
            // Then the latest is one that is not here.
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
