//! Tickles in an app message: `docs/protocol.md` §9.4.

use alloc::vec::Vec;

use super::super::piece::Piece;
use super::super::sysmsg::Tickle;
use crate::wire::document::Found;

/// The content of `patMsg` that is being parsed.
#[derive(Default)]
pub(super) struct Tickles(Vec<Record>);

#[derive(Default)]
struct Record {
    from: Piece,
    whom: Piece,
    template: Piece,
}

impl Tickles {
    /// Visits the content of `patMsg`.
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        match (path, found) {
            (["records", "record"], Found::Element(_)) => self.0.push(<_>::default()),
            (["records", "record", name], Found::Text(text)) => {
                let Some(record) = self.0.last_mut() else { return };
                match *name {
                    "fromUser" => record.from.push(text),
                    "pattedUser" => record.whom.push(text),
                    // The service's spelling.
                    "templete" => record.template.push(text),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    pub(super) fn finish(self) -> Vec<Tickle> {
        let tickle = |record: Record| Tickle {
            from: record.from.plain(),
            chat: <_>::default(),
            whom: record.whom.plain(),
            suffix: <_>::default(),
            template: record.template.plain(),
        };
        self.0.into_iter().map(tickle).collect()
    }
}
