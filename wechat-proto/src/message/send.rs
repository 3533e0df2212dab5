//! What all sends have in common: `docs/protocol.md` §6.1.

use serde::Serialize;

use crate::error::Error;
use crate::flow::Response;
use crate::ids::MsgId;
use crate::text::Text;
use crate::wire::envelope::{self, BaseRequest, reply};

const ENDPOINT: &str = "webwxsendmsg";

/// The service took a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its number for it: what a revocation names.
    pub msg_id: MsgId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<M> {
    pub(crate) base_request: BaseRequest,
    pub(crate) msg: M,
    pub(crate) scene: u8,
}

/// Reads the reply to a send.
///
/// # Errors
///
/// What its `Ret` says (1204: the receiver is no contact); [`Error::Malformed`] if it is no such
/// reply.
pub fn parse(reply: &Response) -> Result<Receipt, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    Ok(Receipt { msg_id: MsgId::from(&*wire.msg_id) })
}

reply! {
    struct Wire {
        "MsgID" => msg_id: Text,
    }
}
