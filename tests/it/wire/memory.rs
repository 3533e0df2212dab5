//! The in-memory wire, without sockets and with the time of the simulator.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use wechat_proto::contact::{Directory, LoadContacts};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::Want;
use wechat_proto::login::{Login, Open, Progress, Resume};
use wechat_proto::media::{Head, RetryEmpty, Tally, Upload, UploadProgress, Uploaded};
use wechat_proto::store::{SavePolicy, SessionStore as _};
use wechat_proto::sync::{Events, Inbox, Step};
use wechat_proto::{
    Account, Body, Call, ClientMsgId, Device, Endpoint, Error, Event, Flow, Input, Interrupt,
    Message, Session, Timestamp, flow,
};
use wechat_simulator::{Simulator, World};
use wechat_transport_ureq::FileStore;

use super::{Bot, Place, Saved, endpoint};

/// A bot that calls the simulator directly.
#[derive(Debug)]
pub(crate) struct Memory {
    simulator: Simulator,
    account: Account,
    events: Events,
    ended: bool,
    store: Option<FileStore>,
}

/// The body of a response to a request with `Want::Head`: the received bytes and the announced
/// length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rest {
    pub(crate) bytes: Bytes,
    announced: Option<usize>,
}

impl Rest {
    /// Takes the body out of a response, unless the flow requested it with the head.
    pub(crate) fn of(reply: &mut http::Response<Bytes>, want: Want) -> Self {
        let Want::Head { .. } = want else { return Self::default() };
        let length = reply.headers().get("content-length");
        let announced = length.map(|length| length.to_str().unwrap().parse().unwrap());
        Self { bytes: std::mem::take(reply.body_mut()), announced }
    }

    /// Returns the whole body, or fails if it is truncated.
    pub(crate) fn into_bytes(self) -> Result<Bytes, Error> {
        if self.announced.is_some_and(|announced| announced > self.bytes.len()) {
            let failure = Failure::new(FailureKind::Truncated, Sent::Maybe);
            return Err(Error::Transport(failure));
        }
        Ok(self.bytes)
    }
}

/// Runs a flow to its next output; also returns the body of the last response if its request had
/// `Want::Head`.
fn drive<F: Flow>(
    simulator: &Simulator,
    flow: &mut F,
    state: &mut F::State,
    source: &[u8],
) -> Result<(F::Output, Rest), Error> {
    let mut rest = Rest::default();
    loop {
        match flow.poll(state, clock(simulator)) {
            Ok(output) => return Ok((output, rest)),
            Err(Interrupt::Send(request)) => {
                let want = request.want;
                let request = whole(*request);
                Recorder::keep(simulator, &request);
                let mut reply = simulator.respond(&request);
                Transcript::keep(&request, flow, want, &reply);
                rest = Rest::of(&mut reply, want);
                flow.handle(Input::Reply(Ok(reply)));
            }
            Err(Interrupt::Read(range)) => flow.handle(piece(source, range)),
            Err(Interrupt::Sleep(time)) => simulator.world().advance(time),
            Err(Interrupt::Fail(error)) => return Err(error),
        }
    }
}

/// Reads a range of a source, up to its end.
pub(crate) fn piece(source: &[u8], range: Range<u64>) -> Input {
    let place = |at| usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
    let piece = &source[place(range.start)..place(range.end)];
    Input::Piece(Ok(Bytes::copy_from_slice(piece)))
}

/// Collects the body of a request into one piece.
pub(crate) fn whole(request: flow::Request) -> http::Request<Bytes> {
    request.http.map(Body::into_bytes)
}

/// A request, and the world before it was handled.
pub(crate) type Recorded = (World, http::Request<Bytes>);

thread_local! {
    /// The requests collected by [`Recorder::of`].
    static RECORDED: RefCell<Option<Vec<Recorded>>> = const { RefCell::new(None) };
}

/// A recorder of each request of a run, with the world before it.
pub(crate) struct Recorder;

impl Recorder {
    /// Runs `scenario` and returns its requests.
    pub(crate) fn of(place: &Place, scenario: impl FnOnce(&Place)) -> Vec<Recorded> {
        RECORDED.set(Some(Vec::new()));
        scenario(place);
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

/// A response that a flow received.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) endpoint: String,
    /// Whether the request had `Want::Head`.
    pub(crate) head: bool,
    pub(crate) reply: http::Response<Bytes>,
}

/// The responses that a flow received, in order.
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    /// The name of the flow's type.
    pub(crate) flow: &'static str,
    place: usize,
    pub(crate) responses: Vec<Response>,
}

thread_local! {
    /// The responses collected by [`Transcript::of`].
    static TRANSCRIPTS: RefCell<Option<Vec<Transcript>>> = const { RefCell::new(None) };
}

impl Transcript {
    /// Runs a scenario and returns the responses of each flow.
    pub(crate) fn of(scenario: impl FnOnce()) -> Vec<Self> {
        TRANSCRIPTS.set(Some(Vec::new()));
        scenario();
        TRANSCRIPTS.take().unwrap_or_default()
    }

    fn keep<F>(
        request: &http::Request<Bytes>,
        flow: &F,
        want: Want,
        reply: &http::Response<Bytes>,
    ) {
        TRANSCRIPTS.with_borrow_mut(|transcripts| {
            let Some(transcripts) = transcripts else { return };
            let endpoint = endpoint(request).to_owned();
            let head = matches!(want, Want::Head { .. });
            let response = Response { endpoint, head, reply: reply.clone() };
            // A flow with several outputs is driven several times.
            let (place, flow) = (std::ptr::from_ref(flow).addr(), std::any::type_name::<F>());
            let same = |known: &&mut Self| (known.place, known.flow) == (place, flow);
            match transcripts.iter_mut().rev().find(same) {
                Some(transcript) => transcript.responses.push(response),
                None => transcripts.push(Self { flow, place, responses: vec![response] }),
            }
        });
    }
}

impl Memory {
    /// Runs a call of a device that is not logged in.
    pub(crate) fn ask<E: Endpoint<State = Device>>(
        place: &Place,
        device: &mut Device,
        endpoint: E,
    ) -> Result<E::Output, Error> {
        Ok(drive(&place.simulator, &mut Call::new(endpoint), device, &[])?.0)
    }

    fn new(place: &Place, account: Account) -> Self {
        let simulator = place.simulator.clone();
        Self { simulator, account, events: events(SavePolicy::Manual), ended: false, store: None }
    }
}

fn events(policy: SavePolicy) -> Events {
    Events::new(Inbox::new(), policy)
}

/// Returns the simulator's time.
fn clock(simulator: &Simulator) -> Timestamp {
    Timestamp::from_millis(simulator.now())
}

fn log_in(
    mut login: Login,
    place: &Place,
    device: &mut Device,
    mut progress: impl FnMut(&Progress) + Send,
) -> Result<Memory, Error> {
    device.mix_seed(place.seed());
    loop {
        let step = drive(&place.simulator, &mut login, device, &[])?.0;
        progress(&step);
        if let Progress::LoggedIn(account) = step {
            return Ok(Memory::new(place, *account));
        }
    }
}

impl Bot for Memory {
    fn login_on(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        log_in(Login::new(), place, device, progress)
    }

    fn login_again(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        log_in(Login::again(), place, device, progress)
    }

    fn open_saving(
        place: &Place,
        path: &Path,
        resume: Resume,
        policy: SavePolicy,
        mut progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        let (mut store, mut device) = (FileStore::open(path)?, place.device());
        device.mix_seed(place.seed());
        let mut open = Open::new(store.load()?, resume);
        loop {
            let step = drive(&place.simulator, &mut open, &mut device, &[]);
            if let Ok((step, _)) = &step {
                progress(step);
            }
            let account = match step {
                Ok((Progress::LoggedIn(account), _)) => {
                    store.save(account.session())?;
                    account
                }
                Ok((Progress::Resumed(account), _)) => account,
                Ok(_) => continue,
                Err(error) => {
                    open.session().map_or(Ok(()), |session| store.save(session))?;
                    return Err(error);
                }
            };
            let (store, events) = (Some(store), events(policy));
            return Ok(Self { store, events, ..Self::new(place, *account) });
        }
    }

    fn keep(&mut self) {
        self.store.as_mut().unwrap().save(self.account.session()).unwrap();
    }

    fn stop(&mut self) {
        self.account.stop();
    }

    fn resume(place: &Place, mut session: Session) -> Self {
        session.mix_seed(place.seed());
        Self::new(place, session.into())
    }

    fn call<E>(&mut self, endpoint: E) -> Result<E::Output, Error>
    where
        E: Endpoint,
        Account: AsMut<E::State>,
    {
        self.run(&mut Call::new(endpoint))
    }

    fn download<E>(&mut self, endpoint: E) -> Result<(Head, Vec<u8>), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        let mut flow = RetryEmpty::new(endpoint);
        let (head, rest) = drive(&self.simulator, &mut flow, self.account.as_mut(), &[])?;
        Ok((head, rest.into_bytes()?.into()))
    }

    fn save<E>(&mut self, endpoint: E, limit: u64) -> Saved
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        let mut flow = RetryEmpty::new(endpoint);
        let (head, rest) = match drive(&self.simulator, &mut flow, self.account.as_mut(), &[]) {
            Ok(begun) => begun,
            Err(error) => return Saved::failed(error),
        };
        let (mut bytes, mut progress) = (Vec::new(), Vec::new());
        let mut copy = || {
            let mut tally = Tally::new(&head, limit)?;
            for chunk in rest.bytes.chunks(10_000) {
                let so_far = tally.add(chunk.len())?;
                bytes.extend_from_slice(chunk);
                progress.push(so_far);
            }
            tally.end()
        };
        let size = copy();
        Saved { result: size.map(|size| (head, size)), bytes, progress }
    }

    fn run_from<F>(&mut self, flow: &mut F, source: &Bytes) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        Ok(drive(&self.simulator, flow, self.account.as_mut(), source)?.0)
    }

    fn upload(
        &mut self,
        upload: &mut Upload,
        source: &Bytes,
        mut progress: impl FnMut(&UploadProgress) + Send,
    ) -> Result<Uploaded, Error> {
        loop {
            let output = self.run_from(upload, source)?;
            progress(&output);
            if let UploadProgress::Done(uploaded) = output {
                return Ok(uploaded);
            }
        }
    }

    fn contacts(&mut self) -> Result<Directory, Error> {
        self.run(&mut LoadContacts::new())?;
        Ok(self.account.directory().clone())
    }

    fn manual(&mut self) {
        self.events = events(SavePolicy::Manual).manual();
    }

    fn acknowledge(&mut self, message: &Message) {
        self.account.session_mut().acknowledge(message);
    }

    fn next_client_msg_id(&mut self) -> ClientMsgId {
        let now = clock(&self.simulator);
        self.account.session_mut().next_client_msg_id(now)
    }

    fn remember(&mut self, messages: usize) {
        self.events = events(SavePolicy::Manual).remember(messages);
    }

    fn directory(&self) -> Directory {
        self.account.directory().clone()
    }

    fn next_event(&mut self) -> Option<Event> {
        while !self.ended {
            let Self { simulator, account, events, .. } = self;
            match drive(simulator, events, account, &[]).unwrap().0 {
                Step::Save => self.keep(),
                Step::Event(event) => {
                    self.ended = matches!(event, Event::Closed(_));
                    return Some(event);
                }
            }
        }
        None
    }

    fn session(&self) -> Session {
        self.account.session().clone()
    }
}
