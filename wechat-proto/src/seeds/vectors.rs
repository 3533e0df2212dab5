//! The vectors of `docs/protocol.md` §1, byte for byte.

use alloc::format;
use alloc::string::ToString as _;

use super::*;
use crate::call::Call;
use crate::contact::{batch, list};
use crate::error::{Error, Ret};
use crate::login::{announce, init, push};
use crate::media::MediaType;
use crate::message::{
    Receipt, notify, revoke, send_app, send_emoticon, send_image, send_text, send_video,
};
use crate::sync::key::WireKey;
use crate::sync::{check, fetch};
use crate::testing::{NOW, reply, uploaded};
use crate::time::Timestamp;
use crate::{feedback, link, report};

/// The three vectors of `r`: the last is the clock of the first notes.
const CLOCKS: [(u64, &str); 3] = [
    (1_546_211_298_738, "-23072179"),
    (1_700_000_000_000, "807049215"),
    (1_476_606_163_580, "862586243"),
];

fn query<T>(call: &Call<T>) -> alloc::string::String {
    call.http().uri().query().unwrap().to_string()
}

/// §1.2: the ticket is encoded once more, in each call that has it.
#[test]
fn the_ticket() {
    for (xml, sent) in [
        ("eOlWI%2FwIBMV", "eOlWI%252FwIBMV"),
        ("Dqw1%2B4DV", "Dqw1%252B4DV"),
        ("Ynk%3D", "Ynk%253D"),
    ] {
        let login = Login { pass_ticket: xml, ..THIRD };
        let mut session = login.session(Family::Wx, SyncKey::default());
        let to = name("filehelper");
        let file = uploaded(MediaType::Document, "x");
        let mut device = session.device.clone();
        let queries = [
            query(&init::request(&mut device, &login.credentials(), NOW)),
            query(&announce::request(&mut session, NOW)),
            query(&list::request(&mut session, 0, NOW)),
            query(&batch::request(&mut session, &[name(ROOM)], NOW)),
            query(&fetch::request(&mut session, NOW)),
            query(&send_text::request(&mut session, &to, "x", NOW)),
            query(&send_image::request(&mut session, &to, &file, NOW)),
            query(&send_video::request(&mut session, &to, &file, NOW)),
            query(&send_emoticon::request(&mut session, &to, &file, NOW)),
            query(&send_app::request(&mut session, &to, &file, NOW)),
            query(&revoke::request(&mut session, &to, &Receipt::of("1".into()))),
            query(&notify::mark_read(&mut session, &to, NOW)),
            query(&report::request(&mut session, &[], NOW)),
            query(&feedback::request(&mut session, "x", NOW)),
            query(&link::request(&mut session, &"http://a.example/".parse().unwrap(), NOW)),
        ];
        for query in queries {
            let pair = format!("pass_ticket={sent}");
            assert!(query.split('&').any(|other| other == pair), "{query}");
        }
        // Not a script's: §1.2.
        assert!(!query(&check::request(&mut session, NOW)).contains("pass_ticket"));
        for host in [push::Host::Api, push::Host::Login] {
            assert_eq!(query(&push::request(&session.device, UIN, host)), format!("uin={UIN}"));
        }
    }
}

/// §1.2: the bar of the key is `%7C`.
#[test]
fn the_key() {
    let key = WireKey::of(
        r#"{"Count":3,"List":[{"Key":1,"Val":643606091},{"Key":2,"Val":643606203},{"Key":3,"Val":643606171}]}"#,
    );
    let mut session = SECOND.session(Family::Wx, key.unwrap());
    let query = query(&check::request(&mut session, NOW));
    let sent = "&synckey=1_643606091%7C2_643606203%7C3_643606171&";
    assert!(query.contains(sent), "{query}");
}

/// §1.2: `r` of `login` and `webwxinit`, `rr` of `webwxsync`.
#[test]
fn the_complement_of_the_clock() {
    use crate::ids::Uuid;
    use crate::login::scan;

    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let uuid = Uuid::parse("gf5Gk61zEA==").unwrap();
    for (millis, sent) in CLOCKS {
        let now = Timestamp::from_millis(millis);
        let scan = query(&scan::request(&session.device, &uuid, true, now));
        assert!(scan.contains(&format!("&r={sent}&")), "{scan}");
        let mut device = session.device.clone();
        let init = query(&init::request(&mut device, &THIRD.credentials(), now));
        assert!(init.starts_with(&format!("r={sent}&")), "{init}");
        let fetch = raw_body(&fetch::request(&mut session, now));
        assert!(fetch.ends_with(&format!(",\"rr\":{sent}}}")), "{fetch}");
    }
}

/// §1.2: `r` of the calls that have the clock itself.
#[test]
fn the_clock() {
    let mut session = SECOND.session(Family::Wx, SyncKey::default());
    for (millis, _) in CLOCKS {
        let now = Timestamp::from_millis(millis);
        for query in [
            query(&check::request(&mut session, now)),
            query(&list::request(&mut session, 0, now)),
            query(&batch::request(&mut session, &[name(ROOM)], now)),
        ] {
            let pair = format!("r={millis}");
            assert!(query.split('&').any(|other| other == pair), "{query}");
        }
    }
}

/// §1.2: a `+` in the sid does not become a blank.
#[test]
fn the_sid() {
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let sent = "sid=2uor%2BDO3JHqeS5te&";
    assert!(query(&fetch::request(&mut session, NOW)).starts_with(sent));
    assert!(query(&check::request(&mut session, NOW)).contains(sent));
}

/// §1.4: `Uin` is text in `webwxinit` and a number later, each request has a `DeviceID` of its own.
#[test]
fn who_asks() {
    let mut session = FIRST.session(Family::Wx, SyncKey::default());
    let init = init::request(&mut session.device.clone(), &FIRST.credentials(), NOW);
    let init = raw_body(&init);
    assert!(init.starts_with(r#"{"BaseRequest":{"Uin":"752650838","Sid":"kByR"#), "{init}");
    let bodies = [(); 2].map(|()| raw_body(&announce::request(&mut session, NOW)));
    for body in &bodies {
        assert!(body.starts_with(r#"{"BaseRequest":{"Uin":752650838,"Sid":"kByR"#), "{body}");
    }
    assert_ne!(bodies[0], bodies[1]);
    // Without a `Skey`, and before the login without anybody.
    let told = [(); 2].map(|()| raw_body(&report::request(&mut session, &[], NOW)));
    assert!(told[0].starts_with(r#"{"BaseRequest":{"Uin":752650838,"Sid":"kByR"#), "{told:?}");
    assert!(!told[0].contains("Skey"), "{told:?}");
    assert_ne!(told[0], told[1]);
    let before = raw_body(&report::before_login(&mut session.device, &[], NOW));
    let nobody = r#"{"BaseRequest":{"Uin":"","Sid":"","DeviceID":"e"#;
    assert!(before.starts_with(nobody), "{before}");
    let said = [(); 2].map(|()| raw_body(&feedback::request(&mut session, "x", NOW)));
    assert!(said[0].starts_with(r#"{"BaseRequest":{"Uin":752650838,"Sid":"kByR"#), "{said:?}");
    assert_ne!(said[0], said[1]);
    let asked = [(); 2].map(|()| query(&link::request(&mut session, &"x".parse().unwrap(), NOW)));
    assert_ne!(asked[0], asked[1]);
}

/// §1.2: the language is an option of the device's, in each call that has one.
#[test]
fn the_language() {
    let mut session = FIRST.session(Family::Wx, SyncKey::default());
    session.device = session.device.with_lang("en_US".parse().unwrap());
    let mut device = session.device.clone();
    for query in [
        query(&report::request(&mut session, &[], NOW)),
        query(&report::before_login(&mut device, &[], NOW)),
        query(&feedback::request(&mut session, "x", NOW)),
    ] {
        assert!(query.split('&').any(|pair| pair == "lang=en_US"), "{query}");
    }
}

/// §1.5: a notice, in the words meant for people.
#[test]
fn the_notice() {
    let notice = "<e><ShowType>1</ShowType><Content><![CDATA[text]]></Content><Url/><DispSec>30</DispSec><Title/><Action>4</Action><DelayConnSec/><Countdown/><Ok/><Cancel/></e>";
    let body = format!("{{\"BaseResponse\":{{\"Ret\":1,\"ErrMsg\":\"{notice}\"}}}}");
    let Err(Error::Refused { ret, message, .. }) = send_text::parse(&reply(&body)) else {
        panic!("{body}")
    };
    assert_eq!((ret, &*message), (Ret::PARAMETER, "text"));
}

/// §1.6: the clock, a `0`, three random digits; in both places.
#[test]
fn the_number_of_a_message() {
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let now = Timestamp::from_millis(1_546_214_741_416);
    let body = raw_body(&send_text::request(&mut session, &name(FRIEND), "x", now));
    let msg = Json::of(&body);
    let msg = msg.get("Msg");
    let Json::Plain(serde_json::Value::String(id)) = msg.get("ClientMsgId") else {
        panic!("{body}")
    };
    // As `15462147414160521`.
    assert!(id.starts_with("15462147414160") && id.len() == 17, "{id}");
    assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    assert_eq!(msg.get("LocalID"), msg.get("ClientMsgId"));
}
