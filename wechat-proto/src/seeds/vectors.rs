//! The vectors of `docs/protocol.md` §1, byte for byte.

use alloc::format;
use alloc::string::ToString as _;

use super::*;
use crate::body::Body;
use crate::contact::{BatchGetContacts, GetContacts};
use crate::endpoint::Endpoint as _;
use crate::error::{Error, Ret};
use crate::feedback::SendFeedback;
use crate::link::CheckLink;
use crate::login::{Announce, CheckScan, InitSession, PushHost, PushLogin};
use crate::media::MediaType;
use crate::message::{
    NotifyPhone, Receipt, RevokeMessage, SendEmoticon, SendFile, SendImage, SendText, SendVideo,
};
use crate::report::{SendLoginReports, SendReports};
use crate::sync::key::WireKey;
use crate::sync::{FetchBatch, SyncCheck};
use crate::testing::{NOW, body, built, reply, uploaded};
use crate::time::Timestamp;

/// The three vectors of `r`: the last is the clock of the first notes.
const CLOCKS: [(u64, &str); 3] = [
    (1_546_211_298_738, "-23072179"),
    (1_700_000_000_000, "807049215"),
    (1_476_606_163_580, "862586243"),
];

fn query(call: &http::Request<Body>) -> alloc::string::String {
    call.uri().query().unwrap().to_string()
}

/// §1.2: the ticket is encoded a second time, in each call that has it.
#[test]
fn pass_ticket_is_encoded_twice() {
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
            query(&built(InitSession::new(login.credentials()), &mut device, NOW)),
            query(&built(Announce::new(), &mut session, NOW)),
            query(&built(GetContacts::new(), &mut session, NOW)),
            query(&built(BatchGetContacts::new(&[name(ROOM)]), &mut session, NOW)),
            query(&built(FetchBatch, &mut session, NOW)),
            query(&built(SendText::new(to.clone(), "x"), &mut session, NOW)),
            query(&built(SendImage::new(to.clone(), &file), &mut session, NOW)),
            query(&built(SendVideo::new(to.clone(), &file), &mut session, NOW)),
            query(&built(SendEmoticon::new(to.clone(), &file), &mut session, NOW)),
            query(&built(SendFile::new(to.clone(), &file), &mut session, NOW)),
            query(&built(
                RevokeMessage::new(to.clone(), &Receipt::of("1".into())),
                &mut session,
                NOW,
            )),
            query(&built(NotifyPhone::mark_read(to.clone()), &mut session, NOW)),
            query(&built(SendReports::new([].into()), &mut session, NOW)),
            query(&built(SendFeedback::new("x"), &mut session, NOW)),
            query(&built(CheckLink::new("http://a.example/".parse().unwrap()), &mut session, NOW)),
        ];
        for query in queries {
            let pair = format!("pass_ticket={sent}");
            assert!(query.split('&').any(|other| other == pair), "{query}");
        }
        // Requests of scripts have no ticket: §1.2.
        assert!(!query(&built(SyncCheck, &mut session, NOW)).contains("pass_ticket"));
        for host in [PushHost::Api, PushHost::Login] {
            assert_eq!(
                query(&built(PushLogin::new(UIN, host), &mut session.device, NOW)),
                format!("uin={UIN}")
            );
        }
    }
}

/// §1.2: the separator of the key, a vertical bar, is `%7C`.
#[test]
fn sync_key_separator_is_encoded() {
    let key = WireKey::of(
        r#"{"Count":3,"List":[{"Key":1,"Val":643606091},{"Key":2,"Val":643606203},{"Key":3,"Val":643606171}]}"#,
    );
    let mut session = SECOND.session(Family::Wx, key.unwrap());
    let query = query(&built(SyncCheck, &mut session, NOW));
    let sent = "&synckey=1_643606091%7C2_643606203%7C3_643606171&";
    assert!(query.contains(sent), "{query}");
}

/// §1.2: `r` of `login` and `webwxinit`, `rr` of `webwxsync`.
#[test]
fn r_of_login_and_init_is_complement_of_the_clock() {
    use crate::ids::Uuid;

    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let uuid = Uuid::parse("gf5Gk61zEA==").unwrap();
    for (millis, sent) in CLOCKS {
        let now = Timestamp::from_millis(millis);
        let scan = query(&built(CheckScan::new(uuid.clone()), &mut session.device, now));
        assert!(scan.contains(&format!("&r={sent}&")), "{scan}");
        let mut device = session.device.clone();
        let init = query(&built(InitSession::new(THIRD.credentials()), &mut device, now));
        assert!(init.starts_with(&format!("r={sent}&")), "{init}");
        let fetch = body(&built(FetchBatch, &mut session, now));
        assert!(fetch.ends_with(&format!(",\"rr\":{sent}}}")), "{fetch}");
    }
}

/// §1.2: `r` of the calls that send the clock itself.
#[test]
fn r_of_other_calls_is_the_clock() {
    let mut session = SECOND.session(Family::Wx, SyncKey::default());
    for (millis, _) in CLOCKS {
        let now = Timestamp::from_millis(millis);
        for query in [
            query(&built(SyncCheck, &mut session, now)),
            query(&built(GetContacts::new(), &mut session, now)),
            query(&built(BatchGetContacts::new(&[name(ROOM)]), &mut session, now)),
        ] {
            let pair = format!("r={millis}");
            assert!(query.split('&').any(|other| other == pair), "{query}");
        }
    }
}

/// §1.2: a `+` in the sid is encoded, so that it is not decoded to a blank.
#[test]
fn plus_in_sid_is_encoded() {
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let sent = "sid=2uor%2BDO3JHqeS5te&";
    assert!(query(&built(FetchBatch, &mut session, NOW)).starts_with(sent));
    assert!(query(&built(SyncCheck, &mut session, NOW)).contains(sent));
}

/// §1.4: `Uin` is text in `webwxinit` and a number later; each request has its own `DeviceID`.
#[test]
fn base_request_has_uin_and_new_device_id() {
    let mut session = FIRST.session(Family::Wx, SyncKey::default());
    let init = built(InitSession::new(FIRST.credentials()), &mut session.device.clone(), NOW);
    let init = body(&init);
    assert!(init.starts_with(r#"{"BaseRequest":{"Uin":"752650838","Sid":"kByR"#), "{init}");
    let bodies = [(); 2].map(|()| body(&built(Announce::new(), &mut session, NOW)));
    for body in &bodies {
        assert!(body.starts_with(r#"{"BaseRequest":{"Uin":752650838,"Sid":"kByR"#), "{body}");
    }
    assert_ne!(bodies[0], bodies[1]);
    // Reports have no `Skey`; before the login, `Uin` and `Sid` are empty.
    let reports = [(); 2].map(|()| body(&built(SendReports::new([].into()), &mut session, NOW)));
    assert!(
        reports[0].starts_with(r#"{"BaseRequest":{"Uin":752650838,"Sid":"kByR"#),
        "{reports:?}"
    );
    assert!(!reports[0].contains("Skey"), "{reports:?}");
    assert_ne!(reports[0], reports[1]);
    let before = body(&built(SendLoginReports::new([].into()), &mut session.device, NOW));
    let empty = r#"{"BaseRequest":{"Uin":"","Sid":"","DeviceID":"e"#;
    assert!(before.starts_with(empty), "{before}");
    let feedback = [(); 2].map(|()| body(&built(SendFeedback::new("x"), &mut session, NOW)));
    assert!(
        feedback[0].starts_with(r#"{"BaseRequest":{"Uin":752650838,"Sid":"kByR"#),
        "{feedback:?}"
    );
    assert_ne!(feedback[0], feedback[1]);
    let links =
        [(); 2].map(|()| query(&built(CheckLink::new("x".parse().unwrap()), &mut session, NOW)));
    assert_ne!(links[0], links[1]);
}

/// §1.2: the language is an option of the device, sent in each call that has one.
#[test]
fn lang_is_that_of_the_device() {
    let mut session = FIRST.session(Family::Wx, SyncKey::default());
    session.device = session.device.with_lang("en_US".parse().unwrap());
    let mut device = session.device.clone();
    for query in [
        query(&built(SendReports::new([].into()), &mut session, NOW)),
        query(&built(SendLoginReports::new([].into()), &mut device, NOW)),
        query(&built(SendFeedback::new("x"), &mut session, NOW)),
    ] {
        assert!(query.split('&').any(|pair| pair == "lang=en_US"), "{query}");
    }
}

/// §1.5: the error message is the readable text of the notice.
#[test]
fn notice_is_the_message_of_the_error() {
    let notice = "<e><ShowType>1</ShowType><Content><![CDATA[text]]></Content><Url/><DispSec>30</DispSec><Title/><Action>4</Action><DelayConnSec/><Countdown/><Ok/><Cancel/></e>";
    let body = format!("{{\"BaseResponse\":{{\"Ret\":1,\"ErrMsg\":\"{notice}\"}}}}");
    let Err(Error::Refused { ret, message, .. }) =
        SendText::new(name(FRIEND), "").parse(&reply(&body))
    else {
        panic!("{body}")
    };
    assert_eq!((ret, &*message), (Ret::PARAMETER, "text"));
}

/// §1.6: the clock, a `0`, three random digits; the same in both fields.
#[test]
fn message_ids_have_clock_and_random_digits() {
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let now = Timestamp::from_millis(1_546_214_741_416);
    let body = body(&built(SendText::new(name(FRIEND), "x"), &mut session, now));
    let msg = Json::of(&body);
    let msg = msg.get("Msg");
    let Json::Plain(serde_json::Value::String(id)) = msg.get("ClientMsgId") else {
        panic!("{body}")
    };
    // For example `15462147414160521`.
    assert!(id.starts_with("15462147414160") && id.len() == 17, "{id}");
    assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    assert_eq!(msg.get("LocalID"), msg.get("ClientMsgId"));
}
