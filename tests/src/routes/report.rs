//! `POST /cgi-bin/mmwebwx-bin/webwxstatreport` (docs/protocol.md §13)

use serde_json::Value;

use crate::check::{Check, Rule};
use crate::dialect::Dialect;
use crate::reply::{self, Object};
use crate::request::Decoded;
use crate::simulator::Answer;
use crate::world::World;

/// A telemetry report of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reported {
    /// 1, 2 or 16.
    pub kind: i64,
    /// A JSON text.
    pub text: String,
    /// Whether it was sent before the login.
    pub before_login: bool,
}

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
    if check.dialect == Dialect::Lbbniu {
        // The notes show no body, both before and after the login.
        let must = [("fun", Rule::is("new")), check.lang()];
        return check.query(&must, &[check.pass_ticket()]);
    }
    check.only_in(&[Dialect::Official]);
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

#[cfg(test)]
mod tests {
    use super::Reported;
    use crate::client::{Client, json};
    use crate::{Dialect, World};

    /// The address before the login.
    const BEFORE: &str = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatreport?fun=new&lang=zh_CN";
    const NOBODY: &str = r#"{"BaseRequest":{"Uin":"","Sid":"","DeviceID":"e123456789012345"},"#;

    fn report(kind: i64, text: &str, before_login: bool) -> Reported {
        Reported { kind, text: text.to_owned(), before_login }
    }

    #[test]
    fn reports_are_accepted_before_and_after_the_login() {
        let mut client = Client::new(World::demo());
        let list = r#""Count":1,"List":[{"Type":1,"Text":"{}"}]}"#;
        let request = client.post(BEFORE, format!("{NOBODY}{list}"));
        assert_eq!(json(&client.send(&request))["BaseResponse"]["Ret"], 0);
        client.log_in();
        let (uin, sid, device) = (client.uin, client.sid.clone(), client.device());
        let base = format!(r#""Uin":{uin},"Sid":"{sid}","DeviceID":"{device}""#);
        let request = client.post(
            &client.call("webwxstatreport", "fun=new"),
            format!(r#"{{"BaseRequest":{{{base}}},{list}"#),
        );
        client.send(&request);
        client.assert_clean();
        let world = client.simulator.world();
        assert_eq!(world.reports(), [report(1, "{}", true), report(1, "{}", false)]);
    }

    #[test]
    fn malformed_reports_are_refused() {
        let mut client = Client::new(World::demo());
        for (list, what) in [
            (r#""Count":2,"List":[]}"#, "`Count`"),
            (r#""Count":1,"List":[{"Type":3,"Text":"{}"}]}"#, "`List[0].Type`"),
            (r#""Count":1,"List":[{"Type":1,"Text":"x"}]}"#, "`List[0].Text`"),
            (r#""Count":0,"List":{}}"#, "`List`"),
        ] {
            let request = client.post(BEFORE, format!("{NOBODY}{list}"));
            assert_eq!(client.send(&request).status(), 400);
            let found = client.violations();
            assert!(found.last().is_some_and(|found| found.contains(what)), "{what}: {found:?}");
        }
        assert!(client.simulator.world().reports().is_empty());
    }

    #[test]
    fn lbbniu_dialect_has_no_body() {
        let mut world = World::demo();
        world.accept(Dialect::Lbbniu);
        let mut client = Client::new(world);
        let request = client.post(BEFORE, String::new());
        client.send(&request);
        client.assert_clean();
    }
}
