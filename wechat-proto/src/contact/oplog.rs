//! The common part of the `webwxoplog` endpoints: `docs/protocol.md` §11.1.

use core::time::Duration;

use crate::flow::Response;
use crate::wire::envelope;
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
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
    let (cmd_id, op) = match change {
        Change::Remark => (2, None),
        Change::Pin(pinned) => (3, Some(u8::from(pinned))),
    };
    Url::api(ENDPOINT).post_base(session, now, |_, base_request| {
        Object
            .with("UserName", contact)
            .with("CmdId", cmd_id)
            .with_some("OP", op)
            .with("RemarkName", remark)
            .with("BaseRequest", base_request)
            .json()
    })
}

pub(super) fn parse(response: &Response) -> Result<(), Error> {
    envelope::confirm(ENDPOINT, response)
}
