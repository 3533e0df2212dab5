//! The client holds no lock while user code runs: each callback and each argument may call the
//! client.

use std::future::poll_fn;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use futures_core::Stream as _;
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Handle};
use tokio::task::block_in_place;
use wechat_proto::media::{GetIcon, LocalFile, Upload};
use wechat_proto::message::{RevokeMessage, SendFile, SendText};
use wechat_proto::{Error, UserName};

use super::{Place, options};
use crate::sessions::story;

/// Runs a test that may deadlock and fails after a minute.
fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || {
        test();
        let _ = sender.send(());
    });
    let ended = receiver.recv_timeout(Duration::from_secs(60));
    if !thread.is_finished() && ended.is_err() {
        panic!("deadlock: a call inside a callback did not return");
    }
    thread.join().unwrap();
}

fn script(place: &Place) {
    place.confirm_login();
    place.simulator.then(Duration::from_secs(1), |world| {
        let friend = world.contacts().last().unwrap().user_name.clone();
        world.person_writes(&friend, "hello");
    });
}

/// Returns the number of texts that the simulator received.
fn sent(place: &Place) -> usize {
    place.world().sent().iter().filter(|sent| sent.content == "inside").count()
}

/// A source and a sink that invoke a closure on each use.
struct Calling<C>(Cursor<Vec<u8>>, C);

impl<C: FnMut()> Read for Calling<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.1)();
        self.0.read(buffer)
    }
}

impl<C: FnMut()> Seek for Calling<C> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (self.1)();
        self.0.seek(to)
    }
}

impl<C: FnMut()> Write for Calling<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.1)();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<C: FnMut() + Unpin> AsyncRead for Calling<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        (self.1)();
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<C: FnMut() + Unpin> AsyncSeek for Calling<C> {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        (self.1)();
        Pin::new(&mut self.0).start_seek(to)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(context)
    }
}

impl<C: FnMut() + Unpin> AsyncWrite for Calling<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        (self.1)();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn to() -> UserName {
    UserName::file_helper()
}

fn icon() -> GetIcon {
    GetIcon::new(to())
}

fn upload() -> Upload {
    Upload::new(to(), LocalFile::new("a.zip", 600_000).unwrap())
}

#[test]
fn ureq_callbacks_may_call_the_client() {
    use wechat_transport_ureq::{Client, Transport};

    within_a_minute(|| {
        let place = Place::http(story::world());
        script(&place);
        let known: Arc<OnceLock<Client>> = Arc::default();
        let (clock, in_clock) = (place.clock(), Arc::clone(&known));
        let options = options(&place).clock(move || {
            let _ = in_clock.get().map(|client| client.session().to_json());
            clock()
        });
        let transport = Transport::new(options).unwrap();

        // The progress function of the first client uses a second client of the same transport.
        let first = Client::login(&transport, &mut place.device(), |_| {}).unwrap();
        let stored = first.session();
        let other = Client::resume(&transport, stored).unwrap();
        script(&place);
        let mut device = place.device();
        let client = Client::login(&transport, &mut device, |_| {
            other.session();
            other.directory();
        });
        let client = client.unwrap();
        known.set(client.clone()).unwrap();

        let call = || {
            client.call(SendText::new(to(), "inside")).unwrap();
            client.session();
            client.directory();
            client.next_client_msg_id();
        };
        // Arguments.
        let before = sent(&place);
        client
            .call(RevokeMessage::new(&client.call(SendText::new(to(), "inside")).unwrap()))
            .unwrap();
        let mut source = Calling(Cursor::new(vec![7; 600_000]), call);
        let file = client.upload(&mut upload(), &mut source, |_| call());
        client.call(SendFile::new(to(), &file.unwrap())).unwrap();
        let (head, rest) = client.download(icon()).unwrap();
        let mut sink = Calling(Cursor::default(), call);
        rest.copy_to(&head, &mut sink, 1 << 20, |_| call()).unwrap();
        for message in client.events().manual().messages() {
            call();
            let message = match message {
                Ok(message) => message,
                Err(Error::Stopped) => break,
                Err(error) => panic!("{error:?}"),
            };
            client.acknowledge(&message).unwrap();
            if message.text() == Some("hello") {
                client.stop();
            }
        }
        assert!(sent(&place) >= before + 10, "{}", sent(&place));
        assert!(matches!(client.messages().next(), None | Some(Err(Error::Stopped))));
    });
}

#[test]
fn hyper_callbacks_may_call_the_client() {
    use wechat_transport_hyper::{Client, Transport};

    within_a_minute(|| {
        let place = Place::http(story::world());
        script(&place);
        let known: Arc<OnceLock<Client>> = Arc::default();
        let (clock, in_clock) = (place.clock(), Arc::clone(&known));
        let options = options(&place).clock(move || {
            let _ = in_clock.get().map(|client| client.session().to_json());
            clock()
        });
        let transport = Transport::new(options).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let first = Client::login(&transport, &mut place.device(), |_| {}).await.unwrap();
            let other = Client::resume(&transport, first.session()).unwrap();
            script(&place);
            let mut device = place.device();
            let client = Client::login(&transport, &mut device, |_| {
                other.session();
                other.directory();
            });
            let client = client.await.unwrap();
            known.set(client.clone()).unwrap();

            let call = || {
                let send = client.call(SendText::new(to(), "inside"));
                block_in_place(|| Handle::current().block_on(send)).unwrap();
                client.session();
                client.directory();
                client.next_client_msg_id();
            };
            let before = sent(&place);
            let receipt = client.call(SendText::new(to(), "inside"));
            client.call(RevokeMessage::new(&receipt.await.unwrap())).await.unwrap();
            let source = Calling(Cursor::new(vec![7; 600_000]), call);
            let file = client.upload(&mut upload(), source, |_| call()).await.unwrap();
            client.call(SendFile::new(to(), &file)).await.unwrap();
            let (head, rest) = client.download(icon()).await.unwrap();
            let mut sink = Calling(Cursor::default(), call);
            rest.copy_to(&head, &mut sink, 1 << 20, |_| call()).await.unwrap();
            let mut messages = std::pin::pin!(client.events().manual().messages());
            loop {
                let next = poll_fn(|context| messages.as_mut().poll_next(context));
                let Some(message) = next.await else { break };
                call();
                let message = match message {
                    Ok(message) => message,
                    Err(Error::Stopped) => break,
                    Err(error) => panic!("{error:?}"),
                };
                client.acknowledge(&message).await.unwrap();
                if message.text() == Some("hello") {
                    client.stop();
                }
            }
            assert!(sent(&place) >= before + 8, "{}", sent(&place));
        });
    });
}
