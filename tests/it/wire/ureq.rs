//! The blocking adapter over sockets.

use std::io::{Cursor, Read as _};
use std::path::Path;

use bytes::Bytes;
use wechat_proto::contact::Directory;
use wechat_proto::login::{Progress, Resume};
use wechat_proto::media::{Head, Upload, UploadProgress, Uploaded};
use wechat_proto::store::SavePolicy;
use wechat_proto::{Account, ClientMsgId, Device, Endpoint, Error, Event, Flow, Message, Session};
use wechat_transport_ureq::{Client, Events, FileStore, Transport};

use super::{Bot, Place, Saved, open_options, options};

/// A bot on the blocking adapter.
#[derive(Debug)]
pub(crate) struct Ureq {
    client: Client,
    events: Events,
}

fn transport(place: &Place) -> Transport {
    Transport::new(options(place)).unwrap()
}

impl Ureq {
    fn new(client: Client) -> Self {
        Self { events: client.events(), client }
    }
}

impl Bot for Ureq {
    fn login_on(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        Client::login(&transport(place), device, progress).map(Self::new)
    }

    fn login_again(
        place: &Place,
        device: &mut Device,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        Client::login_again(&transport(place), device, progress).map(Self::new)
    }

    fn open_saving(
        place: &Place,
        path: &Path,
        resume: Resume,
        policy: SavePolicy,
        progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, Error> {
        let store = FileStore::open(path)?;
        Client::open(store, open_options(place, resume, policy), progress).map(Self::new)
    }

    fn keep(&mut self) {
        self.client.save_session().unwrap();
    }

    fn stop(&mut self) {
        self.client.stop();
    }

    fn resume(place: &Place, session: Session) -> Self {
        Self::new(Client::resume(&transport(place), session).unwrap())
    }

    fn call<E>(&mut self, endpoint: E) -> Result<E::Output, Error>
    where
        E: Endpoint,
        Account: AsMut<E::State>,
    {
        self.client.call(endpoint)
    }

    fn download<E>(&mut self, endpoint: E) -> Result<(Head, Vec<u8>), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        let (output, mut rest) = self.client.download(endpoint)?;
        let mut bytes = Vec::new();
        rest.read_to_end(&mut bytes).map_err(|error| {
            error.downcast::<Error>().expect("read errors wrap `wechat_proto::Error`")
        })?;
        Ok((output, bytes))
    }

    fn save<E>(&mut self, endpoint: E, limit: u64) -> Saved
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        let (head, body) = match self.client.download(endpoint) {
            Ok(begun) => begun,
            Err(error) => return Saved::failed(error),
        };
        let (mut bytes, mut progress) = (Vec::new(), Vec::new());
        let size = body.copy_to(&head, &mut bytes, limit, |so_far| progress.push(so_far));
        Saved { result: size.map(|size| (head, size)), bytes, progress }
    }

    fn run_from<F>(&mut self, flow: &mut F, source: &Bytes) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.client.run_with(flow, Cursor::new(source))
    }

    fn upload(
        &mut self,
        upload: &mut Upload,
        source: &Bytes,
        progress: impl FnMut(&UploadProgress) + Send,
    ) -> Result<Uploaded, Error> {
        self.client.upload(upload, Cursor::new(source), progress)
    }

    fn contacts(&mut self) -> Result<Directory, Error> {
        self.client.contacts()
    }

    fn manual(&mut self) {
        self.events = self.client.events().manual();
    }

    fn acknowledge(&mut self, message: &Message) {
        self.client.acknowledge(message).unwrap();
    }

    fn next_client_msg_id(&mut self) -> ClientMsgId {
        self.client.next_client_msg_id()
    }

    fn remember(&mut self, messages: usize) {
        self.events = self.client.events().remember(messages);
    }

    fn directory(&self) -> Directory {
        self.client.directory()
    }

    fn next_event(&mut self) -> Option<Event> {
        self.events.next()
    }

    fn session(&self) -> Session {
        self.client.session()
    }
}
