//! `POST /cgi-bin/mmwebwx-bin/webwxcheckupload`
//!
//! Announces a large file; the service may have it already (`docs/protocol.md` §6.6).

use alloc::boxed::Box;
use alloc::string::ToString as _;
use core::fmt;

use super::local::LocalFile;
use crate::flow::Response;
use crate::media::FileKeys;
use crate::media::sum::Md5Sum;
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Text, Timestamp, UserName};

const ENDPOINT: &str = "webwxcheckupload";
/// The `FileType` that the official page sends for all files.
const FILE_TYPE: u8 = 7;

/// The reply to the announcement of a file.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadCheck {
    /// The `MediaId` of the file, if the service has it already: then no upload is needed.
    pub media_id: Option<Box<str>>,
    pub(super) keys: FileKeys,
}

/// Hides the keys of the upload.
impl fmt::Debug for UploadCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadCheck")
            .field("is_there", &self.media_id.is_some())
            .finish_non_exhaustive()
    }
}

/// A request that announces a file. The reply states whether the service already has it.
#[derive(Clone, Debug)]
pub struct CheckUpload {
    to: UserName,
    file: LocalFile,
    md5: Md5Sum,
}

impl CheckUpload {
    /// The maximum size of a file that is not announced, in bytes: `docs/protocol.md` §6.6.
    pub const ABOVE: u64 = 25 << 20;

    /// Returns a request to announce a file that will be sent to `to`.
    pub const fn new(to: UserName, file: LocalFile, md5: Md5Sum) -> Self {
        Self { to, file, md5 }
    }
}

impl Endpoint for CheckUpload {
    type State = Session;
    type Output = UploadCheck;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        Url::api(ENDPOINT).post_base(session, now, |session, base_request| {
            Object
                .with("FromUserName", &session.me.user_name)
                .with("ToUserName", &self.to)
                .with("FileSize", self.file.size())
                .with("FileMd5", self.md5.to_string())
                .with("FileName", self.file.name())
                .with("FileType", FILE_TYPE)
                // The last field in this request only.
                .with("BaseRequest", base_request)
                .json()
        })
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret), including [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<UploadCheck, Error> {
        let wire: Wire = envelope::answer(ENDPOINT, response)?;
        Ok(UploadCheck {
            media_id: Some(wire.media_id.into_boxed()).filter(|id| !id.is_empty()),
            keys: FileKeys {
                aes_key: wire.aes_key.into_boxed().into(),
                signature: wire.signature.into_boxed().into(),
            },
        })
    }
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

    use super::*;

    use crate::testing::{malformed, rendered, reply, session};

    #[test]
    fn request_is_built() {
        let file = LocalFile::new("报告 & \"终稿\".pdf", 26_214_401).unwrap();
        let to = "@@9e1c".parse().unwrap();
        let check = CheckUpload::new(to, file, Md5Sum::of(b""));
        insta::assert_snapshot!(rendered(check, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxcheckupload?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"FromUserName":"@09ed9af3","ToUserName":"@@9e1c","FileSize":26214401,"FileMd5":"d41d8cd98f00b204e9800998ecf8427e","FileName":"报告 & \"终稿\".pdf","FileType":7,"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn replies_are_parsed() {
        let file = LocalFile::new("a.zip", 3).unwrap();
        let check = CheckUpload::new(UserName::file_helper(), file, Md5Sum::of(b"x"));
        let known = check.parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MediaId":"@crypt_1","AESKey":"0c","Signature":"s=","EncryFileName":"a.zip"}"#,
        ))
        .unwrap();
        assert_eq!(known.media_id.as_deref(), Some("@crypt_1"));
        assert_eq!((known.keys.aes_key.expose(), known.keys.signature.expose()), ("0c", "s="));
        assert_eq!(alloc::format!("{known:?}"), "UploadCheck { is_there: true, .. }");
        let new = r#"{"BaseResponse":{"Ret":0},"MediaId":"","AESKey":"0c","Signature":"s="}"#;
        assert_eq!(check.parse(&reply(new)).unwrap().media_id, None);
        malformed(&check, &[r#"{"MediaId":"@crypt_1"}"#]);
    }
}
