//! The two adapters, as the same thing.

use std::io::{self, Cursor, Read as _};
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use wechat_proto::error::{Failure, FailureKind};
use wechat_proto::flow::{Request, Response};
use wechat_proto::media::image;
use wechat_proto::{Account, Error, Flow, Message, Session};

use super::flow::Ask;

/// How the clients of a case are made.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) names: Vec<(&'static str, SocketAddr)>,
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) proxy: Option<SocketAddr>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) deadline_cap: Option<Duration>,
}

/// An adapter.
pub(crate) trait Host: Sync {
    /// Its name, as the tests' modules have it.
    fn name(&self) -> &'static str;
    /// A client on a session.
    fn open(&self, session: Session, settings: Settings) -> Result<Box<dyn Client>, Error>;
}

/// What a source does.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    Holding(&'static [u8]),
    Failing,
}

/// What came of a body that was streamed.
pub(crate) struct Streamed {
    pub(crate) head: Response,
    pub(crate) body: Vec<u8>,
    pub(crate) end: Result<(), FailureKind>,
}

/// What a download is written to; it fails when it has so many bytes.
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

/// What came of a body that was copied, as that of a picture.
pub(crate) struct Copied {
    pub(crate) result: Result<u64, Error>,
    pub(crate) sink: Sink,
    pub(crate) progress: Vec<u64>,
}

/// A client of either adapter.
pub(crate) trait Client: Send + Sync {
    /// One exchange.
    fn ask(&self, request: Request) -> Result<Response, Failure>;
    /// One exchange of which the flow wants the head only.
    fn stream(&self, request: Request) -> Result<Streamed, Failure>;
    /// The same, copying the body to a writer with room for so many bytes.
    fn copy(&self, request: Request, limit: u64, room: usize) -> Copied;
    /// What a flow reads of its source.
    fn read(&self, range: Range<u64>, source: Source) -> Result<Bytes, Failure>;
    /// Hears messages, and failures that pass, up to the end of both.
    fn hear(&self) -> Vec<Result<Message, Error>>;
    fn stop(&self);
}

macro_rules! options {
    ($options:ty, $settings:expr) => {{
        let settings: Settings = $settings;
        let mut options = <$options>::default().resolve_only().seed([7; 32]);
        for (name, address) in settings.names {
            options = options.resolve(name, address);
        }
        for root in settings.roots {
            options = options.root_certificate(root);
        }
        if let Some(proxy) = settings.proxy {
            options = options.proxy(&proxy.ip().to_string(), proxy.port());
        }
        if let Some(limit) = settings.connect_timeout {
            options = options.connect_timeout(limit);
        }
        if let Some(limit) = settings.deadline_cap {
            options = options.deadline_cap(limit);
        }
        options
    }};
}

pub(crate) struct Ureq;

impl Host for Ureq {
    fn name(&self) -> &'static str {
        "ureq"
    }

    fn open(&self, session: Session, settings: Settings) -> Result<Box<dyn Client>, Error> {
        let options = options!(wechat_transport_ureq::Options, settings);
        Ok(Box::new(wechat_transport_ureq::Client::resume(session, options)?))
    }
}

impl Client for wechat_transport_ureq::Client {
    fn ask(&self, request: Request) -> Result<Response, Failure> {
        self.run(&mut Ask::new(request)).unwrap()
    }

    fn stream(&self, request: Request) -> Result<Streamed, Failure> {
        let (head, mut rest) = self.download(&mut Ask::new(request)).unwrap();
        let head = head?;
        let mut body = Vec::new();
        let end = match rest.read_to_end(&mut body) {
            Ok(_) => Ok(()),
            Err(error) => match error.downcast::<Error>().unwrap() {
                Error::Transport(failure) => Err(failure.kind),
                other => panic!("{other}"),
            },
        };
        Ok(Streamed { head, body, end })
    }

    fn copy(&self, request: Request, limit: u64, room: usize) -> Copied {
        let (head, rest) = self.download(&mut Ask::new(request)).unwrap();
        let head = image::parse(&head.unwrap()).unwrap();
        let (mut sink, mut progress) = (Sink { room, ..Sink::default() }, Vec::new());
        let result = rest.copy_to(&head, &mut sink, limit, |so_far| progress.push(so_far));
        Copied { result, sink, progress }
    }

    fn read(&self, range: Range<u64>, source: Source) -> Result<Bytes, Failure> {
        let mut flow = super::flow::Piece::new(range);
        match source {
            Source::Holding(bytes) => self.run_with(&mut flow, Cursor::new(bytes)).unwrap(),
            Source::Failing => self.run_with(&mut flow, Broken).unwrap(),
        }
    }

    fn hear(&self) -> Vec<Result<Message, Error>> {
        self.messages().collect()
    }

    fn stop(&self) {
        self.stop();
    }
}

pub(crate) struct Hyper;

struct OnTokio {
    client: wechat_transport_hyper::Client,
    runtime: Runtime,
}

impl Host for Hyper {
    fn name(&self) -> &'static str {
        "hyper"
    }

    fn open(&self, session: Session, settings: Settings) -> Result<Box<dyn Client>, Error> {
        let options = options!(wechat_transport_hyper::Options, settings);
        let client = wechat_transport_hyper::Client::resume(session, options)?;
        // One worker, so that kept connections live between two `block_on`s.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Ok(Box::new(OnTokio { client, runtime }))
    }
}

impl OnTokio {
    fn run<F>(&self, mut flow: F) -> F::Output
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.runtime.block_on(self.client.run(&mut flow)).unwrap()
    }
}

impl Client for OnTokio {
    fn ask(&self, request: Request) -> Result<Response, Failure> {
        self.run(Ask::new(request))
    }

    fn stream(&self, request: Request) -> Result<Streamed, Failure> {
        self.runtime.block_on(async {
            let mut flow = Ask::new(request);
            let (head, mut rest) = self.client.download(&mut flow).await.unwrap();
            let head = head?;
            let mut body = Vec::new();
            let end = loop {
                match rest.chunk().await {
                    Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                    Ok(None) => break Ok(()),
                    Err(Error::Transport(failure)) => break Err(failure.kind),
                    Err(other) => panic!("{other}"),
                }
            };
            Ok(Streamed { head, body, end })
        })
    }

    fn copy(&self, request: Request, limit: u64, room: usize) -> Copied {
        self.runtime.block_on(async {
            let mut flow = Ask::new(request);
            let (head, rest) = self.client.download(&mut flow).await.unwrap();
            let head = image::parse(&head.unwrap()).unwrap();
            let (mut sink, mut progress) = (Sink { room, ..Sink::default() }, Vec::new());
            let copy = rest.copy_to(&head, &mut sink, limit, |so_far| progress.push(so_far));
            let result = copy.await;
            Copied { result, sink, progress }
        })
    }

    fn read(&self, range: Range<u64>, source: Source) -> Result<Bytes, Failure> {
        let mut flow = super::flow::Piece::new(range);
        self.runtime
            .block_on(async {
                match source {
                    Source::Holding(bytes) => {
                        self.client.run_with(&mut flow, Bytes::from_static(bytes)).await
                    }
                    Source::Failing => self.client.run_with(&mut flow, Broken).await,
                }
            })
            .unwrap()
    }

    fn hear(&self) -> Vec<Result<Message, Error>> {
        self.runtime.block_on(async {
            let (mut messages, mut heard) = (self.client.messages(), Vec::new());
            while let Some(message) = messages.next().await {
                heard.push(message);
            }
            heard
        })
    }

    fn stop(&self) {
        self.client.stop();
    }
}

/// A source that fails.
struct Broken;

impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

impl io::Seek for Broken {
    fn seek(&mut self, _: io::SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

impl wechat_transport_hyper::Source for Broken {
    async fn read(&mut self, _: Range<u64>) -> io::Result<Bytes> {
        Err(io::Error::other("the disk is gone"))
    }
}
