//! What `webwxoplog` serves have in common: `docs/protocol.md` §11.1.

use core::time::Duration;

use serde::Serialize;

use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::session::Session;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxoplog";

/// What is changed about a contact.
pub(super) enum Change {
    Remark,
    Pin(bool),
}

/// Changes something about a contact. Asking for the same again changes nothing more.
pub(super) fn call(
    session: &mut Session,
    contact: &UserName,
    change: Change,
    remark: &str,
) -> Call<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        user_name: &'a UserName,
        cmd_id: u8,
        #[serde(rename = "OP", skip_serializing_if = "Option::is_none")]
        op: Option<u8>,
        remark_name: &'a str,
        base_request: BaseRequest,
    }
    let (cmd_id, op) = match change {
        Change::Remark => (2, None),
        Change::Pin(pinned) => (3, Some(u8::from(pinned))),
    };
    let base_request = session.base_request();
    let body = Body { user_name: contact, cmd_id, op, remark_name: remark, base_request };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxoplog")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::again(http, parse).deadline(Duration::from_secs(10))
}

/// Reads the reply.
///
/// # Errors
///
/// What its `Ret` says; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<(), Error> {
    envelope::open::<Wire>(ENDPOINT, reply).map(drop)
}

reply! {
    struct Wire {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Ret;
    use crate::testing::{malformed, reply};

    #[test]
    fn reads() {
        parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#)).unwrap();
        let notice =
            r#"{"BaseResponse":{"Ret":1,"ErrMsg":"<e><Content><![CDATA[失败]]></Content></e>"}}"#;
        assert!(matches!(
            parse(&reply(notice)),
            Err(Error::Refused { endpoint: ENDPOINT, ret: Ret::PARAMETER, message }) if &*message == "失败"
        ));
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1101}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        malformed(parse, &[]);
    }
}
