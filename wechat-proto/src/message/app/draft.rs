//! Parser for the XML of an app message: one pass for all kinds.

use alloc::boxed::Box;

use super::super::news::Articles;
use super::super::piece::{Piece, Texts, number, plain};
use super::history;
use super::kinds::AppKind;
use super::share::ChannelDraft;
use super::tickle::Tickles;
use crate::wire::document::{Found, walk};

/// The fields in the XML of an app message.
#[derive(Default)]
pub(super) struct Draft {
    any: bool,
    /// `AppMsgType` of the record.
    record_kind: i64,
    pub(super) app_id: Box<str>,
    pub(super) app_name: Piece,
    pub(super) from: Piece,
    /// The texts of the elements in `appmsg`.
    pub(super) texts: Texts,
    pub(super) attachment: Texts,
    pub(super) articles: Articles,
    pub(super) history: history::Draft,
    pub(super) mini_program: Texts,
    pub(super) channel: ChannelDraft,
    pub(super) tickles: Tickles,
    pub(super) quote: Texts,
    pub(super) pay: Texts,
}

impl Draft {
    /// Returns an empty draft for a record of this `AppMsgType`.
    pub(super) fn of(record_kind: i64) -> Self {
        Self { record_kind, ..Self::default() }
    }

    /// Parses the document. Returns whether it contains an app message, and whether it contains any
    /// element.
    pub(super) fn read(&mut self, document: &str) -> (bool, bool) {
        let marked = walk(document, |path, found| {
            // Messages sent by this account are not enclosed in `msg`.
            match (path.strip_prefix(&["msg"]).unwrap_or(path), found) {
                (["appmsg", path @ ..], found) => self.visit(path, found),
                (["appinfo", "appname"], Found::Text(text)) => self.app_name.push(text),
                (["fromusername"], Found::Text(text)) => self.from.push(text),
                _ => {}
            }
        });
        (self.any, marked)
    }

    /// Returns the type. The record's takes precedence over the XML's, as on the official page.
    pub(super) fn kind(&self) -> AppKind {
        match self.record_kind {
            0 => AppKind(number(self.texts.get("type"))),
            number => AppKind(number),
        }
    }

    /// Visits the content of `appmsg`.
    fn visit(&mut self, path: &[&str], found: Found<'_>) {
        match (path, found) {
            (["md5"], Found::Text(text)) => self.attachment.push("md5", text),
            ([name], Found::Text(text)) => self.texts.push(name, text),
            ([], Found::Element(attributes)) => {
                self.any = true;
                self.app_id = attributes.get("appid").map(|id| plain(&id)).unwrap_or_default();
            }
            (["appattach", name], Found::Text(text)) => self.attachment.push(name, text),
            (["mmreader", "category", path @ ..], found) => self.articles.visit(path, found),
            (["recorditem", "recordinfo", path @ ..], found) => self.history.visit(path, found),
            (["weappinfo", name], Found::Text(text)) => self.mini_program.push(name, text),
            // A message of any kind may contain these elements of other kinds, but empty.
            (["findernamecard", path @ ..], found) if self.kind() == AppKind::CHANNELS_CARD => {
                self.channel.visit(path, found);
            }
            (["finderFeed", path @ ..], found) if self.kind() == AppKind::CHANNELS_VIDEO => {
                self.channel.visit(path, found);
            }
            (["finderLive", path @ ..], found) if self.kind() == AppKind::CHANNELS_LIVE => {
                self.channel.visit(path, found);
            }
            (["patMsg", path @ ..], found) => self.tickles.visit(path, found),
            (["refermsg", name], Found::Text(text)) => self.quote.push(name, text),
            (["wcpayinfo", name], Found::Text(text)) => self.pay.push(name, text),
            _ => {}
        }
    }
}
