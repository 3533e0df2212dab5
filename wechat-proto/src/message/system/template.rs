//! System notices with structured names: `sysmsgtemplate`, `docs/protocol.md` §9.6.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::event::{Person, SystemEvent};
use super::patterns::{recognise, split_names};
use crate::wire::document::Found;

/// A system notice with the ids of the people it names.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Template {
    /// The text with names filled in, without links that undo an action.
    pub text: Box<str>,
    /// The event, if the wording is known. Its names come from [`Template::links`], so
    /// quotes in a name do not truncate it.
    pub event: Option<SystemEvent>,
    /// The original text: `"$username$"邀请"$names$"加入了群聊`.
    pub template: Box<str>,
    /// The values of the placeholders.
    pub links: Vec<TemplateLink>,
}

/// The value of a placeholder of a [`Template`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TemplateLink {
    /// The name of the placeholder: `names` for `$names$`.
    pub name: Box<str>,
    /// `link_profile` names people, `link_revoke` and `link_revoke_qrcode` undo the reported action;
    /// others exist.
    pub kind: Box<str>,
    /// The people named by a `link_profile`.
    pub members: Vec<TemplateMember>,
    /// The label of a link that triggers an action.
    pub title: Box<str>,
    /// Permanent ids of the people affected by that action.
    pub permanent_ids: Vec<Box<str>>,
    /// The separator between the names.
    pub separator: Box<str>,
    /// Whether the link is not displayed.
    #[serde(rename = "hidden")]
    pub is_hidden: bool,
}

/// A person named in a [`TemplateLink`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TemplateMember {
    /// The permanent id; empty if the name stands for several people.
    pub permanent_id: Box<str>,
    /// The nickname; for several people, all nicknames with separators.
    pub nick_name: Box<str>,
}

/// The maximum number of links, more than any known notice has.
const LINKS: usize = 32;
/// The maximum length of a separator in bytes, longer than any known one.
const SEPARATOR: usize = 16;
const PROFILE: &str = "link_profile";

impl Template {
    /// Builds a template. `plain` is the fallback text, which is empty in all samples.
    pub(super) fn new(template: Box<str>, plain: Box<str>, links: Vec<Draft>) -> Self {
        let links: Vec<TemplateLink> = links.into_iter().take(LINKS).map(Draft::finish).collect();
        let find = |name: &str| links.iter().position(|link| *link.name == *name);
        // Fills in each placeholder once, because repetitions must not turn a small message into a
        // large one.
        let mut used = [false; LINKS];
        let text = rendered(&template, "$", "$", |name| {
            let place = find(name)?;
            let first = used.get_mut(place).is_some_and(|used| !core::mem::replace(used, true));
            Some(links.get(place).filter(|_| first).map(TemplateLink::text).unwrap_or_default())
        });
        // The wording is matched around the placeholders, not around the names.
        let words = rendered(&template, "$", "$", |name| {
            let link = links.get(find(name)?)?;
            Some(if &*link.kind == PROFILE { ["$", name, "$"].concat() } else { String::new() })
        });
        let link = |place: &str| links.get(find(place.strip_prefix('$')?.strip_suffix('$')?)?);
        let people = |place: &str| Some(link(place)?.people()).filter(|(list, _)| !list.is_empty());
        let event = recognise(&words)
            .map(|event| event.expand(people, |place| Some(link(place)?.text().into())));
        let text = if text.trim().is_empty() { plain } else { text.trim_end().into() };
        Self { text, event, template, links }
    }
}

impl TemplateLink {
    fn text(&self) -> String {
        if &*self.kind != PROFILE {
            return if self.is_hidden { String::new() } else { self.title.as_ref().into() };
        }
        // A long separator would be repeated between all names.
        let usual = self.separator.is_empty() || self.separator.len() > SEPARATOR;
        let separator = if usual { "、" } else { &self.separator };
        let names = self.members.iter().map(|member| &*member.nick_name);
        names.collect::<Vec<_>>().join(separator)
    }

    /// Returns the people, and whether a list of names without ids was split.
    fn people(&self) -> (Vec<Person>, bool) {
        let mut split = false;
        let people = self.members.iter().flat_map(|member| {
            if member.permanent_id.is_empty() {
                let names = split_names(&member.nick_name);
                split |= names.len() > 1;
                return names;
            }
            alloc::vec![Person::Named(member.nick_name.clone())]
        });
        (people.collect(), split)
    }
}

/// A link that is being parsed: its texts may come in several pieces.
#[derive(Default)]
pub(super) struct Draft {
    name: Box<str>,
    kind: Box<str>,
    /// Ids and names.
    members: Vec<(String, String)>,
    title: String,
    permanent_ids: Vec<String>,
    separator: String,
    is_hidden: bool,
}

impl Draft {
    /// Visits the content of a `link_list`; `path` is relative to it.
    pub(super) fn visit(links: &mut Vec<Self>, path: &[&str], found: Found<'_>) {
        if let (["link"], Found::Element(attributes)) = (path, &found) {
            let mut link = Self::default();
            for (name, value) in attributes.iter() {
                match name {
                    "name" => link.name = value.into(),
                    "type" => link.kind = value.into(),
                    "hidden" => link.is_hidden = value.trim() == "1",
                    _ => {}
                }
            }
            // Keeps one link beyond the limit, so that its content is not added to another link.
            links.truncate(LINKS);
            links.push(link);
            return;
        }
        let Some(link) = links.last_mut() else { return };
        match (path, found) {
            (["link", "memberlist", "member"], Found::Element(_)) => {
                link.members.push(<_>::default());
            }
            (["link", "usernamelist", "username"], Found::Element(_)) => {
                link.permanent_ids.push(String::new());
            }
            (["link", "memberlist", "member", field], Found::Text(text)) => {
                match (*field, link.members.last_mut()) {
                    ("username", Some((id, _))) => id.push_str(text),
                    ("nickname", Some((_, name))) => name.push_str(text),
                    _ => {}
                }
            }
            (["link", "usernamelist", "username"], Found::Text(text)) => {
                if let Some(id) = link.permanent_ids.last_mut() {
                    id.push_str(text);
                }
            }
            (["link", "separator"], Found::Text(text)) => link.separator.push_str(text),
            (["link", "title"], Found::Text(text)) => link.title.push_str(text),
            _ => {}
        }
    }

    fn finish(self) -> TemplateLink {
        let member = |(id, name): (String, String)| TemplateMember {
            permanent_id: id.trim().into(),
            nick_name: name.into(),
        };
        TemplateLink {
            name: self.name,
            kind: self.kind,
            members: self.members.into_iter().map(member).collect(),
            title: self.title.into(),
            permanent_ids: self.permanent_ids.iter().map(|id| id.trim().into()).collect(),
            separator: self.separator.into(),
            is_hidden: self.is_hidden,
        }
    }
}

/// Replaces each name between `open` and `close` in a template. Unknown names and unclosed
/// placeholders remain.
pub(super) fn rendered(
    template: &str,
    open: &str,
    close: &str,
    mut replace: impl FnMut(&str) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((name, behind)) = after.split_once(close) else { break };
        out.push_str(before);
        if let Some(text) = replace(name) {
            out.push_str(&text);
            rest = behind;
        } else {
            out.push_str(open);
            out.push_str(name);
            // The delimiter that closes one placeholder may open the next.
            rest = after.get(name.len()..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}
