//! `GET /cgi-bin/mmwebwx-bin/webwxgetcontact`
//!
//! The address book, page by page: persons, official accounts, saved rooms
//! (`docs/protocol.md` §5.1).

use alloc::vec::Vec;

use super::Contact;
use super::wire::Records;
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope::{self, reply};
use crate::wire::lenient::Int;
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxgetcontact";

/// A page of the address book.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// Who stands on it.
    pub contacts: Vec<Contact>,
    /// Where the next one begins; 0 on the last.
    pub next: i64,
}

/// Asks for the page that begins at `seq`, 0 for the first; read by [`parse`].
pub fn request(session: &mut Session, seq: i64, now: Timestamp) -> Call<Page> {
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxgetcontact")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .with("r", now.as_millis())
        .with("seq", seq)
        .with("skey", session.auth.skey.expose())
        .get(&session.device);
    Call::again(http, parse).limit(Call::<Page>::LONG)
}

/// Reads the reply of [`request`].
///
/// # Errors
///
/// What its `Ret` says; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<Page, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    Ok(Page { contacts: wire.members.0, next: wire.seq.0 })
}

reply! {
    struct Wire {
        "MemberList" => members: Records,
        "Seq" => seq: Int,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, malformed, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let call = request(&mut session, 0, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetcontact?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z&r=1476606163580&seq=0&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
    }

    #[test]
    fn reads() {
        let page = parse(&reply(
            r#"{"BaseResponse":{"Ret":0},"MemberCount":4000000000,"MemberList":[{"UserName":"@a","NickName":"A"},5,{"UserName":""}],"Seq":637275253}"#,
        ))
        .unwrap();
        assert_eq!((page.contacts.len(), page.next), (1, 637_275_253));
        let last = parse(&reply(r#"{"BaseResponse":{"Ret":0},"Seq":"0"}"#)).unwrap();
        assert_eq!(last, Page { contacts: Vec::new(), next: 0 });
        // Threats J2, J6: a list that is none, a number that stops the first pass.
        for list in ["7", "\"\"", "null", "{\"UserName\":\"@a\"}", "true", "-1", "0.5"] {
            let body = alloc::format!("{{\"BaseResponse\":{{\"Ret\":0}},\"MemberList\":{list}}}");
            assert_eq!(parse(&reply(&body)).unwrap(), last, "{list}");
        }
        let spoiled = parse(&reply(
            r#"{"BaseResponse":{"Ret":0},"MemberList":[{"UserName":"@a","Sex":1e400},{"UserName":"@b","HeadImgUrl":7}]}"#,
        ))
        .unwrap();
        assert_eq!(spoiled.contacts.len(), 2);
        malformed(parse, &["{\"MemberList\":[]}"]);
        assert!(parse(&reply("{\"BaseResponse\":{\"Ret\":1}}")).is_err());
    }
}
