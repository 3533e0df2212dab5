//! Over sockets, blocking.

use std::io::Cursor;

use wechat_proto::contact::Directory;
use wechat_proto::login::Progress;
use wechat_proto::{Account, Call, Error, Flow, Message, Session, Timestamp};
use wechat_transport_ureq::{Client, Messages, Options};

use super::{Bot, Place, options};

/// A bot on the blocking adapter.
#[derive(Debug)]
pub(crate) struct Ureq {
    client: Client,
    messages: Messages,
}

impl Ureq {
    fn new(client: Client) -> Self {
        Self { messages: client.messages(), client }
    }
}

impl Bot for Ureq {
    fn login(place: &Place, progress: impl FnMut(Progress) + Send) -> Result<Self, Error> {
        Client::login(&mut place.device(), options!(place, Options), progress).map(Self::new)
    }

    fn resume(place: &Place, session: Session) -> Self {
        Self::new(Client::resume(session, options!(place, Options)).unwrap())
    }

    fn call<T>(
        &mut self,
        build: impl FnOnce(&mut Session, Timestamp) -> Call<T>,
    ) -> Result<T, Error> {
        self.client.call(build)
    }

    fn run_with<F>(&mut self, flow: &mut F, source: &[u8]) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.client.run_with(flow, Cursor::new(source))
    }

    fn contacts(&mut self) -> Result<Directory, Error> {
        self.client.contacts()
    }

    fn directory(&self) -> Directory {
        self.client.directory()
    }

    fn next(&mut self) -> Option<Result<Message, Error>> {
        self.messages.next()
    }

    fn session(&self) -> Session {
        self.client.session()
    }
}
