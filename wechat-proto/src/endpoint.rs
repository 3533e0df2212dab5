//! The contract of an endpoint: a value that builds its request and parses the response.
//!
//! | step | method | changes state |
//! |---|---|---|
//! | build the request | [`Endpoint::request`] | `DeviceID` generator, client message id |
//! | parse the response | [`Endpoint::parse`] | none |
//! | parse and apply the response | [`Endpoint::receive`] | cookies, session end, the confirmed effect |
//! | there is no response | [`Endpoint::fail`] | the record of a request in progress, if it was not sent |
//!
//! An endpoint can be used alone: `request`, your HTTP client, then `receive` or `fail`. The client
//! follows no redirects, and returns responses of any status; [`flow`](crate::flow) lists all
//! requirements. [`Call`](crate::Call) runs an endpoint as a [`Flow`](crate::Flow), for any driver.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use http::Uri;

use crate::error::{Failure, Sent};
use crate::flow::whole;
use crate::flow::{Response, Want};
use crate::origin::is_loopback;
use crate::wire::envelope::readable;
use crate::{Body, Device, Error, Timestamp};

/// One endpoint of the protocol, with the parameters of one request.
///
/// ```
/// use wechat_proto::message::SendText;
/// use wechat_proto::{Endpoint as _, Error, Session, Timestamp, UserName, http};
///
/// # fn exchange(_: http::Request<wechat_proto::Body>) -> wechat_proto::flow::Response { unreachable!() }
/// fn send(session: &mut Session, now: Timestamp) -> Result<(), Error> {
///     let mut send = SendText::new(UserName::file_helper(), "hello");
///     let request = send.request(session, now); // complete, with its cookies
///     let uri = request.uri().clone();
///     let response = exchange(request); // your HTTP client
///     let receipt = send.receive(session, &uri, &response, now)?;
///     println!("sent as {}", receipt.msg_id);
///     Ok(())
/// }
/// ```
pub trait Endpoint {
    /// The state that the request is built from and the response is applied to:
    /// [`Device`], [`Session`](crate::Session) or [`Account`](crate::Account).
    type State: AsMut<Device>;
    /// The typed content of a successful response.
    type Output;

    /// Whether the request may be repeated after an exchange whose outcome is unknown.
    const REPEAT: Repeat = Repeat::Safe;
    /// The time limit of the exchange; with [`Want::Head`], of the wait for the response head.
    const DEADLINE: Duration = Duration::from_secs(30);
    /// The part of the response that is read. The default suits replies of a few fields.
    const WANT: Want = Want::Whole { limit: 64 << 10 };

    /// Builds the complete request: URL, headers, cookies and body.
    ///
    /// This cannot fail: the constructors reject invalid input. It does not check whether the
    /// session has ended ([`Device::session_ended`]).
    fn request(&mut self, state: &mut Self::State, now: Timestamp) -> http::Request<Body>;

    /// Parses the response, without changing any state.
    ///
    /// # Errors
    ///
    /// The error that the response represents, unchanged. [`Error::Unanswered`] is reported by
    /// [`receive`](Endpoint::receive) only.
    fn parse(&self, response: &Response) -> Result<Self::Output, Error>;

    /// Applies a confirmed response to the state. Changes nothing by default.
    fn apply(&mut self, output: &Self::Output, state: &mut Self::State, now: Timestamp) {
        let _ = (output, state, now);
    }

    /// Reverts the marks that [`request`](Endpoint::request) set in the state, because nothing was
    /// sent. Changes nothing by default.
    fn unsent(&mut self, state: &mut Self::State) {
        let _ = state;
    }

    /// Parses a response and applies it: cookies and `Date`, then the end of the session or the
    /// confirmed effect. `uri` is that of the request.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Endpoint::parse), and of [`fail`](Endpoint::fail) if the body is compressed
    /// and cannot be decoded. With [`Repeat::Once`], fails with [`Error::Unanswered`] for every
    /// response that is not a well-formed reply of the endpoint.
    fn receive(
        &mut self,
        state: &mut Self::State,
        uri: &Uri,
        response: &Response,
        now: Timestamp,
    ) -> Result<Self::Output, Error> {
        match whole::decoded(response.clone(), Self::WANT) {
            Ok(response) => {
                let result = self.parse(&response);
                finish(self, state, uri, &response, result, now)
            }
            Err(failure) => Err(self.fail(state, failure)),
        }
    }

    /// Converts the failure of an exchange without a response into the error to report:
    /// [`Error::Transport`], or [`Error::Unanswered`] with [`Repeat::Once`] if the request may have
    /// been sent.
    fn fail(&mut self, state: &mut Self::State, failure: Failure) -> Error {
        let sent = failure.sent;
        let error = Error::Transport(failure);
        if sent == Sent::No {
            self.unsent(state);
        } else if Self::REPEAT == Repeat::Once {
            return Error::Unanswered { cause: Some(Box::new(error)) };
        }
        error
    }
}

/// The repeatability of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third case")]
pub enum Repeat {
    /// The request is idempotent.
    Safe,
    /// A repeated request could take effect twice, so the library never repeats it by itself.
    Once,
}

/// An endpoint that sends a message with a client id, by which a repetition can be recognised.
///
/// The id (`ClientMsgId`) is generated by the first [`Endpoint::request`] and kept until a response
/// confirms the send. Using the value again after a failure repeats the send with the same id;
/// using it again after a success sends a new message. `&mut` of such an endpoint is an endpoint,
/// so the value survives a failed or cancelled call. It is unknown whether the service drops the
/// second of two sends with the same id: the receiver may see both.
///
/// A call consumes an endpoint that must not be repeated and has no such id:
///
/// ```compile_fail,E0277
/// # use wechat_proto::{Call, room::CreateRoom};
/// fn twice(create: &mut CreateRoom) {
///     let _ = Call::new(create); // `CreateRoom` is not `Numbered`
/// }
/// ```
pub trait Numbered: Endpoint {}

impl<E: Numbered> Endpoint for &mut E {
    type State = E::State;
    type Output = E::Output;

    const REPEAT: Repeat = E::REPEAT;
    const DEADLINE: Duration = E::DEADLINE;
    const WANT: Want = E::WANT;

    fn request(&mut self, state: &mut E::State, now: Timestamp) -> http::Request<Body> {
        (**self).request(state, now)
    }

    fn parse(&self, response: &Response) -> Result<E::Output, Error> {
        (**self).parse(response)
    }

    fn apply(&mut self, output: &E::Output, state: &mut E::State, now: Timestamp) {
        (**self).apply(output, state, now);
    }

    fn unsent(&mut self, state: &mut E::State) {
        (**self).unsent(state);
    }
}

/// The limit for replies with lists: 10,000 contacts are 9 MB.
pub(crate) const LISTS: Want = Want::Whole { limit: 64 << 20 };
/// The limit for replies that may be a page or a small picture.
pub(crate) const PAGE: Want = Want::Whole { limit: 1 << 20 };

/// Applies a parsed response.
pub(crate) fn finish<E: Endpoint + ?Sized>(
    endpoint: &mut E,
    state: &mut E::State,
    uri: &Uri,
    response: &Response,
    result: Result<E::Output, Error>,
    now: Timestamp,
) -> Result<E::Output, Error> {
    state.as_mut().receive(uri, response, now);
    match result.map_err(|error| explained(error, uri, response)) {
        Ok(output) => {
            endpoint.apply(&output, state, now);
            Ok(output)
        }
        Err(Error::LoggedOut { ret, message, .. }) => {
            let device = state.as_mut();
            let ret = device.close(ret, now);
            Err(Error::LoggedOut { ret, ended: device.session_ended(), message })
        }
        Err(error) if E::REPEAT == Repeat::Once && !error.is_reply() => {
            Err(Error::Unanswered { cause: Some(Box::new(error)) })
        }
        Err(error) => Err(error),
    }
}

/// The header in which the simulator of this project states why it refuses a request.
const REASON: &str = "x-wechat-simulator";

/// Adds the reason for a refusal by a simulator on this machine. Headers of other hosts are
/// ignored.
fn explained(mut error: Error, uri: &Uri, response: &Response) -> Error {
    let is_local = uri.host().is_some_and(is_loopback);
    let Some(reason) = response.headers().get(REASON).filter(|_| is_local) else { return error };
    let reason = readable(&String::from_utf8_lossy(reason.as_bytes()));
    match &mut error {
        Error::Malformed { found, .. } => *found = reason.into(),
        Error::Status { endpoint, status: 400..=499 } => {
            return Error::Malformed { endpoint, expected: "content", found: reason.into() };
        }
        Error::Refused { message, .. } | Error::LoggedOut { message, .. } if message.is_empty() => {
            *message = reason.into();
        }
        _ => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use http::HeaderValue;

    use super::*;
    use crate::error::Ret;

    #[test]
    fn reason_of_a_simulator_is_reported_from_loopback_only() {
        let endpoint = "x";
        let malformed = Error::Malformed { endpoint, expected: "JSON", found: "a page".into() };
        let refused = |message: &str| {
            let ret = Ret::PARAMETER;
            Error::Refused { endpoint, ret, message: message.into() }
        };
        let closed = |message: &str| {
            let (ret, message) = (Ret::SESSION_INVALID, message.into());
            Error::LoggedOut { ret, ended: None, message }
        };
        let (local, foreign) = ("http://127.0.0.1:1/jslogin", "https://wx.qq.com/jslogin");
        for (error, uri, expected) in [
            (malformed.clone(), local, "x did not return JSON: `r` is `1 雨`"),
            (malformed.clone(), "http://localhost:1/", "x did not return JSON: `r` is `1 雨`"),
            (malformed, foreign, "x did not return JSON: a page"),
            (
                Error::Status { endpoint, status: 400 },
                local,
                "x did not return content: `r` is `1 雨`",
            ),
            (Error::Status { endpoint, status: 502 }, local, "x returned HTTP status 502"),
            (refused(""), local, "x was refused with 1 (parameter error): `r` is `1 雨`"),
            (refused("no"), local, "x was refused with 1 (parameter error): no"),
            (refused(""), foreign, "x was refused with 1 (parameter error)"),
            (
                closed(""),
                local,
                "the session is closed: 1101 (session no longer valid): `r` is `1 雨`",
            ),
            (closed("no"), local, "the session is closed: 1101 (session no longer valid): no"),
        ] {
            let mut response = Response::default();
            let reason = HeaderValue::from_bytes("`r` is `1 雨`".as_bytes()).unwrap();
            response.headers_mut().insert(REASON, reason);
            let found = explained(error, &uri.parse().unwrap(), &response);
            assert_eq!(found.to_string(), expected, "{uri}");
        }
    }
}
