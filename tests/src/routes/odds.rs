//! `POST …/webwxsendfeedback`, `GET …/webwxcheckurl`, `GET …/webwxpreview` (docs/protocol.md §13, §6.8)

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, header};

use crate::check::{Check, Rule};
use crate::form::Form;
use crate::message::on_the_wire;
use crate::reply::{self, Object};
use crate::request::Decoded;
use crate::routes::init::initialised;
use crate::simulator::Answer;
use crate::world::{Event, World};

/// What the service thinks of a link.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Judgement {
    /// It leads on to it.
    #[default]
    Leads,
    /// It leads to a page of its own, at `weixin110.qq.com`, that warns.
    Warns,
    /// It shows such a page at once.
    Page,
}

/// What these calls leave behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Odds {
    feedback: Vec<String>,
    judgements: BTreeMap<String, Judgement>,
    links: Vec<String>,
    previews: BTreeMap<String, Bytes>,
}

impl World {
    /// What users had to say of the service, in order.
    pub fn feedback(&self) -> &[String] {
        &self.odds.feedback
    }

    /// What the service thinks of a link. It leads on to those that stand in messages and have no other judgement; a
    /// client asks about no others.
    pub fn judge_link(&mut self, link: &str, judgement: Judgement) {
        self.odds.judgements.insert(link.to_owned(), judgement);
    }

    /// The links that clients asked about, in order.
    pub fn checked_links(&self) -> &[String] {
        &self.odds.links
    }

    /// The service keeps a picture that the account has uploaded. Answers its `MediaId`.
    pub fn keep_upload(&mut self, picture: impl Into<Bytes>) -> String {
        let id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.base64(60));
        self.odds.previews.insert(id.clone(), picture.into());
        id
    }

    fn has_seen(&self, link: &str) -> bool {
        let written = on_the_wire(link);
        self.odds.judgements.contains_key(link)
            || self.timeline.iter().any(|event| match event {
                Event::Message { message, .. } => message.content.contains(&written),
                _ => false,
            })
    }
}

pub(crate) fn check_feedback(check: &mut Check<'_>) {
    if check.form != Form::Official {
        check.wrong("is not in this form");
    }
    initialised(check);
    let (lang, pass_ticket) = (("lang", check.lang()), ("pass_ticket", check.pass_ticket()));
    check.query(&[lang, pass_ticket], &[]);
    let body = check.body(&["BaseRequest", "MachineType", "Content", "ReportType"]);
    check.base_request(&body, false);
    check.text(&body, "MachineType", &Rule::is("webwx"));
    check.free(&body, "Content");
    check.number(&body, "ReportType", &Rule::is("0"));
}

pub(crate) fn feedback(world: &mut World, request: &Decoded) -> Answer {
    world.odds.feedback.push(request.text("/Content").to_owned());
    Answer::Reply(reply::json(world.now(), Object::answer(0, "")))
}

pub(crate) fn check_link(check: &mut Check<'_>) {
    if check.form != Form::Official {
        check.wrong("is not in this form");
    }
    initialised(check);
    let link = check.request.get("requrl").to_owned();
    if !link.is_empty() && !check.world.has_seen(&link) {
        check.wrong(format!("query parameter `requrl` is `{link}`, which stands in no message"));
    }
    let me = check.world.account.user_name.clone();
    let must = [
        ("requrl", Rule::is(link)),
        ("skey", check.skey()),
        ("deviceid", Rule::Device),
        ("pass_ticket", check.pass_ticket()),
        ("opcode", Rule::is("2")),
        ("scene", Rule::is("1")),
        ("username", Rule::is(me)),
    ];
    check.query(&must, &[]);
}

/// Where the service warns.
const WARNING: &str =
    "https://weixin110.qq.com/cgi-bin/mmspamsupport-bin/newredirectconfirmcgi?main_type=2";

pub(crate) fn link(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let link = request.get("requrl").to_owned();
    let judgement = world.odds.judgements.get(&link).copied().unwrap_or_default();
    world.odds.links.push(link.clone());
    let to = match judgement {
        Judgement::Leads => link.as_str(),
        Judgement::Warns => WARNING,
        Judgement::Page => return Answer::Reply(reply::page(now, 200, "This page may be unsafe")),
    };
    let mut reply = reply::page(now, 302, "302 Found");
    if let Ok(to) = HeaderValue::try_from(to) {
        reply.headers_mut().insert(header::LOCATION, to);
    }
    Answer::Reply(reply)
}

pub(crate) fn check_preview(check: &mut Check<'_>) {
    if check.form != Form::Official {
        check.wrong("is not in this form");
    }
    initialised(check);
    let ids = check.world.odds.previews.keys().cloned().collect();
    check.query(&[("fun", Rule::is("preview")), ("mediaid", Rule::OneOf(ids))], &[]);
}

pub(crate) fn preview(world: &mut World, request: &Decoded) -> Answer {
    let picture = world.odds.previews.get(request.get("mediaid")).cloned().unwrap_or_default();
    Answer::Reply(reply::plain(world.now(), 200, "image/jpeg", picture))
}
