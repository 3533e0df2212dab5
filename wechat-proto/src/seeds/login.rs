//! Samples of logging in: `docs/protocol.md` §3.

use alloc::format;

use super::*;
use crate::endpoint::Endpoint as _;
use crate::error::Error;
use crate::ids::Uuid;
use crate::login::Redeemed;
use crate::login::Scan;
use crate::login::{CheckScan, GetQrCode, GetUuid, RedeemTicket};
use crate::testing::{NOW, built, reply};
use crate::time::Timestamp;

/// The clock of the first notes' `r=862560455`.
const POLLED: Timestamp = Timestamp::from_millis(1_476_606_189_368);

const HOST: Difference = Difference {
    what: "host",
    how: Changed("login.wx.qq.com"),
    why: "docs/protocol.md §1.1: the login host of wx.qq.com; both hosts work",
};

fn code() -> Uuid {
    Uuid::parse("gf5Gk61zEA==").unwrap()
}

#[test]
fn jslogin_request_matches_first_notes() {
    let printed = "GET https://login.wx.qq.com/jslogin?appid=wx782c26e4c19acffb&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage&fun=new&lang=zh_CN&_=1476606163580";
    let call = built(GetUuid::new(), &mut Device::new(), NOW);
    compare(&call, printed, &[]);
    assert_eq!(format!("GET {}", call.uri()), printed);
}

#[test]
fn jslogin_request_matches_second_notes() {
    let printed = "GET https://login.weixin.qq.com/jslogin?appid=wx782c26e4c19acffb&fun=new&lang=zh_CN&_=1476606163580";
    let redirect_uri = Difference {
        what: "?redirect_uri",
        how: Added("https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage"),
        why: "docs/protocol.md §3.1: one of the parameters; the notes omit it",
    };
    compare(&built(GetUuid::new(), &mut Device::new(), NOW), printed, &[HOST, redirect_uri]);
}

#[test]
fn jslogin_replies_of_both_notes_are_parsed() {
    let first = "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";";
    assert_eq!(GetUuid::new().parse(&reply(first)).unwrap().as_str(), "gf5Gk61zEA==");
    // As printed, with `xxx` for the uuid and without the last semicolon.
    let second = "window.QRLogin.code = 200; window.QRLogin.uuid = \"xxx\"";
    assert_eq!(GetUuid::new().parse(&reply(second)).unwrap().as_str(), "xxx");
}

#[test]
fn qrcode_request_matches_first_notes() {
    let printed = "GET https://login.weixin.qq.com/qrcode/gf5Gk61zEA==";
    let call = built(GetQrCode::new(code()), &mut Device::new(), NOW);
    compare(&call, printed, &[]);
    assert_eq!(format!("GET {}", call.uri()), printed);
    assert_eq!(code().url(), "https://login.weixin.qq.com/l/gf5Gk61zEA==");
}

#[test]
fn qrcode_request_matches_second_notes() {
    let printed = "POST https://login.weixin.qq.com/qrcode/gf5Gk61zEA==?t=webwx&_=1476606163580";
    let why = "docs/protocol.md §3.2: a GET; the parameters are not needed";
    let differences = [
        Difference { what: "method", how: Changed("GET"), why },
        Difference { what: "?t", how: Omitted, why },
        Difference { what: "?_", how: Omitted, why },
    ];
    compare(&built(GetQrCode::new(code()), &mut Device::new(), NOW), printed, &differences);
}

#[test]
fn login_request_matches_first_notes() {
    let printed = "GET https://login.wx.qq.com/cgi-bin/mmwebwx-bin/login?loginicon=true&uuid=gf5Gk61zEA==&tip=0&r=862560455&_=1476606163582";
    let counted = Difference {
        what: "?_",
        how: Changed("1476606189368"),
        why: "docs/protocol.md §1.2: any value; here the clock from which r is computed",
    };
    let mut scan = CheckScan::new(code());
    let [first, later] = [(); 2].map(|()| scan.request(&mut Device::new(), POLLED));
    compare(&later, printed, &[counted]);
    let tip = Difference {
        what: "?tip",
        how: Changed("1"),
        why: "docs/protocol.md §16: 1, then 0; the notes always have 0",
    };
    compare(&first, printed, &[counted, tip]);
}

#[test]
fn login_request_matches_second_notes() {
    let why = "docs/protocol.md §3.3: one of the parameters; the notes omit it";
    let differences = [
        HOST,
        Difference { what: "?loginicon", how: Added("true"), why },
        Difference { what: "?r", how: Added("862560455"), why },
        Difference { what: "?tip", how: Moved, why: "docs/protocol.md §3.3: it follows the uuid" },
    ];
    let mut scan = CheckScan::new(code());
    for tip in [1, 0] {
        let printed = format!(
            "GET https://login.weixin.qq.com/cgi-bin/mmwebwx-bin/login?tip={tip}&uuid=gf5Gk61zEA==&_=1476606189368"
        );
        let call = scan.request(&mut Device::new(), POLLED);
        compare(&call, &printed, &differences);
    }
}

#[test]
fn login_replies_of_both_notes_are_parsed() {
    // Both notes are alike, except that the second do not print the avatar.
    assert_eq!(CheckScan::new(code()).parse(&reply("window.code=408;")).unwrap(), Scan::Pending);
    assert_eq!(
        CheckScan::new(code())
            .parse(&reply("window.code=201;window.userAvatar = 'data:img/jpg;base64';"))
            .unwrap(),
        Scan::Scanned { avatar: Some("data:img/jpg;base64".into()) }
    );
    assert_eq!(
        CheckScan::new(code()).parse(&reply("window.code=201;")).unwrap(),
        Scan::Scanned { avatar: None }
    );

    for address in [
        "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=YKvxyFDV1wq5UnjO1HyAIB0f@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728",
        "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=xxx&uuid=xxx&lang=xxx&scan=xxx",
    ] {
        let text = format!("window.code=200;\n\twindow.redirect_uri=\"{address}\";");
        let Scan::Confirmed { redirect } = CheckScan::new(code()).parse(&reply(&text)).unwrap()
        else {
            panic!("{text}")
        };
        assert_eq!(redirect.as_str(), address);
    }
    // The code alone, without a redirect, is not a confirmation.
    assert!(matches!(
        CheckScan::new(code()).parse(&reply("window.code=200;")),
        Err(Error::Malformed { .. })
    ));
}

#[test]
fn webwxnewloginpage_request_matches_first_notes() {
    let printed = "GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=YKvxyFDV1wq5UnjO1HyAIB0f@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new&version=v2&lang=zh_CN";
    let redirect = printed.strip_prefix("GET ").unwrap();
    let redirect = redirect.strip_suffix("&fun=new&version=v2&lang=zh_CN").unwrap();
    let redirect = redirect.parse().unwrap();
    let call = built(RedeemTicket::new(redirect), &mut Device::new(), NOW);
    compare(&call, printed, &[]);
    assert_eq!(format!("GET {}", call.uri()), printed);
}

#[test]
fn webwxnewloginpage_request_matches_second_notes() {
    let printed = "GET https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=YKvxyFDV1wq5UnjO1HyAIB0f@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new";
    let redirect = printed.strip_prefix("GET ").unwrap().strip_suffix("&fun=new").unwrap();
    let redirect = redirect.parse().unwrap();
    let differences = [
        Difference {
            what: "?version",
            how: Added("v2"),
            why: "docs/protocol.md §16: v2; the notes have fun=new only",
        },
        Difference {
            what: "?lang again",
            how: Added("zh_CN"),
            why: "docs/protocol.md §3.4: repeated if the page had one",
        },
    ];
    // The redirect moves the device to the account's own host.
    let mut moved = Device::new();
    let call = moved.enter(redirect).unwrap();
    let call = built(call, &mut moved, NOW);
    compare(&call, printed, &differences);
    let stored = |device: &Device| serde_json::to_string(device).unwrap();
    assert_eq!(stored(&moved), stored(&device(Family::Wx2)));
}

#[test]
fn webwxnewloginpage_replies_of_both_notes_are_parsed() {
    let first = r"
	<error>
		<ret>0</ret>
		<message></message>
		<skey>@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e</skey>
		<wxsid>kByRoJSUlD7S2pif</wxsid>
		<wxuin>752650838</wxuin>
		<pass_ticket>xYZ2UYgVCw0xSwWT%2FlQGCIMDn9LHCGnnKxo6%2B8ZXXt5ZgNdB6r6cF3SLDse4fQhy</pass_ticket>
		<isgrayscale>1</isgrayscale>
	</error>";
    // With `xxx` filled in.
    let second = r"<error>
<ret>0</ret>
<message>OK</message>
<skey>@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e</skey>
<wxsid>kByRoJSUlD7S2pif</wxsid>
<wxuin>752650838</wxuin>
<pass_ticket>xYZ2UYgVCw0xSwWT%2FlQGCIMDn9LHCGnnKxo6%2B8ZXXt5ZgNdB6r6cF3SLDse4fQhy</pass_ticket>
<isgrayscale>1</isgrayscale></error>";
    for page in [first, second] {
        let redirect = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1";
        let redeem = RedeemTicket::new(redirect.parse().unwrap());
        let Redeemed::Credentials(got) = redeem.parse(&reply(page)).unwrap() else { panic!() };
        assert_eq!(got.uin.expose(), "752650838");
        assert_eq!(got.sid.expose(), FIRST.sid);
        assert_eq!(got.skey.expose(), FIRST.skey);
        // Kept encoded: it is encoded a second time when it is sent.
        assert_eq!(got.pass_ticket.expose(), FIRST.pass_ticket);
        assert_eq!(got, FIRST.credentials());
    }
}
