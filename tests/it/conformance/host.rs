//! A common interface of the two adapters.

use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::{Builder, Runtime};
use wechat_proto::error::Failure;
use wechat_proto::flow::{Request, Response};
use wechat_proto::media::{GetImage, ImageSize};
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Device, Error, Flow, Input, Interrupt, Message, Session, Timestamp};
use wechat_proto::{Endpoint as _, MsgId};
use wechat_simulator::conformance::{self, Feature, Options, Probe, Source, Transport};

/// The options of both adapters.
pub(crate) type Settings = wechat_transport_ureq::Options;

/// Returns options without lookups.
pub(crate) fn settings() -> Settings {
    Settings::default().resolve_only()
}

/// Returns the options of a check.
fn settings_of(given: &Options) -> Settings {
    let mut options = settings();
    for (name, address) in &given.names {
        options = options.resolve(name, *address);
    }
    for root in &given.roots {
        options = options.root_certificate(root.clone());
    }
    if let Some(proxy) = given.proxy {
        options = options.proxy(format!("http://{proxy}"));
    }
    if let Some(limit) = given.connect_timeout {
        options = options.connect_timeout(limit);
    }
    if let Some(limit) = given.deadline_cap {
        options = options.deadline_cap(limit);
    }
    options
}

/// The blocking adapter.
#[derive(Clone)]
pub(crate) struct Blocking(wechat_transport_ureq::Client);

pub(crate) fn ureq(options: &Options) -> Result<Blocking, Error> {
    blocking(conformance::session(), settings_of(options))
}

fn blocking(session: Session, options: Settings) -> Result<Blocking, Error> {
    let transport = wechat_transport_ureq::Transport::new(options)?;
    Ok(Blocking(wechat_transport_ureq::Client::resume(&transport, session)?))
}

impl Transport for Blocking {
    fn run(&self, flow: &mut Probe) -> Result<(), Error> {
        self.0.run(flow)
    }

    fn offers(&self) -> &'static [Feature] {
        Feature::ALL
    }

    fn run_with(&self, flow: &mut Probe, source: Source) -> Result<(), Error> {
        self.0.run_with(flow, source)
    }

    fn stream(&self, flow: &mut Probe, body: &mut Vec<u8>) -> Result<(), Error> {
        let ((), mut rest) = self.0.stream(flow)?;
        match rest.read_to_end(body) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.downcast().expect("read errors wrap `wechat_proto::Error`")),
        }
    }
}

/// The async adapter, with its own runtime.
pub(crate) struct OnTokio {
    client: wechat_transport_hyper::Client,
    runtime: Runtime,
}

pub(crate) fn hyper(options: &Options) -> Result<OnTokio, Error> {
    on_tokio(conformance::session(), settings_of(options))
}

fn on_tokio(session: Session, options: Settings) -> Result<OnTokio, Error> {
    let transport = wechat_transport_hyper::Transport::new(options)?;
    let client = wechat_transport_hyper::Client::resume(&transport, session)?;
    // The worker keeps idle connections alive between two `block_on` calls.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    Ok(OnTokio { client, runtime })
}

impl Transport for OnTokio {
    fn run(&self, flow: &mut Probe) -> Result<(), Error> {
        self.runtime.block_on(self.client.run(flow))
    }

    fn offers(&self) -> &'static [Feature] {
        Feature::ALL
    }

    fn run_with(&self, flow: &mut Probe, source: Source) -> Result<(), Error> {
        self.runtime.block_on(self.client.run_with(flow, source))
    }

    fn stream(&self, flow: &mut Probe, body: &mut Vec<u8>) -> Result<(), Error> {
        self.runtime.block_on(async {
            let ((), mut rest) = self.client.stream(flow).await?;
            while let Some(bytes) = rest.chunk().await? {
                body.extend_from_slice(&bytes);
            }
            Ok(())
        })
    }
}

/// An adapter, for guarantees beyond the kit.
pub(crate) trait Host: Sync {
    /// Opens a client for a session.
    fn open(&self, session: Session, options: Settings) -> Result<Box<dyn Client>, Error>;
}

/// A client of either adapter.
pub(crate) trait Client: Send + Sync {
    /// Runs one exchange.
    fn ask(&self, request: Request) -> Result<Response, Failure>;
    /// Runs one exchange with `Want::Head`, and copies the body to a writer with room for `room`
    /// bytes.
    fn copy(&self, request: Request, limit: u64, room: usize) -> Copied;
    /// Fetches one batch with a call; returns the number of messages.
    fn sync(&self) -> Result<usize, Error>;
    /// Returns the session as JSON.
    fn stored(&self) -> String;
    /// Collects messages and transient errors until the end.
    fn messages_until_end(&self) -> Vec<Result<Message, Error>>;
    fn stop(&self);
}

/// A writer that fails once it contains `room` bytes.
#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) bytes: Vec<u8>,
    pub(crate) room: usize,
    pub(crate) flushed: bool,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() >= self.room {
            return Err(io::Error::other("the disk is full"));
        }
        let amount = bytes.len().min(self.room - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..amount]);
        self.flushed = false;
        Ok(amount)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = true;
        Ok(())
    }
}

impl tokio::io::AsyncWrite for Sink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Write::write(&mut *self, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(io::Write::flush(&mut *self))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The result of a body copied as that of a picture.
pub(crate) struct Copied {
    pub(crate) result: Result<u64, Error>,
    pub(crate) sink: Sink,
    pub(crate) progress: Vec<u64>,
}

/// A flow that sends one request. Its output is the result of the exchange.
pub(crate) struct Exchange {
    request: Request,
    reply: Option<Result<Response, Failure>>,
}

impl Exchange {
    pub(crate) const fn new(request: Request) -> Self {
        Self { request, reply: None }
    }
}

impl Flow for Exchange {
    type State = Device;
    type Output = Result<Response, Failure>;

    fn poll(&mut self, _: &mut Device, _: Timestamp) -> Result<Self::Output, Interrupt> {
        match self.reply.take() {
            Some(reply) => Ok(reply),
            None => Err(Interrupt::Send(Box::new(self.request.clone()))),
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Reply(reply) = input {
            self.reply = Some(reply);
        }
    }
}

pub(crate) struct Ureq;

impl Host for Ureq {
    fn open(&self, session: Session, options: Settings) -> Result<Box<dyn Client>, Error> {
        Ok(Box::new(blocking(session, options)?))
    }
}

impl Client for Blocking {
    fn ask(&self, request: Request) -> Result<Response, Failure> {
        self.0.run(&mut Exchange::new(request)).unwrap()
    }

    fn copy(&self, request: Request, limit: u64, room: usize) -> Copied {
        let (head, rest) = self.0.stream(&mut Exchange::new(request)).unwrap();
        let head = GetImage::new(MsgId::from("1"), ImageSize::Full).parse(&head.unwrap()).unwrap();
        let (mut sink, mut progress) = (Sink { room, ..Sink::default() }, Vec::new());
        let result = rest.copy_to(&head, &mut sink, limit, |so_far| progress.push(so_far));
        Copied { result, sink, progress }
    }

    fn sync(&self) -> Result<usize, Error> {
        let batch = self.0.call(FetchBatch::new())?;
        Ok(batch.messages(&self.0.session().me().user_name).len())
    }

    fn stored(&self) -> String {
        self.0.session().to_json()
    }

    fn messages_until_end(&self) -> Vec<Result<Message, Error>> {
        self.0.messages().collect()
    }

    fn stop(&self) {
        self.0.stop();
    }
}

pub(crate) struct Hyper;

impl Host for Hyper {
    fn open(&self, session: Session, options: Settings) -> Result<Box<dyn Client>, Error> {
        Ok(Box::new(on_tokio(session, options)?))
    }
}

impl Client for OnTokio {
    fn ask(&self, request: Request) -> Result<Response, Failure> {
        self.runtime.block_on(self.client.run(&mut Exchange::new(request))).unwrap()
    }

    fn copy(&self, request: Request, limit: u64, room: usize) -> Copied {
        self.runtime.block_on(async {
            let mut flow = Exchange::new(request);
            let (head, rest) = self.client.stream(&mut flow).await.unwrap();
            let head =
                GetImage::new(MsgId::from("1"), ImageSize::Full).parse(&head.unwrap()).unwrap();
            let (mut sink, mut progress) = (Sink { room, ..Sink::default() }, Vec::new());
            let copy = rest.copy_to(&head, &mut sink, limit, |so_far| progress.push(so_far));
            let result = copy.await;
            Copied { result, sink, progress }
        })
    }

    fn sync(&self) -> Result<usize, Error> {
        let batch = self.runtime.block_on(self.client.call(FetchBatch::new()))?;
        Ok(batch.messages(&self.client.session().me().user_name).len())
    }

    fn stored(&self) -> String {
        self.client.session().to_json()
    }

    fn messages_until_end(&self) -> Vec<Result<Message, Error>> {
        self.runtime.block_on(async {
            let (mut messages, mut received) = (self.client.messages(), Vec::new());
            while let Some(message) = messages.next().await {
                received.push(message);
            }
            received
        })
    }

    fn stop(&self) {
        self.client.stop();
    }
}
