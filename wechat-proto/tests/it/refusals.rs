//! The codes of replies with a `BaseResponse`: `docs/protocol.md` §12.

use std::fmt;

use wechat_fuzz::{Make, Row, Visitor, account, endpoints};
use wechat_proto::endpoint::Repeat;
use wechat_proto::error::Ret;
use wechat_proto::{Account, Endpoint, Error};

use crate::reply;

/// Each endpoint whose reply has a `BaseResponse`, with each kind of code.
#[test]
fn codes_are_errors_of_the_endpoint() {
    struct Table(usize);

    impl Visitor for Table {
        fn visit<E>(&mut self, Row { name, title, .. }: Row, make: Make<E>)
        where
            E: Endpoint + 'static,
            E::Output: fmt::Debug,
            Account: AsMut<E::State>,
        {
            let mut account = account();
            let endpoint = make.value(&mut account);
            let refused = |ret: i64| {
                let notice = "<e><ShowType>1</ShowType><Content><![CDATA[太频繁]]></Content></e>";
                let body = format!(r#"{{"BaseResponse":{{"Ret":{ret},"ErrMsg":"{notice}"}}}}"#);
                endpoint.parse(&reply(&body))
            };
            // Other endpoints have replies of another form.
            if !matches!(refused(1), Err(Error::Refused { .. })) {
                return;
            }
            self.0 += 1;
            for code in [1, 1204, 4711, -1, -2, 1205] {
                let (said, ret, message) = match refused(code) {
                    Err(Error::Refused { endpoint, ret, message }) => (endpoint, ret, message),
                    Err(Error::ServiceFailed { endpoint, ret, message })
                        if code < 0 && E::REPEAT == Repeat::Safe =>
                    {
                        (endpoint, ret, message)
                    }
                    Err(Error::Limited { endpoint, message }) if code == 1205 => {
                        (endpoint, Ret::TOO_FREQUENT, message)
                    }
                    other => panic!("{title}, {code}: {other:?}"),
                };
                assert_eq!((said, ret, &*message), (name, Ret(code), "太频繁"), "{title}");
            }
            for code in [1100, 1101, 1102] {
                let closed = refused(code);
                assert!(
                    matches!(closed, Err(Error::LoggedOut { ret, .. }) if ret == Ret(code)),
                    "{title}, {code}: {closed:?}"
                );
            }
        }
    }

    let mut table = Table(0);
    endpoints(&mut table);
    assert!(table.0 >= 30, "{} endpoints have a BaseResponse", table.0);
}
