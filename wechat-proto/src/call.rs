//! One request and its reply, as a flow.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use core::{fmt, mem};

use crate::body::Body;
use crate::device::Device;
use crate::error::{Error, Failure, Ret, Sent};
use crate::flow::{Flow, Input, Interrupt, Request, Response, Want};
use crate::secret::Sealed;
use crate::time::Timestamp;

/// The parser of a reply.
type Parse<T> = fn(&Response) -> Result<T, Error>;

/// A request together with the parser of its reply: one endpoint, called once.
///
/// Made by the `request` function of an endpoint. A reply cannot reach the wrong parser.
///
/// A call that only asks may be polled again after a failure, or after its exchange was given
/// up: it asks again. A call that **changes** something may not: where it can have been sent and
/// has no answer, and whenever it is polled again after that, it says [`Error::Unanswered`]. The
/// endpoint's documentation says which it is.
#[must_use = "a call does nothing until it is run"]
pub struct Call<T> {
    request: Request,
    parse: Parse<T>,
    terms: Terms,
    /// Whether its success ends the session.
    leaves: bool,
    state: State<T>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Terms {
    Again,
    Once,
}

enum State<T> {
    Ready,
    Awaiting,
    Answered(Result<T, Error>, Cookies),
    Failed(Failure),
    /// Possibly sent; not to be sent again.
    Spent,
}

/// What a reply says about cookies, and when it says it.
struct Cookies {
    set: Vec<Sealed>,
    date: Option<String>,
}

impl<T> Call<T> {
    /// How long a reply may take unless the endpoint says otherwise.
    pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
    /// The longest reply of an endpoint that answers with a few fields.
    pub(crate) const SHORT: usize = 64 << 10;
    /// The longest reply of an endpoint that answers with lists: ten thousand contacts are 9 MB.
    pub(crate) const LONG: usize = 64 << 20;

    /// A call that may be repeated.
    pub(crate) const fn again(http: http::Request<Body>, parse: Parse<T>) -> Self {
        Self::new(http, parse, Terms::Again)
    }

    /// A call that must not be made twice unseen.
    pub(crate) const fn once(http: http::Request<Body>, parse: Parse<T>) -> Self {
        Self::new(http, parse, Terms::Once)
    }

    const fn new(http: http::Request<Body>, parse: Parse<T>, terms: Terms) -> Self {
        let want = Want::Whole { limit: Self::SHORT };
        let request = Request { http, deadline: Self::DEADLINE, want };
        Self { request, parse, terms, leaves: false, state: State::Ready }
    }

    /// The same, ending the session when it succeeds.
    pub(crate) const fn leaving(mut self) -> Self {
        self.leaves = true;
        self
    }

    /// The same with another limit in time.
    pub(crate) const fn deadline(mut self, deadline: Duration) -> Self {
        self.request.deadline = deadline;
        self
    }

    /// The same for replies of up to `limit` bytes.
    pub(crate) const fn limit(mut self, limit: usize) -> Self {
        self.request.want = Want::Whole { limit };
        self
    }

    /// The same, wanting the head of the reply only: its parser sees no body.
    pub(crate) const fn head(mut self, idle: Duration) -> Self {
        self.request.want = Want::Head { idle };
        self
    }

    /// The request as it stands, before cookies are added to it.
    pub const fn http(&self) -> &http::Request<Body> {
        &self.request.http
    }

    /// Whether it has a reply to tell of. Without, a poll sends its request: a flow that may have
    /// waited builds that anew first, with the session's newest skey.
    pub(crate) const fn has_reply(&self) -> bool {
        matches!(self.state, State::Answered(..) | State::Failed(_))
    }

    /// The request with the cookies that go to its host now.
    fn ready(&self, device: &Device, now: Timestamp) -> Request {
        let mut request = self.request.clone();
        if let Some(cookies) = device.cookies(request.http.uri(), now) {
            request.http.headers_mut().insert(http::header::COOKIE, cookies);
        }
        request
    }
}

impl<T> Flow for Call<T> {
    type State = Device;
    type Output = T;

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<T, Interrupt> {
        let spent = match self.terms {
            Terms::Again => State::Ready,
            Terms::Once => State::Spent,
        };
        match mem::replace(&mut self.state, State::Awaiting) {
            State::Ready => Err(Interrupt::Send(Box::new(self.ready(device, now)))),
            // The exchange was given up: whether it took place is unknown.
            State::Awaiting => match self.terms {
                Terms::Again => Err(Interrupt::Send(Box::new(self.ready(device, now)))),
                Terms::Once => {
                    self.state = State::Spent;
                    Err(Error::Unanswered(None).into())
                }
            },
            State::Answered(result, cookies) => {
                self.state = spent;
                device.receive(self.request.http.uri(), &cookies.set, cookies.date.as_deref(), now);
                // The one place that every reply passes: whoever hears that the session is over
                // makes it known to all flows of it.
                match result {
                    Err(Error::LoggedOut { ret, .. }) => {
                        device.end(ret, now);
                        Err(Error::LoggedOut { ret, ended: device.session_ended() }.into())
                    }
                    Ok(output) if self.leaves => {
                        device.end(Ret::OK, now);
                        Ok(output)
                    }
                    result => Ok(result?),
                }
            }
            State::Failed(failure) => {
                let unsent = failure.sent == Sent::No;
                self.state = if unsent { State::Ready } else { spent };
                if self.terms == Terms::Once && !unsent {
                    return Err(Error::Unanswered(Some(failure)).into());
                }
                Err(Error::Transport(failure).into())
            }
            State::Spent => {
                self.state = State::Spent;
                Err(Error::Unanswered(None).into())
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if let (State::Awaiting, Input::Reply(reply)) = (&self.state, input) {
            self.state = match reply {
                Ok(reply) => {
                    let cookies = Cookies::of(&reply);
                    State::Answered((self.parse)(&reply), cookies)
                }
                Err(failure) => State::Failed(failure),
            };
        }
    }
}

impl Cookies {
    fn of(reply: &Response) -> Self {
        let headers = reply.headers();
        let lines = headers.get_all(http::header::SET_COOKIE).iter();
        let date = headers.get(http::header::DATE).and_then(|value| value.to_str().ok());
        Self {
            set: lines.filter_map(|line| line.to_str().ok().map(Sealed::from)).collect(),
            date: date.map(String::from),
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({:?}, {:?})", self.request, self.terms)
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
