//! `POST /cgi-bin/mmwebwx-bin/webwxlogout` (docs/protocol.md §13)

use http::{HeaderValue, header};

use crate::check::differences::FORM;
use crate::check::{Check, Rule};
use crate::violation::Fault;
use crate::wire::reply;
use crate::wire::reply::Answer;
use crate::wire::request::{Decoded, params};
use crate::world::World;

pub(crate) fn check(check: &mut Check<'_>) {
    let kind = Rule::one_of(&["0", "1"]);
    check.query(&[("redirect", Rule::is("1")), ("type", kind), ("skey", check.skey())], &[]);
    let body = String::from_utf8_lossy(&check.request.body).into_owned();
    let form = params(&body);
    check.params(FORM, &form, &[("sid", check.sid()), ("uin", check.uin())], &[]);
    if form.first().is_some_and(|first| first.name != "sid") {
        check.found(Fault::Order, FORM, "sid", "is not the first");
    }
}

impl World {
    /// Returns the `type` of each logout, in order: 0 for one by the user, 1 after the service ended the session.
    pub fn logouts(&self) -> &[u8] {
        &self.logouts
    }
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    world.logouts.push(u8::from(request.get("type") == "1"));
    if let Some(session) = &mut world.session {
        session.ended.get_or_insert(1101);
    }
    let mut reply = reply::page(now, 301, "301 Moved Permanently");
    if let Ok(page) = HeaderValue::try_from(format!("{}/", world.page_origin())) {
        reply.headers_mut().insert(header::LOCATION, page);
    }
    Answer::Reply(reply)
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, json, text};

    #[test]
    fn logout_ends_the_session_until_the_next_login() {
        let mut client = Client::ready(World::demo());
        let reply = client.log_out();
        assert_eq!(
            (reply.status().as_u16(), &reply.headers()["content-type"]),
            (301, &"text/html".parse().expect("a value"))
        );
        assert_eq!(json(&client.message("filehelper", "too late"))["BaseResponse"]["Ret"], 1101);
        let old = client.check_request();
        client.page = "https://wx.qq.com".into();
        client.log_in();
        assert_eq!(text(&client.send(&old)), "window.synccheck={retcode:\"1101\",selector:\"0\"}");
        assert_eq!(json(&client.message("filehelper", "back"))["BaseResponse"]["Ret"], 0);
        client.assert_clean();
    }
}
