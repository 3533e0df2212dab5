//! No printed value shows a credential or a cookie: `docs/threats.md` S1.

use super::*;
use crate::Error;
use crate::contact::LoadContacts;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::Request;
use crate::login::{CheckScan, Login, Logout, Scan};
use crate::message::SendText;
use crate::sync::Inbox;
use crate::{Call, Flow, Input, Interrupt};

const MARK: &str = "PLANTED";

/// Replies like a service whose credentials, cookies and tickets all contain the mark.
fn serve(request: &Request) -> crate::flow::Response {
    let path = request.http.uri().path();
    let body = match path.rsplit('/').next().unwrap() {
        "webwxpushloginurl" => r#"{"ret":"0","uuid":"abc=="}"#,
        "jslogin" => "window.QRLogin.code = 200; window.QRLogin.uuid = \"abc==\";",
        "login" => {
            "window.code=200;window.redirect_uri=\"https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=PLANTED-ticket@qrticket_0&uuid=abc==\";"
        }
        "webwxnewloginpage" => {
            "<error><ret>0</ret><skey>@crypt_PLANTED_1</skey><wxsid>PLANTED-sid</wxsid><wxuin>752650838</wxuin><pass_ticket>PLANTED%2Bticket</pass_ticket></error>"
        }
        "webwxinit" => {
            r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me","Uin":752650838,"HeadImgUrl":"/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1&username=@me&skey=@crypt_PLANTED_2"},
            "ContactList":[{"UserName":"@a","HeadImgUrl":"/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1&username=@a&skey=@crypt_PLANTED_2"}],
            "SyncKey":{"Count":1,"List":[{"Key":1,"Val":5}]},"SKey":"@crypt_PLANTED_2"}"#
        }
        "webwxsync" => {
            r#"{"BaseResponse":{"Ret":0},"AddMsgList":[{"MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"}],
            "SyncKey":{"Count":1,"List":[{"Key":1,"Val":6}]},"SKey":"@crypt_PLANTED_3",
            "ModContactList":[{"UserName":"@b","HeadImgUrl":"/x?skey=@crypt_PLANTED_3"}]}"#
        }
        "synccheck" => "PLANTED",
        "webwxgetcontact" => r#"{"PLANTED":"#,
        "webwxlogout" => "PLANTED",
        _ => r#"{"BaseResponse":{"Ret":0},"SKey":"PLANTED"}"#,
    };
    let lines = ["wxsid=PLANTED-sid; Path=/", "webwx_data_ticket=PLANTED+=; Domain=qq.com"];
    with_cookies(reply(body), &lines)
}

fn clean(shown: &dyn fmt::Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!text.contains(MARK), "{text}");
    }
}

fn clean_error(error: &Error) {
    clean(error);
    let text = error.to_string();
    assert!(!text.contains(MARK), "{text}");
}

/// Runs a flow to its next output or third error, and checks every value on the way.
fn run<F: Flow + fmt::Debug>(flow: &mut F, state: &mut F::State) -> Option<F::Output>
where
    F::State: fmt::Debug,
    F::Output: fmt::Debug,
{
    let (mut now, mut errors) = (NOW, 0);
    for step in 0..100 {
        clean(flow);
        let polled = flow.poll(state, now);
        clean(&polled);
        clean(flow);
        clean(state);
        match polled {
            Ok(output) => return Some(output),
            Err(Interrupt::Send(request)) => {
                clean(&request);
                // Every fifth exchange fails.
                let input = match step % 5 {
                    1 => Input::Reply(Err(Failure::new(FailureKind::Closed, Sent::Maybe))),
                    _ => Input::Reply(Ok(serve(&request))),
                };
                clean(&input);
                flow.handle(input);
            }
            Err(Interrupt::Sleep(time)) => now = now.after(time),
            Err(Interrupt::Fail(error)) => {
                clean_error(&error);
                errors += 1;
                if errors == 3 {
                    return None;
                }
            }
            Err(Interrupt::Read(_)) => panic!("unexpected read"),
        }
    }
    None
}

#[test]
fn no_credential_is_shown() {
    let mut device = Device::new();
    let mut login = Login::new();
    let mut account = loop {
        match run(&mut login, &mut device) {
            Some(crate::login::Progress::LoggedIn(account)) => break account,
            Some(_) => {}
            None => panic!("the login failed"),
        }
    };
    // The stored session contains the credentials.
    let stored = account.session.to_json();
    assert!(stored.matches(MARK).count() >= 5, "{stored}");
    let mut inbox = Inbox::new();
    let message = run(&mut inbox, &mut *account).unwrap();
    clean(&message);
    assert_eq!(account.session.auth.skey.expose(), "@crypt_PLANTED_3");
    assert!(run(&mut inbox, &mut *account).is_none());
    assert!(run(&mut LoadContacts::new(), &mut *account).is_none());
    clean(&account);
    clean(&account.session);
    clean(&account.session.device);
    clean(&account.session.auth);
    clean(&account.session.me);

    let to = "filehelper".parse().unwrap();
    let mut call = Call::new(SendText::new(to, "x"));
    let _ = run(&mut call, &mut account.session);
    assert!(run(&mut Call::new(Logout::new()), &mut account.session).is_some());
    // Errors do not quote a damaged session.
    for at in 0..stored.len() {
        if let Err(error) = Session::from_json(stored.get(..at).unwrap_or_default()) {
            clean_error(&error);
        }
    }
}

/// `Debug` of a batch and of its parsed messages shows no tickets and no keys.
#[test]
fn debug_of_a_batch_hides_credentials() {
    let record = r#"{"BaseResponse":{"Ret":0},"SKey":"@crypt_PLANTED","AddMsgList":[
        {"MsgId":"1","MsgType":37,"FromUserName":"fmessage","ToUserName":"@me","Ticket":"v2_PLANTED@stranger",
         "RecommendInfo":{"UserName":"@a","Ticket":"v2_PLANTED@stranger"},"Content":"&lt;msg ticket=\"PLANTED\"/&gt;"},
        {"MsgId":"2","MsgType":3,"FromUserName":"@a","ToUserName":"@me","Content":"&lt;msg&gt;&lt;img aeskey=\"PLANTED\"/&gt;&lt;/msg&gt;"}]}"#;
    let batch = crate::sync::FetchBatch::new().parse(&reply(record)).unwrap();
    clean(&batch);
    let account = session();
    let messages = batch.messages(&account.me.user_name);
    assert_eq!(messages.len(), 2);
    clean(&messages);
}

/// The values of a desktop client are stored, but not shown.
#[test]
fn values_of_a_desktop_client_are_not_shown() {
    use crate::entry::Entry;

    let entry = Entry::desktop("2.0.0".parse().unwrap(), "PLANTED-extspam".parse().unwrap());
    let mut session = session();
    session.device = session.device.with_entry(entry);
    assert!(session.to_json().contains("PLANTED-extspam"));
    clean(&session);
    let mut device = session.into_device();
    clean(&device);
    for mut login in [Login::new(), Login::again()] {
        while !matches!(run(&mut login, &mut device), Some(crate::login::Progress::LoggedIn(_))) {}
    }
    clean(&device);
}

/// The error for an untrusted redirect does not show its ticket.
#[test]
fn an_error_for_an_untrusted_redirect_hides_its_ticket() {
    for address in [
        "https://evil.example/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=PLANTED",
        "https://wx.qq.com/other?ticket=PLANTED",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=PLANTED",
        "https://wx.qq.com?ticket=PLANTED",
    ] {
        let text = format!("window.code=200;window.redirect_uri=\"{address}\";");
        let mut device = Device::new();
        let scan = CheckScan::new("abc==".parse().unwrap()).parse(&reply(&text));
        let error = scan.map(|scan| {
            clean(&scan);
            let Scan::Confirmed { redirect } = scan else { panic!() };
            device.enter(redirect).unwrap_err()
        });
        clean_error(&error.unwrap_or_else(|error| error));
    }
}
