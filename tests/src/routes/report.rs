//! `POST /cgi-bin/mmwebwx-bin/webwxstatreport` (docs/protocol.md §13)

use serde_json::Value;

use crate::check::{Check, Rule};
use crate::form::Form;
use crate::reply::{self, Object};
use crate::request::Decoded;
use crate::simulator::Answer;
use crate::world::World;

/// What a client has told of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reported {
    /// 1, 2 or 16.
    pub kind: i64,
    /// A JSON text.
    pub text: String,
    /// Whether there was no session yet.
    pub before_login: bool,
}

impl World {
    /// What clients have told of themselves, in order.
    pub fn reports(&self) -> &[Reported] {
        &self.reports
    }

    /// Whether the page is still at its login.
    pub(crate) fn is_logging_in(&self) -> bool {
        self.session.is_none() || self.codes.last().is_some_and(|code| !code.redeemed)
    }
}

pub(crate) fn check(check: &mut Check<'_>) {
    if check.form != Form::Official {
        check.wrong("is not in this form");
    }
    let before = check.world.is_logging_in();
    let mut must = vec![("fun", Rule::is("new")), ("lang", check.lang())];
    if !before {
        must.push(("pass_ticket", check.pass_ticket()));
    }
    check.query(&must, &[]);
    let body = check.body(&["BaseRequest", "Count", "List"]);
    let base = check.inner(&body, "BaseRequest", &["Uin", "Sid", "DeviceID"]);
    if before {
        check.text(&base, "Uin", &Rule::is(""));
        check.text(&base, "Sid", &Rule::is(""));
    } else {
        let (uin, sid) = (check.uin(), check.sid());
        check.number(&base, "Uin", &uin);
        check.text(&base, "Sid", &sid);
    }
    check.text(&base, "DeviceID", &Rule::Device);
    let Some(list) = body.get("List").map(|raw| raw.get().to_owned()) else { return };
    let Ok(items) = serde_json::from_str::<Vec<Box<serde_json::value::RawValue>>>(&list) else {
        return check.wrong("JSON field `List` is not a list");
    };
    check.count(&body, items.len());
    for (index, item) in items.iter().enumerate() {
        let fields = check.object(&format!("List[{index}]"), item.get(), &["Type", "Text"]);
        let types = Rule::OneOf(["1", "2", "16"].map(String::from).to_vec());
        check.number(&fields, "Type", &types);
        if let Some(text) = check.free(&fields, "Text")
            && serde_json::from_str::<Value>(&text).is_err()
        {
            check.wrong(format!("JSON field `List[{index}].Text` is `{text}`, which is no JSON"));
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
