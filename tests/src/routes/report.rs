//! `POST /cgi-bin/mmwebwx-bin/webwxstatreport` (docs/protocol.md §13)

use serde_json::Value;

use crate::check::{Check, Rule};
use crate::wire::reply::{self, Answer, Object};
use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::misc::Reported;

impl World {
    /// Returns the telemetry reports of clients, in order.
    pub fn reports(&self) -> &[Reported] {
        &self.reports
    }

    /// Returns whether the login of the page is not complete.
    pub(crate) fn is_logging_in(&self) -> bool {
        self.session.is_none() || self.codes.last().is_some_and(|code| !code.redeemed)
    }
}

pub(crate) fn check(check: &mut Check<'_>) {
    let before = check.world.is_logging_in();
    let mut must = vec![("fun", Rule::is("new")), check.lang()];
    if !before {
        must.push(check.pass_ticket());
    }
    check.query(&must, &[]);
    let body = check.body(&["BaseRequest", "Count", "List"]);
    let base = check.inner(&body, "BaseRequest", &["Uin", "Sid", "DeviceID"]);
    if before {
        check.text(&base, "Uin", &Rule::is(""));
        check.text(&base, "Sid", &Rule::is(""));
    } else {
        check.number(&base, "Uin", &check.uin());
        check.text(&base, "Sid", &check.sid());
    }
    check.text(&base, "DeviceID", &Rule::Device);
    let Some(items) = check.list(&body, "List") else { return };
    check.count(&body, items.len());
    for (index, item) in items.iter().enumerate() {
        let fields = check.object(&format!("List[{index}]"), item.get(), &["Type", "Text"]);
        check.number(&fields, "Type", &Rule::one_of(&["1", "2", "16"]));
        if let Some(text) = check.free(&fields, "Text")
            && serde_json::from_str::<Value>(&text).is_err()
        {
            check.wrong(format!("JSON field `List[{index}].Text` is `{text}`, not JSON"));
        }
    }
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let before_login = world.is_logging_in();
    for item in request.json["List"].as_array().into_iter().flatten() {
        world.reports.push(Reported {
            kind: item["Type"].as_i64().unwrap_or_default(),
            text: item["Text"].as_str().unwrap_or_default().to_owned(),
            before_login,
        });
    }
    Answer::Reply(reply::json(world.now(), Object::answer(0, "")))
}
