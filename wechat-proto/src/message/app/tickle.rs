//! Tickles in an app message: `docs/protocol.md` §9.4.

use alloc::vec::Vec;

use super::super::Tickle;
use super::super::piece::Texts;
use crate::wire::document::Found;

/// The content of `patMsg` that is being parsed.
#[derive(Default)]
pub(super) struct Tickles(Vec<Texts>);

impl Tickles {
    /// Visits the content of `patMsg`.
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        match (path, found) {
            (["records", "record"], Found::Element(_)) => self.0.push(<_>::default()),
            (["records", "record", name], Found::Text(text)) => {
                if let Some(record) = self.0.last_mut() {
                    record.push(name, text);
                }
            }
            _ => {}
        }
    }

    pub(super) fn finish(self) -> Vec<Tickle> {
        let tickle = |mut record: Texts| Tickle {
            from: record.take("fromUser").plain(),
            chat: <_>::default(),
            whom: record.take("pattedUser").plain(),
            suffix: <_>::default(),
            // The service's spelling.
            template: record.take("templete").plain(),
        };
        self.0.into_iter().map(tickle).collect()
    }
}
