//! `GET /cgi-bin/mmwebwx-bin/webwxpushloginurl` (docs/protocol.md §3.7)

use crate::check::{Check, Rule};
use crate::session::{Code, Stage};
use crate::wire::reply::{self, Answer, Object, Reply};
use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::phone::Phone;

/// The cookies by which a device is recognised (§1.7). The first two outlive a session by years, the third by at most
/// three days.
const KNOWN_BY: [&str; 3] = ["webwxuvid", "webwx_auth_ticket", "wxuin"];

pub(crate) fn check(check: &mut Check<'_>) {
    let mut must = vec![("uin", check.uin())];
    if check.world.entry_page.is_desktop() {
        must.push(("mod", Rule::is("desktop")));
    }
    check.query(&must, &[]);
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let cookies = request.cookies();
    let known = world.knows_devices
        && KNOWN_BY.iter().all(|name| {
            let issued = world.issued.iter().find(|cookie| cookie.name == *name);
            issued.is_some_and(|issued| {
                cookies.iter().any(|(name, value)| name == issued.name && *value == issued.value)
            })
        });
    if !known {
        return Answer::Reply(refused(now, 1, "device authinfo invalid"));
    }
    world.layout.shard_host().clone_into(&mut world.entry);
    world.redirected = false;
    let uuid = format!("{}==", world.rng.word(10));
    world.codes.push(Code { uuid: uuid.clone(), pushed: true, ..Code::default() });
    let object = Object::new().with("ret", "0").with("msg", "all ok").with("uuid", uuid);
    Answer::Reply(reply::json(now, object))
}

/// Builds the error answer, which has the code as text and no `BaseResponse`.
pub(crate) fn refused(now: u64, ret: i64, message: &str) -> Reply {
    let object = Object::new().with("ret", ret.to_string()).with("msg", message).with("uuid", "");
    reply::json(now, object)
}

impl World {
    /// Makes the service forget the cookies of devices: `webwxpushloginurl` is refused on every host until the next
    /// login. To refuse it only on the API host, call [`World::refuse`] once.
    pub const fn forget_devices(&mut self) {
        self.knows_devices = false;
    }
}

impl Phone<'_> {
    /// Returns whether it asks its owner to confirm a push login, which has no code to scan.
    pub fn is_asking(&self) -> bool {
        let asks = |code: &Code| code.pushed && matches!(code.stage, Stage::Shown | Stage::Scanned);
        self.world.codes.last().is_some_and(asks)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Response;

    use crate::World;
    use crate::client::{Client, json, text};

    fn push(client: &mut Client) -> Response<bytes::Bytes> {
        let uin = client.uin;
        let url = format!("{}/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin={uin}", client.page);
        client.send(&client.get(&url))
    }

    #[test]
    fn known_device_logs_in_without_a_scan() {
        let mut client = Client::ready(World::demo());
        client.log_out();
        let reply = push(&mut client);
        assert!(text(&reply).starts_with("{\n\"ret\": \"0\",\n\"msg\": \"all ok\",\n\"uuid\": \""));
        client.uuid = json(&reply)["uuid"].as_str().expect("text").to_owned();
        assert!(client.simulator.world().phone().is_asking());
        client.tip = 1;
        client.login = "https://login.wx2.qq.com".into();
        assert_eq!(text(&client.poll()), "window.code=408;");
        client.simulator.world().phone().confirm();
        assert!(!client.simulator.world().phone().is_asking());
        client.poll();
        client.login_page();
        client.init();
        client.notify();
        client.message("filehelper", "back");
        client.assert_clean();
    }

    #[test]
    fn unknown_device_is_refused() {
        let mut client = Client::ready(World::demo());
        client.simulator.world().forget_devices();
        let reply = json(&push(&mut client));
        assert_eq!(
            (&reply["ret"], &reply["msg"]),
            (&"1".into(), &"device authinfo invalid".into())
        );
        client.assert_clean();
        // The device has no cookie before the first login.
        let mut client = Client::new(World::demo());
        client.uin = client.simulator.world().account().uin;
        client.page = "https://wx2.qq.com".into();
        assert_eq!(json(&push(&mut client))["msg"], "device authinfo invalid");
        client.assert_clean();
    }

    /// A missing expired cookie is no violation, but the device is unknown without it.
    #[test]
    fn device_is_unknown_after_its_first_cookie_expires() {
        let mut client = Client::ready(World::demo());
        client.log_out();
        client.simulator.world().advance(Duration::from_secs(13 * 3600));
        client.cookies.retain(|name, _| ["webwxuvid", "webwx_auth_ticket"].contains(&&**name));
        assert_eq!(json(&push(&mut client))["msg"], "device authinfo invalid");
        client.assert_clean();
    }

    #[test]
    fn login_host_serves_push_logins_too() {
        let mut client = Client::ready(World::demo());
        client.simulator.world().refuse("webwxpushloginurl", 1, "device authinfo invalid");
        assert_eq!(json(&push(&mut client))["ret"], "1");
        let uin = client.uin;
        let url = "https://login.wx2.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl";
        let request = client.get(&format!("{url}?uin={uin}"));
        assert_eq!(json(&client.send(&request))["ret"], "0");
        client.assert_clean();
        let request = client.get(&format!("{}x", request.uri()));
        client.send(&request);
        assert!(client.violations()[0].contains("query parameter `uin`"));
    }
}
