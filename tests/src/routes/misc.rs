//! `POST …/webwxsendfeedback`, `GET …/webwxcheckurl`, `GET …/webwxpreview` (docs/protocol.md §13, §6.8)

use bytes::Bytes;
use http::{HeaderValue, header};

use crate::check::differences::QUERY;
use crate::check::{Check, Rule};
use crate::routes::change::query;
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Object};
use crate::wire::request::Decoded;
use crate::wire::text::on_the_wire;
use crate::world::misc::Judgement;
use crate::world::{Event, World};

impl World {
    /// Returns the feedback that users sent, in order.
    pub fn feedback(&self) -> &[String] {
        &self.misc.feedback
    }

    /// Sets the verdict on a link. Links in messages default to [`Judgement::Leads`]; checking any other link is a
    /// violation.
    pub fn judge_link(&mut self, link: &str, judgement: Judgement) {
        self.misc.judgements.insert(link.to_owned(), judgement);
    }

    /// Returns the links that clients checked, in order.
    pub fn checked_links(&self) -> &[String] {
        &self.misc.links
    }

    /// Adds a picture as if the account had uploaded it. Returns its `MediaId`.
    pub fn keep_upload(&mut self, picture: impl Into<Bytes>) -> String {
        let id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.base64(60));
        self.misc.previews.insert(id.clone(), picture.into());
        id
    }

    fn has_seen(&self, link: &str) -> bool {
        let written = on_the_wire(link);
        self.misc.judgements.contains_key(link)
            || self.timeline.iter().any(|event| match event {
                Event::Message { message, .. } => message.content.contains(&written),
                _ => false,
            })
    }
}

pub(crate) fn check_feedback(check: &mut Check<'_>) {
    query(check, &[]);
    let body = check.body(&["BaseRequest", "MachineType", "Content", "ReportType"]);
    check.base_request(&body, false);
    check.text(&body, "MachineType", &Rule::is("webwx"));
    check.free(&body, "Content");
    check.number(&body, "ReportType", &Rule::is("0"));
}

pub(crate) fn feedback(world: &mut World, request: &Decoded) -> Answer {
    world.misc.feedback.push(request.text("/Content"));
    Answer::Reply(reply::json(world.now(), Object::answer(0, "")))
}

pub(crate) fn check_link(check: &mut Check<'_>) {
    check.initialised();
    let link = check.request.get("requrl").to_owned();
    if !link.is_empty() && !check.world.has_seen(&link) {
        let complaint = format_args!("is `{link}`, which occurs in no message");
        check.found(Fault::Value, QUERY, "requrl", complaint);
    }
    let me = check.world.account.user_name.clone();
    let must = [
        ("requrl", Rule::is(link)),
        ("skey", check.skey()),
        ("deviceid", Rule::Device),
        check.pass_ticket(),
        ("opcode", Rule::is("2")),
        ("scene", Rule::is("1")),
        ("username", Rule::is(me)),
    ];
    check.query(&must, &[]);
}

/// The warning page of the service.
const WARNING: &str =
    "https://weixin110.qq.com/cgi-bin/mmspamsupport-bin/newredirectconfirmcgi?main_type=2";

pub(crate) fn link(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let link = request.get("requrl").to_owned();
    let judgement = world.misc.judgements.get(&link).copied().unwrap_or_default();
    world.misc.links.push(link.clone());
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
    check.initialised();
    let uploads = check.world.uploads().iter().map(|file| file.media_id.clone());
    let ids = check.world.misc.previews.keys().cloned().chain(uploads).collect();
    check.query(&[("fun", Rule::is("preview")), ("mediaid", Rule::OneOf(ids))], &[]);
}

pub(crate) fn preview(world: &mut World, request: &Decoded) -> Answer {
    let id = request.get("mediaid");
    let uploaded = || world.upload_of(id)?.bytes.clone();
    let picture = world.misc.previews.get(id).cloned().or_else(uploaded).unwrap_or_default();
    Answer::Reply(reply::plain(world.now(), 200, "image/jpeg", picture))
}

#[cfg(test)]
mod tests {
    use super::Judgement;
    use crate::World;
    use crate::client::Client;
    use crate::wire::request::encode;

    fn ask(client: &mut Client, link: &str) -> http::Response<bytes::Bytes> {
        let (skey, device) = (encode(&client.skey), client.device());
        let (ticket, me) = (encode(&client.pass_ticket), encode(&client.me));
        let request = client.get(&format!(
            "{}/cgi-bin/mmwebwx-bin/webwxcheckurl?requrl={}&skey={skey}&deviceid={device}&pass_ticket={ticket}&opcode=2&scene=1&username={me}",
            client.page,
            encode(link)
        ));
        client.send(&request)
    }

    #[test]
    fn link_check_returns_the_verdict() {
        let mut client = Client::ready(World::demo());
        let link = "http://a.example/?b=c&d";
        client.simulator.world().person_writes("filehelper", &format!("look: {link}"));
        assert_eq!(ask(&mut client, link).headers()["location"], link);
        client.simulator.world().judge_link(link, Judgement::Warns);
        let warned = ask(&mut client, link).headers()["location"].clone();
        assert!(warned.to_str().expect("text").starts_with("https://weixin110.qq.com/"));
        client.simulator.world().judge_link(link, Judgement::Page);
        let page = ask(&mut client, link);
        assert_eq!((page.status().as_u16(), page.headers().get("location")), (200, None));
        client.assert_clean();
        assert_eq!(client.simulator.world().checked_links(), [link; 3]);
        ask(&mut client, "http://nobody.example/");
        assert!(client.violations()[0].contains("`requrl`"));
    }
}
