//! No sockets, and time that passes only in the simulator.

use std::cell::RefCell;

use bytes::{Buf, Bytes};
use wechat_proto::contact::{Contacts, Directory};
use wechat_proto::login::{Login, Progress};
use wechat_proto::sync::Inbox;
use wechat_proto::{
    Account, Call, Error, Flow, Input, Interrupt, Message, Session, Timestamp, flow,
};
use wechat_simulator::{Simulator, World};

use super::{Bot, Place};

/// A bot that talks to the simulator by function calls.
#[derive(Debug)]
pub(crate) struct Memory {
    simulator: Simulator,
    account: Account,
    inbox: Inbox,
    ended: bool,
}

/// Runs a flow to its next output.
fn drive<F: Flow>(
    simulator: &Simulator,
    flow: &mut F,
    state: &mut F::State,
    source: &[u8],
) -> Result<F::Output, Error> {
    loop {
        match flow.poll(state, clock(simulator)) {
            Ok(output) => return Ok(output),
            Err(Interrupt::Send(request)) => {
                let request = whole(*request);
                Recorder::keep(simulator, &request);
                flow.handle(Input::Reply(Ok(simulator.respond(&request))));
            }
            Err(Interrupt::Read(range)) => {
                let place = |at| usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
                let piece = &source[place(range.start)..place(range.end)];
                flow.handle(Input::Piece(Ok(Bytes::copy_from_slice(piece))));
            }
            Err(Interrupt::Sleep(time)) => simulator.world().advance(time),
            Err(Interrupt::Fail(error)) => return Err(error),
            Err(other) => panic!("nobody serves {other:?} here"),
        }
    }
}

/// A request with its body in one piece.
pub(crate) fn whole(request: flow::Request) -> http::Request<Bytes> {
    request.http.map(|mut body| body.copy_to_bytes(body.remaining()))
}

/// A request, and the world that it met.
pub(crate) type Asked = (World, http::Request<Bytes>);

thread_local! {
    /// What [`Recorder::of`] collects.
    static RECORDED: RefCell<Option<Vec<Asked>>> = const { RefCell::new(None) };
}

/// Keeps each request of a run, with the world as it was before.
pub(crate) struct Recorder;

impl Recorder {
    /// Runs `story`, and gives what it asked.
    pub(crate) fn of(place: &Place, story: impl FnOnce(&Place)) -> Vec<Asked> {
        RECORDED.set(Some(Vec::new()));
        story(place);
        RECORDED.take().unwrap_or_default()
    }

    fn keep(simulator: &Simulator, request: &http::Request<Bytes>) {
        RECORDED.with_borrow_mut(|recorded| {
            if let Some(recorded) = recorded {
                recorded.push((simulator.world().clone(), request.clone()));
            }
        });
    }
}

impl Memory {
    fn new(place: &Place, account: Account) -> Self {
        let simulator = place.simulator.clone();
        Self { simulator, account, inbox: Inbox::new(), ended: false }
    }
}

/// The simulator's clock.
fn clock(simulator: &Simulator) -> Timestamp {
    Timestamp::from_millis(simulator.now())
}

impl Bot for Memory {
    fn login(place: &Place, mut progress: impl FnMut(Progress) + Send) -> Result<Self, Error> {
        let mut device = place.device();
        device.mix_seed(place.seed());
        let mut login = Login::new();
        loop {
            match drive(&place.simulator, &mut login, &mut device, &[])? {
                Progress::LoggedIn(account) => return Ok(Self::new(place, *account)),
                other => progress(other),
            }
        }
    }

    fn resume(place: &Place, mut session: Session) -> Self {
        session.mix_seed(place.seed());
        Self::new(place, session.into())
    }

    fn call<T>(
        &mut self,
        build: impl FnOnce(&mut Session, Timestamp) -> Call<T>,
    ) -> Result<T, Error> {
        let mut call = build(self.account.session_mut(), clock(&self.simulator));
        self.run(&mut call)
    }

    fn run_with<F>(&mut self, flow: &mut F, source: &[u8]) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        drive(&self.simulator, flow, self.account.as_mut(), source)
    }

    fn contacts(&mut self) -> Result<Directory, Error> {
        self.run(&mut Contacts::new())?;
        Ok(self.account.directory().clone())
    }

    fn directory(&self) -> Directory {
        self.account.directory().clone()
    }

    fn next(&mut self) -> Option<Result<Message, Error>> {
        if self.ended || self.account.has_left() {
            return None;
        }
        let result = drive(&self.simulator, &mut self.inbox, &mut self.account, &[]);
        self.ended = matches!(result, Err(Error::LoggedOut { .. } | Error::InUse | Error::Stopped));
        Some(result)
    }

    fn session(&self) -> Session {
        self.account.session().clone()
    }
}
