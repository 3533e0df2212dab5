//! Uses one endpoint alone, without a flow, a transport or a network.
//!
//! ```text
//! cargo run -p wechat-proto --example endpoint
//! ```
//!
//! Prints the request with its cookies, then receives a constant reply. The credentials and the
//! cookies are invented; real ones come from a login, or from a logged-in browser.

use wechat_proto::bytes::Bytes;
use wechat_proto::http::{HeaderMap, Request, Response};
use wechat_proto::login::{Credentials, InitSession};
use wechat_proto::message::SendText;
use wechat_proto::{Body, Device, Endpoint as _, Session, Timestamp, UserName};

/// The reply to `webwxinit`, reduced to the fields that a session needs.
const INIT: &str = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me","Uin":566148615},
    "SyncKey":{"Count":1,"List":[{"Key":1,"Val":643606091}]}}"#;

/// The reply to `webwxsendmsg`.
const SENT: &str = r#"{"BaseResponse":{"Ret":0},"MsgID":"4527381","LocalID":"14766061635800123"}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Timestamp::from_secs(1_476_606_163); // your clock
    let mut session = session(now)?;

    let mut send = SendText::new(UserName::file_helper(), "hello");
    let request = send.request(&mut session, now);
    let (uri, response) = (request.uri().clone(), exchange(request)); // your HTTP client
    let receipt = send.receive(&mut session, &uri, &response, now)?;

    println!("\nSent as message {}.", receipt.msg_id);
    Ok(())
}

/// Opens a session with the credentials and cookies of a browser, and a reply to `webwxinit`.
fn session(now: Timestamp) -> Result<Session, Box<dyn std::error::Error>> {
    let mut device = Device::new().with_seed([7; 32]); // 32 random bytes
    device.import_cookies("wxuin=566148615; wxsid=kByRoJSUlD7S2pif; webwx_data_ticket=gSeN")?;
    let credentials = Credentials::new("566148615", "kByRoJSUlD7S2pif", "@crypt_cec4ff9f", "xYZ2")?;
    let init = InitSession::new(credentials.clone()).parse(&Response::new(Bytes::from(INIT)))?;
    Ok(Session::open(device, credentials, &init, now))
}

/// Prints a request, and returns its reply.
fn exchange(request: Request<Body>) -> Response<Bytes> {
    println!("{} {}", request.method(), request.uri());
    show(request.headers());
    let body = request.into_body().into_bytes();
    println!("\n{}", String::from_utf8_lossy(&body));
    Response::new(Bytes::from(SENT))
}

fn show(headers: &HeaderMap) {
    for (name, value) in headers {
        println!("{name}: {}", value.to_str().unwrap_or_default());
    }
}
