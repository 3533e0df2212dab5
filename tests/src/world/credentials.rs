//! The credentials by which the account of a request is found.

use serde_json::Value;

use crate::wire::request::{Decoded, UPLOADS, params};
use crate::wire::text::off_the_wire;
use crate::world::{AccountKeys, World};

/// The one cookie that every host receives (docs/protocol.md §1.7).
const TICKET: &str = "webwx_data_ticket";

impl AccountKeys {
    pub(crate) fn of(world: &World) -> Self {
        let account = &world.account;
        let session = world.session.iter().map(|session| session.skey.clone());
        let ticket = world.issued.iter().filter(|cookie| cookie.name == TICKET);
        let ticket = ticket.map(|cookie| &cookie.value);
        let own = [&account.sid, &account.skey].into_iter().chain(&world.former);
        let own = own.chain(ticket).cloned();
        Self {
            name: off_the_wire(&account.nick_name),
            permanent: account.permanent.clone(),
            uin: account.uin,
            secrets: own.chain(session).filter(|secret| !secret.is_empty()).collect(),
            codes: world.codes.len(),
        }
    }

    /// Returns whether a credential of a request is this account's.
    pub(crate) fn has(&self, credential: &str) -> bool {
        self.secrets.iter().any(|secret| secret == credential) || self.uin.to_string() == credential
    }
}

/// Returns the credentials of a request, those of its address and body before those of its cookies.
pub(crate) fn credentials(request: &Decoded) -> Vec<String> {
    let mut found: Vec<String> =
        ["sid", "skey", "uin", "fromuser"].map(|name| request.get(name).to_owned()).into();
    let forms = request.form.iter().flatten().filter(|part| UPLOADS.contains(&&*part.name));
    let parts = forms.filter_map(|part| serde_json::from_str::<Value>(&part.text()).ok());
    for body in parts.chain([request.json.clone()]) {
        for pointer in ["/BaseRequest/Sid", "/BaseRequest/Uin"] {
            found.extend(body.pointer(pointer).map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }));
        }
    }
    let form = params(&String::from_utf8_lossy(&request.body));
    let is_form = request.header("content-type").is_ok_and(|kind| kind.contains("urlencoded"));
    let form = form.into_iter().filter(|param| is_form && ["sid", "uin"].contains(&&*param.name));
    found.extend(form.map(|param| param.value));
    let cookies = request.cookies();
    for name in ["wxsid", "wxuin", TICKET] {
        found.extend(cookies.iter().filter(|(of, _)| of == name).map(|(_, value)| value.clone()));
    }
    found.retain(|credential| !credential.is_empty());
    found
}
