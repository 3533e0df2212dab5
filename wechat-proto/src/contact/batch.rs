//! `POST /cgi-bin/mmwebwx-bin/webwxbatchgetcontact`
//!
//! Records by name: rooms with their members, strangers (`docs/protocol.md` §5.2).

use alloc::vec::Vec;

use serde::Serialize;

use super::Contact;
use super::record::WireContact;
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::lenient::List;
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxbatchgetcontact";

/// How many names go into one request.
pub const MOST: usize = 50;

/// Asks for the first [`MOST`] of `names`; read by [`parse`]. Ask for more with
/// `names.chunks(MOST)`.
pub fn request(session: &mut Session, names: &[UserName], now: Timestamp) -> Call<Vec<Contact>> {
    ask(session, names, |user_name| Item { user_name, room: Room::None { chat_room_id: "" } }, now)
}

/// Asks for the records of the first [`MOST`] of `names` as members of `room`, who need not be
/// contacts; read by [`parse`].
pub fn members(
    session: &mut Session,
    room: &Contact,
    names: &[UserName],
    now: Timestamp,
) -> Call<Vec<Contact>> {
    // The room's other name where it is known (`docs/protocol.md` §5.2).
    let encry_chat_room_id = match &*room.encry_chat_room_id {
        "" => room.user_name.as_str(),
        id => id,
    };
    let room = Room::Of { encry_chat_room_id };
    ask(session, names, |user_name| Item { user_name, room }, now)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item<'a> {
    user_name: &'a UserName,
    #[serde(flatten)]
    room: Room<'a>,
}

/// In which room, if in one.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
enum Room<'a> {
    None { chat_room_id: &'static str },
    Of { encry_chat_room_id: &'a str },
}

fn ask<'a>(
    session: &mut Session,
    names: &'a [UserName],
    item: impl Fn(&'a UserName) -> Item<'a>,
    now: Timestamp,
) -> Call<Vec<Contact>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        base_request: BaseRequest,
        count: usize,
        list: Vec<Item<'a>>,
    }
    let list: Vec<_> = names.iter().take(MOST).map(item).collect();
    let body = Body { base_request: session.base_request(), count: list.len(), list };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxbatchgetcontact")
        .with("type", "ex")
        .with("r", now.as_millis())
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::again(http, parse).limit(Call::<Vec<Contact>>::LONG)
}

/// Reads the reply of [`request`]: the records that the service has, in any order. Each says
/// whose it is; some that were asked for may be missing.
///
/// # Errors
///
/// What its `Ret` says; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<Vec<Contact>, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    Ok(WireContact::take_all(wire.contacts))
}

reply! {
    struct Wire {
        "ContactList" => contacts: List<WireContact>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, body, malformed, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let names = ["@@e2da", "@stranger"].map(|name| name.parse().unwrap());
        let call = request(&mut session, &names, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxbatchgetcontact?type=ex&r=1476606163580&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 244

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Count":2,"List":[{"UserName":"@@e2da","ChatRoomId":""},{"UserName":"@stranger","ChatRoomId":""}]}
        "#);
    }

    /// By the room's other name, or by its own where that is not known.
    #[test]
    fn asks_for_members() {
        use crate::contact::record::WireContact;
        use crate::wire::lenient::Lenient as _;

        let names = ["@a", "@b"].map(|name| name.parse().unwrap());
        for (other, id) in [("@0c1f", "@0c1f"), ("", "@@e2da")] {
            let record = alloc::format!(r#"{{"UserName":"@@e2da","EncryChatRoomId":"{other}"}}"#);
            let room = WireContact::read(&record).take().unwrap();
            let body = body(&members(&mut session(), &room, &names, NOW));
            let list = alloc::format!(
                r#""Count":2,"List":[{{"UserName":"@a","EncryChatRoomId":"{id}"}},{{"UserName":"@b","EncryChatRoomId":"{id}"}}]}}"#
            );
            assert!(body.ends_with(&list), "{body}");
        }
    }

    #[test]
    fn asks_for_fifty_at_most() {
        let mut session = session();
        let names: Vec<UserName> =
            (0..60).map(|n| alloc::format!("@@{n}").parse().unwrap()).collect();
        let call = request(&mut session, &names, NOW);
        let text = rendered(call, &mut session.device);
        assert!(
            text.contains("\"Count\":50,") && text.contains("@@49\"") && !text.contains("@@50\"")
        );
    }

    #[test]
    fn reads() {
        let contacts = parse(&reply(
            r#"{"BaseResponse":{"Ret":0},"Count":2,"ContactList":[{"UserName":"@@2","MemberList":[{"UserName":"@a","DisplayName":"d"}]},{"UserName":"@@1"}]}"#,
        ))
        .unwrap();
        assert_eq!(
            contacts.iter().map(|c| c.user_name.as_str()).collect::<Vec<_>>(),
            ["@@2", "@@1"]
        );
        let limited = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(limited, Err(Error::Limited { .. })));
        malformed(parse, &[]);
    }
}
