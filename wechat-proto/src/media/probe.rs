//! `POST /cgi-bin/mmwebwx-bin/webwxcheckupload`
//!
//! Announces a large file; the service may have it already (`docs/protocol.md` §6.6).

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use core::fmt;

use serde::Serialize;

use super::local::LocalFile;
use super::sum::Md5Sum;
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::secret::Sealed;
use crate::session::Session;
use crate::text::Text;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxcheckupload";
/// What the official page says of every file.
const FILE_TYPE: u8 = 7;

/// Files longer than this are announced: `docs/protocol.md` §6.6.
pub const ABOVE: u64 = 25 << 20;

/// What the service says of a file that was announced.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Probed {
    /// Its name for the file, if it has it: then there is nothing to upload.
    pub media_id: Option<Box<str>>,
    pub(super) aes_key: Sealed,
    pub(super) signature: Sealed,
}

/// Without what the upload proves itself with.
impl fmt::Debug for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probed").field("is_there", &self.media_id.is_some()).finish_non_exhaustive()
    }
}

/// Announces a file to be sent to `to`; read by [`parse`].
pub fn request(
    session: &mut Session,
    to: &UserName,
    file: &LocalFile,
    md5: Md5Sum,
) -> Call<Probed> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        from_user_name: UserName,
        to_user_name: &'a UserName,
        file_size: u64,
        file_md5: String,
        file_name: &'a str,
        file_type: u8,
        /// Last, here and only here.
        base_request: BaseRequest,
    }
    let body = Body {
        from_user_name: session.me.user_name.clone(),
        to_user_name: to,
        file_size: file.size(),
        file_md5: md5.to_string(),
        file_name: file.name(),
        file_type: FILE_TYPE,
        base_request: session.base_request(),
    };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxcheckupload")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::again(http, parse)
}

/// Reads the reply of [`request`].
///
/// # Errors
///
/// What its `Ret` says; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<Probed, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    Ok(Probed {
        media_id: Some(wire.media_id.into_boxed()).filter(|id| !id.is_empty()),
        aes_key: wire.aes_key.into_boxed().into(),
        signature: wire.signature.into_boxed().into(),
    })
}

reply! {
    struct Wire {
        "MediaId" => media_id: Text,
        "AESKey" => aes_key: Text,
        "Signature" => signature: Text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::error::Ret;
    use crate::testing::{malformed, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let file = LocalFile::new("报告 & \"终稿\".pdf", 26_214_401).unwrap();
        let to = "@@9e1c".parse().unwrap();
        let call = request(&mut session, &to, &file, Md5Sum::of(b""));
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxcheckupload?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 310

        {"FromUserName":"@09ed9af3","ToUserName":"@@9e1c","FileSize":26214401,"FileMd5":"d41d8cd98f00b204e9800998ecf8427e","FileName":"报告 & \"终稿\".pdf","FileType":7,"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    proptest! {
        #[test]
        fn any_name_comes_back(name in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]{1,60}", size: u64) {
            let mut session = session();
            let file = LocalFile::new(&name, size).unwrap();
            let call = request(&mut session, &UserName::file_helper(), &file, Md5Sum::of(b"x"));
            let body: Value = serde_json::from_str(&crate::seeds::raw_body(&call)).unwrap();
            prop_assert_eq!(body["FileName"].as_str(), Some(&*name));
            prop_assert_eq!(body["FileSize"].as_u64(), Some(size));
        }
    }

    #[test]
    fn reads() {
        let known = parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MediaId":"@crypt_1","AESKey":"0c","Signature":"s=","EncryFileName":"a.zip"}"#,
        ))
        .unwrap();
        assert_eq!(known.media_id.as_deref(), Some("@crypt_1"));
        assert_eq!((known.aes_key.expose(), known.signature.expose()), ("0c", "s="));
        assert_eq!(alloc::format!("{known:?}"), "Probed { is_there: true, .. }");
        let new = r#"{"BaseResponse":{"Ret":0},"MediaId":"","AESKey":"0c","Signature":"s="}"#;
        assert_eq!(parse(&reply(new)).unwrap().media_id, None);
        let refused = parse(&reply(
            r#"{"BaseResponse":{"Ret":1,"ErrMsg":"<e><ShowType>1</ShowType><Content><![CDATA[文件过大]]></Content></e>"}}"#,
        ));
        assert!(matches!(
            refused,
            Err(Error::Refused { ret: Ret::PARAMETER, message, .. }) if &*message == "文件过大"
        ));
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1101}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        let limited = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(limited, Err(Error::Limited { .. })));
        malformed(parse, &[r#"{"MediaId":"@crypt_1"}"#]);
    }
}
