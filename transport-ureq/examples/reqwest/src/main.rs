//! A bot on its own transport over reqwest, which answers `ping` with `pong`.
//!
//! The transport runs any flow whose replies are short. `wechat_simulator::conformance` checks a
//! transport, and lists the HTTP clients that can conform; a complete one over reqwest, with uploads
//! and downloads, is `tests/it/conformance/reqwest.rs` of the repository.

use std::time::UNIX_EPOCH;

use rehearsal::{rehearsal, scenes};
use reqwest::redirect::Policy;
use tokio::time::{Instant, sleep, timeout_at};
use wechat_proto::bytes::Bytes;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{Request, Response, Want, WholeBody};
use wechat_proto::login::{Login, Progress};
use wechat_proto::message::SendText;
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Body, Call, Error, Flow, Input, Interrupt, Timestamp};
use wechat_transport::{Options, qr};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::ping);
    let mut device = options.new_device().with_seed(options.new_seed()?);
    let transport = Transport::new()?;
    let mut account = transport.log_in(&mut device).await?;
    let mut inbox = Inbox::new();
    loop {
        let message = transport.run(&mut inbox, &mut account).await?;
        if message.text() == Some("ping") {
            let mut reply = Call::new(SendText::reply(&message, "pong"));
            transport.run(&mut reply, account.session_mut()).await?;
        }
    }
}

/// A transport over reqwest.
struct Transport(reqwest::Client);

impl Transport {
    /// Builds a client that follows no redirects, as flows require.
    fn new() -> Result<Self, Error> {
        let client = reqwest::Client::builder().redirect(Policy::none()).build();
        Ok(Self(client.map_err(|error| Error::Transport(failure(error)))?))
    }

    async fn log_in(&self, device: &mut wechat_proto::Device) -> Result<Box<Account>, Error> {
        let mut login = Login::new();
        loop {
            match self.run(&mut login, device).await? {
                Progress::LoggedIn(account) => return Ok(account),
                step => qr::print(&step),
            }
        }
    }

    /// Runs a flow to its next output.
    async fn run<F: Flow>(&self, flow: &mut F, state: &mut F::State) -> Result<F::Output, Error> {
        loop {
            let now = Timestamp::default().after(UNIX_EPOCH.elapsed().unwrap_or_default());
            match flow.poll(state, now) {
                Ok(output) => return Ok(output),
                Err(Interrupt::Send(request)) => {
                    flow.handle(Input::Reply(self.exchange(*request).await));
                }
                Err(Interrupt::Sleep(time)) => sleep(time).await,
                Err(Interrupt::Fail(error)) => return Err(error),
                Err(Interrupt::Read(_)) => unreachable!("only uploads read a source"),
            }
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response, Failure> {
        request.check()?;
        let Want::Whole { limit } = request.want else {
            unreachable!("only downloads are streams")
        };
        let until = Instant::now() + request.deadline;
        let late = |_| Failure::new(FailureKind::Timeout, Sent::Maybe);
        let http = request.http.map(Body::into_bytes).try_into().map_err(failure)?;
        let reply = timeout_at(until, self.0.execute(http)).await.map_err(late)?;
        let mut reply = reply.map_err(failure)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = reply.status();
        *response.headers_mut() = reply.headers().clone();
        let (head, _) = response.into_parts();
        let mut body = WholeBody::new(&head, limit)?;
        while let Some(part) =
            timeout_at(until, reply.chunk()).await.map_err(late)?.map_err(failure)?
        {
            body.push(part)?;
        }
        Ok(Response::from_parts(head, body.end()?))
    }
}

fn failure(error: reqwest::Error) -> Failure {
    let sent = if error.is_connect() { Sent::No } else { Sent::Maybe };
    let kind = match &error {
        error if error.is_timeout() => FailureKind::Timeout,
        error if error.is_connect() => FailureKind::Connect,
        error if error.is_decode() => FailureKind::Truncated,
        _ => FailureKind::Closed,
    };
    // The URL contains credentials.
    Failure::new(kind, sent).because(error.without_url())
}
