//! The async adapter over sockets.

use std::future::poll_fn;
use std::io::Cursor;
use std::path::Path;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use tokio::runtime::{Builder, Runtime};
use wechat_proto::contact::Directory;
use wechat_proto::login::{Progress, Resume};
use wechat_proto::media::{Head, Upload, UploadProgress, Uploaded};
use wechat_proto::store::SavePolicy;
use wechat_proto::{Account, ClientMsgId, Device, Endpoint, Error, Event, Flow, Message, Session};
use wechat_transport_hyper::{Client, FileStore, Transport};

use super::{Bot, Place, Saved, open_options, options};

/// A bot on the async adapter, with its own runtime.
pub(crate) struct Hyper {
    events: Pin<Box<dyn Stream<Item = Event>>>,
    client: Client,
    runtime: Runtime,
}

impl Hyper {
    fn new(client: Client, runtime: Runtime) -> Self {
        Self { events: Box::pin(client.events()), client, runtime }
    }
}

fn transport(place: &Place) -> Transport {
    Transport::new(options(place)).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

impl Bot for Hyper {
    fn login_on(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        let (runtime, transport) = (runtime(), transport(place));
        let client = runtime.block_on(Client::login(&transport, device, progress))?;
        Ok(Self::new(client, runtime))
    }

    fn login_again(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        let (runtime, transport) = (runtime(), transport(place));
        let client = runtime.block_on(Client::login_again(&transport, device, progress))?;
        Ok(Self::new(client, runtime))
    }

    fn open_saving(
        place: &Place,
        path: &Path,
        resume: Resume,
        policy: SavePolicy,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        let runtime = runtime();
        let client = runtime.block_on(async {
            let store = FileStore::open(path).await?;
            Client::open(store, open_options(place, resume, policy), progress).await
        })?;
        Ok(Self::new(client, runtime))
    }

    fn keep(&mut self) {
        self.runtime.block_on(self.client.save_session()).unwrap();
    }

    fn stop(&mut self) {
        self.client.stop();
    }

    fn resume(place: &Place, session: Session) -> Self {
        let client = Client::resume(&transport(place), session).unwrap();
        Self::new(client, runtime())
    }

    fn call<E>(&mut self, endpoint: E) -> Result<E::Output, Error>
    where
        E: Endpoint,
        Account: AsMut<E::State>,
    {
        self.runtime.block_on(self.client.call(endpoint))
    }

    fn download<E>(&mut self, endpoint: E) -> Result<(Head, Vec<u8>), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        self.runtime.block_on(async {
            let (output, mut rest) = self.client.download(endpoint).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = rest.chunk().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok((output, bytes))
        })
    }

    fn save<E>(&mut self, endpoint: E, limit: u64) -> Saved
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        self.runtime.block_on(async {
            let (head, body) = match self.client.download(endpoint).await {
                Ok(begun) => begun,
                Err(error) => return Saved::failed(error),
            };
            let (mut bytes, mut progress) = (Vec::new(), Vec::new());
            let size = body.copy_to(&head, &mut bytes, limit, |so_far| progress.push(so_far));
            let result = size.await.map(|size| (head, size));
            Saved { result, bytes, progress }
        })
    }

    fn run_from<F>(&mut self, flow: &mut F, source: &Bytes) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.runtime.block_on(self.client.run_with(flow, Cursor::new(source)))
    }

    fn upload(
        &mut self,
        upload: &mut Upload,
        source: &Bytes,
        progress: impl FnMut(&UploadProgress) + Send,
    ) -> Result<Uploaded, Error> {
        self.runtime.block_on(self.client.upload(upload, Cursor::new(source), progress))
    }

    fn contacts(&mut self) -> Result<Directory, Error> {
        self.runtime.block_on(self.client.contacts())
    }

    fn manual(&mut self) {
        self.events = Box::pin(self.client.events().manual());
    }

    fn acknowledge(&mut self, message: &Message) {
        self.runtime.block_on(self.client.acknowledge(message)).unwrap();
    }

    fn next_client_msg_id(&mut self) -> ClientMsgId {
        self.client.next_client_msg_id()
    }

    fn remember(&mut self, messages: usize) {
        self.events = Box::pin(self.client.events().remember(messages));
    }

    fn directory(&self) -> Directory {
        self.client.directory()
    }

    fn next_event(&mut self) -> Option<Event> {
        let events = &mut self.events;
        self.runtime.block_on(poll_fn(|context| events.as_mut().poll_next(context)))
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
