//! `POST /cgi-bin/mmwebwx-bin/webwxsendfeedback`
//!
//! Sends feedback to the operators of the service (`docs/protocol.md` §13).

use alloc::boxed::Box;

use crate::endpoint::Repeat;
use crate::flow::Response;
use crate::wire::envelope;
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Timestamp};

const ENDPOINT: &str = "webwxsendfeedback";

/// A request that sends feedback to the operators of the service.
///
/// The request must not be repeated: [`Repeat::Once`].
#[derive(Clone, Debug)]
pub struct SendFeedback {
    content: Box<str>,
}

impl SendFeedback {
    /// Returns a request with this text.
    pub fn new(content: impl Into<Box<str>>) -> Self {
        Self { content: content.into() }
    }
}

impl Endpoint for SendFeedback {
    type State = Session;
    type Output = ();

    const REPEAT: Repeat = Repeat::Once;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        Url::api(ENDPOINT).post_base(session, now, |_, base_request| {
            Object
                .with("BaseRequest", base_request)
                .with("MachineType", "webwx")
                .with("Content", &self.content)
                .with("ReportType", 0)
                .json()
        })
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret).
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        envelope::confirm(ENDPOINT, response)
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    use crate::testing::{malformed, rendered, reply, session};

    #[test]
    fn feedback_request_is_built() {
        let feedback = SendFeedback::new("二维码 \"太小\" </p>");
        insta::assert_snapshot!(rendered(feedback, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendfeedback?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"MachineType":"webwx","Content":"二维码 \"太小\" </p>","ReportType":0}
        "#);
    }

    #[test]
    fn feedback_replies_are_parsed() {
        SendFeedback::new("").parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#)).unwrap();
        malformed(&SendFeedback::new(""), &[]);
    }
}
