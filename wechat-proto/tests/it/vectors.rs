//! Rules of `docs/protocol.md` §1 that hold for the requests of all endpoints.

use std::collections::BTreeSet;

use wechat_fuzz::{Make, NOW, Row, Visitor, account, endpoints};
use wechat_proto::login::{Credentials, InitSession};
use wechat_proto::{Account, Body, Device, Endpoint, Timestamp};

use crate::reply;

/// The three vectors of `r`. The last one is the clock of notes-L.
const CLOCKS: [(u64, &str); 3] = [
    (1_546_211_298_738, "-23072179"),
    (1_700_000_000_000, "807049215"),
    (1_476_606_163_580, "862586243"),
];

/// The requests of all endpoints, by title.
struct Requests {
    account: Account,
    now: Timestamp,
    all: Vec<(&'static str, http::Request<Body>)>,
}

impl Requests {
    fn of(account: Account, now: Timestamp) -> Vec<(&'static str, http::Request<Body>)> {
        let mut requests = Self { account, now, all: Vec::new() };
        endpoints(&mut requests);
        requests.all
    }
}

impl Visitor for Requests {
    fn visit<E>(&mut self, row: Row, make: Make<E>)
    where
        E: Endpoint + 'static,
        E::Output: std::fmt::Debug,
        Account: AsMut<E::State>,
    {
        let mut endpoint = make.value(&mut self.account);
        self.all.push((row.title, endpoint.request(self.account.as_mut(), self.now)));
    }
}

fn parameter<'a>(request: &'a http::Request<Body>, name: &str) -> Option<&'a str> {
    let mut pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn text(body: &Body) -> String {
    String::from_utf8_lossy(&body.clone().into_bytes()).into_owned()
}

/// §1.2: the ticket is encoded a second time, and sent in all calls of the page's code after the
/// login.
#[test]
fn pass_ticket_is_encoded_twice() {
    for (ticket, sent) in [
        ("eOlWI%2FwIBMV", "eOlWI%252FwIBMV"),
        ("Dqw1%2B4DV", "Dqw1%252B4DV"),
        ("Ynk%3D", "Ynk%253D"),
    ] {
        let credentials = Credentials::new("7", "sid", "skey", ticket).unwrap();
        let init = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"}}"#;
        let init = InitSession::new(credentials.clone()).parse(&reply(init)).unwrap();
        let account = Account::open(Device::new(), credentials, init, NOW);
        let mut without = BTreeSet::new();
        for (title, request) in Requests::of(account, NOW) {
            match parameter(&request, "pass_ticket") {
                // This endpoint has its own credentials in the table.
                _ if title == "InitSession" => {}
                Some(value) => assert_eq!(value, sent, "{title}"),
                None => drop(without.insert(title.split(' ').next().unwrap())),
            }
        }
        let expected = [
            "CheckScan", "GetContactPicture", "GetHeadImg", "GetIcon", "GetImage", "GetMap",
            "GetMedia", "GetPreview", "GetQrCode", "GetUuid", "GetVideo", "GetVoice", "Logout",
            "PushLogin", "RedeemTicket", "SendLoginReports", "SyncCheck", "UploadPiece",
        ];
        assert_eq!(without.into_iter().collect::<Vec<_>>(), expected);
    }
}

/// §1.2: `r` of `login` and `webwxinit` and `rr` of `webwxsync` are the complement of the clock; `r`
/// of all other calls is the clock.
#[test]
fn r_is_the_clock_or_its_complement() {
    for (millis, complement) in CLOCKS {
        let (mut clocks, clock) = (0, millis.to_string());
        for (title, request) in Requests::of(account(), Timestamp::from_millis(millis)) {
            let r = parameter(&request, "r");
            match title {
                "CheckScan" | "InitSession" => assert_eq!(r, Some(complement), "{title}"),
                "FetchBatch" => {
                    let body = text(request.body());
                    assert!(body.ends_with(&format!(",\"rr\":{complement}}}")), "{body}");
                }
                _ => {
                    assert!(r.is_none_or(|r| r == clock), "{title}: {r:?}");
                    clocks += usize::from(r.is_some());
                }
            }
        }
        assert!(clocks >= 6, "{clocks}");
    }
}

/// §1.4: each request has its own `DeviceID`, in the body or in the query.
#[test]
fn device_id_differs_in_each_request() {
    let mut ids = BTreeSet::new();
    let requests = Requests::of(account(), NOW);
    for (title, request) in &requests {
        let body = text(request.body());
        let of_body = body.split("\"DeviceID\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let Some(id) = of_body.or_else(|| parameter(request, "deviceid")) else { continue };
        let digits = id.strip_prefix('e').unwrap_or(id);
        assert!(digits.len() == 15 && digits.bytes().all(|b| b.is_ascii_digit()), "{title} {id}");
        assert!(ids.insert(id.to_owned()), "{title} {id}");
    }
    assert!(ids.len() > 30, "{}", ids.len());
}

/// §1.2: the language is an option of the device, sent in each call that has one.
#[test]
fn lang_is_that_of_the_device() {
    let mut account = account();
    let device: &mut Device = account.as_mut();
    *device = device.clone().with_lang("en_US".parse().unwrap());
    let requests = Requests::of(account, NOW);
    let langs: Vec<_> = requests
        .iter()
        .filter_map(|(title, http)| Some((title, parameter(http, "lang")?)))
        .collect();
    assert!(langs.len() > 30, "{}", langs.len());
    for (title, lang) in langs {
        assert_eq!(lang, "en_US", "{title}");
    }
}
