//! Over sockets, async.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use tokio::runtime::{Builder, Runtime};
use wechat_proto::contact::Directory;
use wechat_proto::login::Progress;
use wechat_proto::{Account, Call, Error, Flow, Message, Session, Timestamp};
use wechat_transport_hyper::{Client, Options};

use super::{Bot, Place, options};

/// A bot on the async adapter, on a runtime of its own.
pub(crate) struct Hyper {
    messages: Pin<Box<dyn Stream<Item = Result<Message, Error>>>>,
    client: Client,
    runtime: Runtime,
}

impl Hyper {
    fn new(client: Client, runtime: Runtime) -> Self {
        Self { messages: Box::pin(client.messages()), client, runtime }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

impl Bot for Hyper {
    fn login(place: &Place, progress: impl FnMut(Progress) + Send) -> Result<Self, Error> {
        let runtime = runtime();
        let mut device = place.device();
        let login = Client::login(&mut device, options!(place, Options), progress);
        let client = runtime.block_on(login)?;
        Ok(Self::new(client, runtime))
    }

    fn resume(place: &Place, session: Session) -> Self {
        let runtime = runtime();
        let client = Client::resume(session, options!(place, Options)).unwrap();
        Self::new(client, runtime)
    }

    fn call<T>(
        &mut self,
        build: impl FnOnce(&mut Session, Timestamp) -> Call<T>,
    ) -> Result<T, Error> {
        self.runtime.block_on(self.client.call(build))
    }

    fn run_with<F>(&mut self, flow: &mut F, source: &[u8]) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let source = Bytes::copy_from_slice(source);
        self.runtime.block_on(self.client.run_with(flow, source))
    }

    fn contacts(&mut self) -> Result<Directory, Error> {
        self.runtime.block_on(self.client.contacts())
    }

    fn directory(&self) -> Directory {
        self.client.directory()
    }

    fn next(&mut self) -> Option<Result<Message, Error>> {
        let messages = &mut self.messages;
        self.runtime.block_on(poll_fn(|context| messages.as_mut().poll_next(context)))
    }

    fn session(&self) -> Session {
        self.client.session()
    }
}

impl std::fmt::Debug for Hyper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.client.fmt(f)
    }
}
