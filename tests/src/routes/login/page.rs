//! `GET /cgi-bin/mmwebwx-bin/webwxnewloginpage` (docs/protocol.md §3.4, §3.5, §1.7)

use crate::check::Check;
use crate::check::differences::{QUERY, REQUEST};
use crate::session::jar::Cookie;
use crate::session::{Code, Session};
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Reply};
use crate::wire::request::{Decoded, Param, params};
use crate::world::World;
use crate::world::entry_page::EntryPage;
use crate::world::layout::{Layout, wide_domain};

/// The validity of a redirect after the confirmation, in milliseconds.
const LIFE: u64 = 300_000;
pub(crate) const HALF_A_DAY: u64 = 12 * 3_600_000;
const TEN_YEARS: u64 = 3650 * 24 * 3_600_000;

pub(crate) fn check(check: &mut Check<'_>) {
    let uuid = check.request.get("uuid");
    let is_confirmed = |code: &&Code| code.uuid == uuid && !code.redirect.is_empty();
    let Some(code) = check.world.codes.iter().find(is_confirmed) else {
        let what = format!("query parameter `uuid` is `{uuid}`, which was not confirmed");
        return check.wrong_as(1203, what);
    };
    let added = match check.world.entry_page {
        EntryPage::Desktop { .. } => {
            format!("fun=new&version=v2&mod=desktop&lang={}", check.world.lang)
        }
        EntryPage::FileHelper => "fun=new&version=v2".to_owned(),
        EntryPage::Web => format!("fun=new&version=v2&lang={}", check.world.lang),
    };
    let query = format!("{}&{added}", code.redirect);
    let (expected, found) = (params(&query), check.request.query.clone());
    let count = |params: &[Param], param: &Param| {
        params.iter().filter(|other| other.name == param.name && other.raw == param.raw).count()
    };
    for (index, param) in expected.iter().enumerate() {
        if count(&found, param) < count(&expected[..=index], param) {
            let mut same = found.iter().filter(|other| other.name == param.name);
            let is_encoded_anew = same.any(|other| other.value == param.value);
            let complaint = format!("is missing, or not `{}` as issued", param.raw);
            let Param { name, .. } = param;
            match &**name {
                _ if is_encoded_anew => {
                    check.found(Fault::Encoding, QUERY, name, complaint);
                    if name == "ticket" {
                        check.refused_as(1203);
                    }
                }
                // The only fault with an error text of the service: "check ticket failed".
                "ticket" => check.wrong_as(1203, format!("{QUERY} `{name}` {complaint}")),
                _ => check.found(Fault::Missing, QUERY, name, complaint),
            }
        }
    }
    for (index, param) in found.iter().enumerate() {
        if count(&expected, param) < count(&found[..=index], param) {
            let complaint = format_args!("is `{}`, which is not expected", param.raw);
            check.found(Fault::Unknown, QUERY, &param.name, complaint);
        }
    }
    if !check.request.raw_query.starts_with(&code.redirect) {
        let complaint = "the query does not begin with exactly the redirect's own";
        check.found(Fault::Order, REQUEST, "query", complaint);
    }
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    if let Some((ret, message)) = &world.login_refusal {
        return Answer::Reply(refused(now, *ret, message));
    }
    let uuid = request.get("uuid");
    let handed = world.handed;
    let is_valid = |code: &&mut Code| code.uuid == uuid && now <= code.confirmed + LIFE;
    let Some(code) = world.codes.iter_mut().find(is_valid) else {
        return Answer::Reply(refused(now, 1203, "check ticket failed"));
    };
    let first = !std::mem::replace(&mut code.redeemed, true);
    if first {
        world.jar.begin();
        let skey = format!("@crypt_{}_{}", world.rng.hex(8), world.rng.hex(32));
        if world.session.is_some() {
            let before = std::mem::take(&mut world.account.sid);
            world.former.push(before);
        }
        world.account.sid = format!("{}+{}/", world.rng.word(7), world.rng.word(7));
        world.account.pass_ticket =
            format!("{}%2F{}%2B{}", world.rng.word(14), world.rng.word(18), world.rng.word(30));
        world.account.skey.clone_from(&skey);
        world.session = Some(Session::new(skey, now, handed));
    }
    let cookies = if first { issue(world) } else { world.issued.clone() };
    let account = &world.account;
    let xml = format!(
        "<error><ret>0</ret><message></message><skey>{}</skey><wxsid>{}</wxsid><wxuin>{}</wxuin><pass_ticket>{}</pass_ticket><isgrayscale>1</isgrayscale></error>",
        account.skey, account.sid, account.uin, account.pass_ticket
    );
    // Without `version=v2`, the credentials come with a 301 without a `Location`.
    let status =
        world.login_status.unwrap_or(if request.get("version") == "v2" { 200 } else { 301 });
    let mut reply = reply::plain(now, status, "text/plain;charset=utf-8", xml);
    for cookie in &cookies {
        reply::set_cookie(&mut reply, cookie.header());
    }
    world.jar.set(&cookies);
    Answer::Reply(reply)
}

pub(crate) fn refused(now: u64, ret: i64, message: &str) -> Reply {
    let xml = format!("<error><ret>{ret}</ret><message>{message}</message></error>");
    reply::plain(now, 200, "text/plain;charset=utf-8", xml)
}

/// Returns the domain of most cookies: the API host and its subdomains.
pub(crate) fn api_domain(world: &World) -> String {
    match &world.layout {
        Layout::True { shard } => shard.clone(),
        Layout::One { .. } => "wx2.qq.com".to_owned(),
    }
}

/// Returns the cookie that all hosts receive.
pub(crate) fn data_ticket(world: &World, value: String) -> Cookie {
    let api = api_domain(world);
    let expires = world.now() + HALF_A_DAY;
    let cookie = Cookie::new("webwx_data_ticket", value, wide_domain(&api), expires);
    Cookie { dotted: true, ..cookie }
}

fn issue(world: &mut World) -> Vec<Cookie> {
    let (now, api) = (world.now(), api_domain(world));
    let uvid = world.rng.base64(80);
    let auth = world.rng.base64(100);
    let ticket = format!("{}/{}+{}", world.rng.word(9), world.rng.word(6), world.rng.word(7));
    let cookie = |name, value: String, life| Cookie::new(name, value, &api, now + life);
    let cookies = vec![
        cookie("wxuin", world.account.uin.to_string(), HALF_A_DAY),
        cookie("wxsid", world.account.sid.clone(), HALF_A_DAY),
        cookie("wxloadtime", (now / 1000).to_string(), HALF_A_DAY),
        cookie("mm_lang", world.lang.clone(), HALF_A_DAY),
        data_ticket(world, ticket),
        cookie("webwxuvid", format!("{uvid}="), TEN_YEARS),
        cookie("webwx_auth_ticket", format!("{auth}=="), TEN_YEARS),
    ];
    world.issued.clone_from(&cookies);
    world.knows_devices = true;
    cookies
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, text};

    fn confirmed(world: World) -> Client {
        let mut client = Client::new(world);
        client.jslogin();
        client.simulator.world().phone().confirm();
        client.poll();
        client
    }

    #[test]
    fn ticket_is_exchanged_for_credentials_and_cookies() {
        let mut client = confirmed(World::new(1));
        let reply = client.login_page();
        assert_eq!(reply.headers()["content-type"], "text/plain;charset=utf-8");
        assert!(text(&reply).starts_with("<error><ret>0</ret><message></message><skey>@crypt_"));
        assert!(client.pass_ticket.contains("%2F"));
        let cookies: Vec<&str> = client.cookies.keys().map(String::as_str).collect();
        let expected = [
            "mm_lang", "webwx_auth_ticket", "webwx_data_ticket", "webwxuvid", "wxloadtime",
            "wxsid", "wxuin",
        ];
        assert_eq!(cookies, expected);
        assert_eq!(client.cookies["webwx_data_ticket"].1, "qq.com");
        let world = client.simulator.world();
        let account = world.account();
        assert_eq!(
            (&account.sid, &account.skey, account.uin),
            (&client.sid, &client.skey, client.uin)
        );
    }

    #[test]
    fn repeated_request_returns_the_same_credentials() {
        let mut client = confirmed(World::new(1));
        let first = client.login_page();
        let cookies = std::mem::take(&mut client.cookies);
        let second = client.login_page();
        client.cookies = cookies;
        let third = client.login_page();
        assert_eq!((first.body(), second.body()), (second.body(), third.body()));
        client.assert_clean();
        client.simulator.world().advance(std::time::Duration::from_secs(301));
        assert!(
            text(&client.login_page())
                .contains("<ret>1203</ret><message>check ticket failed</message>")
        );
    }

    #[test]
    fn changed_ticket_is_refused() {
        let mut client = confirmed(World::new(1));
        client.redirect = client.redirect.replace("@qrticket", "%40qrticket");
        assert!(text(&client.login_page()).contains("check ticket failed"));
        assert!(client.violations()[0].starts_with("webwxnewloginpage: query parameter `ticket` "));
    }

    #[test]
    fn older_login_page_has_credentials_and_status_301() {
        let mut world = World::new(1);
        world.login_page_status(301);
        let mut client = confirmed(world);
        let reply = client.login_page();
        assert_eq!(reply.status(), 301);
        assert!(reply.headers().get("location").is_none());
        assert!(!client.skey.is_empty());
        assert_eq!(client.cookies.len(), 7);
    }

    #[test]
    fn refused_login_has_its_code_and_text() {
        let mut world = World::new(1);
        world.refuse_login(1203, "为了你的帐号安全");
        let mut client = confirmed(world);
        let reply = client.login_page();
        assert_eq!(
            text(&reply),
            "<error><ret>1203</ret><message>为了你的帐号安全</message></error>"
        );
        client.assert_clean();
    }
}
