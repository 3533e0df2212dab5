//! The common part of the `webwxoplog` endpoints: `docs/protocol.md` §11.1.

use core::time::Duration;

use serde::Serialize;

use crate::flow::Response;
use crate::wire::envelope::{self, BaseRequest};
use crate::wire::query::{Url, json};
use crate::{Body, Error, Session, Timestamp, UserName};

const ENDPOINT: &str = "webwxoplog";

pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// A change of a contact.
pub(super) enum Change {
    Remark,
    Pin(bool),
}

/// Builds the request, which is idempotent.
pub(super) fn request(
    session: &mut Session,
    now: Timestamp,
    contact: &UserName,
    change: Change,
    remark: &str,
) -> http::Request<Body> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        user_name: &'a UserName,
        cmd_id: u8,
        #[serde(rename = "OP", skip_serializing_if = "Option::is_none")]
        op: Option<u8>,
        remark_name: &'a str,
        base_request: BaseRequest<'a>,
    }
    let (cmd_id, op) = match change {
        Change::Remark => (2, None),
        Change::Pin(pinned) => (3, Some(u8::from(pinned))),
    };
    Url::call(session, ENDPOINT, &[]).post_base(session, now, |_, base_request| {
        json(&Body { user_name: contact, cmd_id, op, remark_name: remark, base_request })
    })
}

pub(super) fn parse(response: &Response) -> Result<(), Error> {
    envelope::confirm(ENDPOINT, response)
}
