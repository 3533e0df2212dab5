//! Sync responses truncated at any byte.

use std::sync::atomic::{AtomicUsize, Ordering};

use wechat_proto::error::FailureKind;
use wechat_proto::{Device, Error, Hosts};
use wechat_simulator::conformance::{Act, Script, session_of};

use super::conform;
use super::host::{Host, settings};
use crate::sweep;

conform! {
    truncated_sync_response_changes_nothing,
}

const BATCH: &str = r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"AddMsgCount":1,"AddMsgList":[{
"MsgId":"7000000000000000001","FromUserName":"@ada","ToUserName":"@me","MsgType":1,"Content":"hi",
"Status":3,"CreateTime":1700000000}],"ModContactCount":0,"ModContactList":[],"DelContactCount":0,
"DelContactList":[],"ContinueFlag":0,"SyncKey":{"Count":1,"List":[{"Key":1,"Val":2}]},"SKey":"",
"SyncCheckKey":{"Count":1,"List":[{"Key":1,"Val":2}]}}"#;

/// Threat B3: with a length, in chunks, and delimited by the end of the connection, where only the
/// JSON parser can detect it. No truncated response changes the session, and the next fetch
/// succeeds.
fn truncated_sync_response_changes_nothing(host: &dyn Host) {
    let mut chunks = String::new();
    for chunk in BATCH.as_bytes().chunks(97) {
        chunks += &format!("{:x}\r\n{}\r\n", chunk.len(), str::from_utf8(chunk).unwrap());
    }
    let stride = sweep::stride(3);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
    let replies = [
        format!("{head}content-length: {}\r\n\r\n{BATCH}", BATCH.len()),
        format!("{head}transfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"),
        format!("{head}\r\n{BATCH}"),
    ];
    for (framing, reply) in replies.into_iter().enumerate() {
        let bytes = reply.clone().into_bytes();
        // Each response is longer than the one before.
        let count = AtomicUsize::new(0);
        let server = Script::new(move |_| {
            let cut = count.fetch_add(stride, Ordering::SeqCst);
            vec![Act::Send(bytes[..cut.min(bytes.len())].to_vec()), Act::Close]
        });
        let origin = format!("http://{}", server.address()).parse().unwrap();
        let device = Device::new().with_hosts(Hosts::all(origin));
        let client = host.open(session_of(device), settings()).unwrap();
        // The stored state, without the random numbers of each request.
        let kept = || {
            let stored: serde_json::Value = serde_json::from_str(&client.stored()).unwrap();
            ["auth", "me", "sync_key", "sync_check_key", "taken"].map(|name| stored[name].clone())
        };
        let before = kept();
        for cut in (0..reply.len()).step_by(stride) {
            let error = match client.sync() {
                Err(error) => error,
                // ureq accepts the body as complete after the size of the last chunk.
                Ok(1) if framing == 1 && cut + 2 >= reply.len() => continue,
                Ok(_) => panic!("{framing}: {cut} bytes of {} were accepted", reply.len()),
            };
            let expected = match &error {
                Error::Transport(failure) => {
                    matches!(failure.kind, FailureKind::Closed | FailureKind::Truncated)
                }
                // A head without its blank line is incomplete. Of the bodies, only JSON shows where
                // it ends.
                Error::Malformed { .. } => framing == 2,
                _ => false,
            };
            assert!(expected, "{framing}, {cut} bytes: {error:?}");
            assert!(error.is_transient());
            assert_eq!(kept(), before, "{framing}, {cut} bytes");
        }
        assert_eq!(client.sync().unwrap(), 1);
    }
}
