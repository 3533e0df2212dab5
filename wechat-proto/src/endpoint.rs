//! The contract of an endpoint: a value that builds its request and parses the response.
//!
//! | step | method | changes state |
//! |---|---|---|
//! | build the request | [`Endpoint::request`] | `DeviceID` generator, client message id |
//! | parse the response | [`Endpoint::parse`] | none |
//! | parse and apply the response | [`Endpoint::receive`] | cookies, session end, the confirmed effect |
//! | there is no response | [`Endpoint::fail`] | marks of a request that was not sent |
//!
//! An endpoint can be used alone: `request`, your HTTP client, then `receive` or `fail`. The client
//! follows no redirects, and returns responses of any status; [`flow`](crate::flow) lists all
//! requirements. [`Call`](crate::Call) runs an endpoint as a [`Flow`](crate::Flow), for any driver.

use alloc::boxed::Box;
use core::time::Duration;

use http::Uri;

use crate::error::{Failure, Sent};
use crate::flow::{Response, Want};
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
    /// How much of the response is read. The default suits replies of a few fields.
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
    /// The error that the response stands for, unchanged. [`Error::Unanswered`] is reported by
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
    /// Those of [`parse`](Endpoint::parse). With [`Repeat::Once`], fails with
    /// [`Error::Unanswered`] for every response that is not a well-formed reply of the endpoint.
    fn receive(
        &mut self,
        state: &mut Self::State,
        uri: &Uri,
        response: &Response,
        now: Timestamp,
    ) -> Result<Self::Output, Error> {
        let result = self.parse(response);
        finish(self, state, uri, response, result, now)
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

/// Whether a request may be repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third case")]
pub enum Repeat {
    /// The request is idempotent.
    Safe,
    /// A repetition could take effect twice, so the library never repeats the request by itself.
    Once,
}

/// A send: an endpoint with a client message id, by which a repetition can be recognised.
///
/// The id (`ClientMsgId`) is drawn by the first [`Endpoint::request`] and kept until a response
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
    match result {
        Ok(output) => {
            endpoint.apply(&output, state, now);
            Ok(output)
        }
        Err(Error::LoggedOut { ret, .. }) => Err(state.as_mut().close(ret, now)),
        Err(error) if E::REPEAT == Repeat::Once && !error.is_reply() => {
            Err(Error::Unanswered { cause: Some(Box::new(error)) })
        }
        Err(error) => Err(error),
    }
}
