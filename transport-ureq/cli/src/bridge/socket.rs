//! The bridge on a Unix socket, offered by the commands that hold a session until they end.

use std::io::{self, BufReader, Write as _};
use std::net::Shutdown;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use socket2::Socket;
use wechat_transport_ureq::Client;

use super::lines;
use super::local::Listener;
use super::operation::Operation;
use super::service::{Request, Service};
use crate::drop::ledger::Ledger;
use crate::exit::Failure;
use crate::output::Output;

/// The bridge of a command with its own events. Dropping it waits for the operations in progress, and
/// for their replies.
#[derive(Debug)]
pub(crate) struct Offer(Arc<Service>);

impl Offer {
    /// Offers the bridge of a command's client.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if its notes cannot be read, or its socket
    /// cannot be created.
    pub(crate) fn new(
        client: &Client,
        session: &Path,
        ledger: Ledger,
        command: &'static str,
        output: &Output,
    ) -> Result<Self, Failure> {
        let service = Service::open(session, command, output)?;
        service.begin(client, session, ledger)?;
        listen(&service, session)?;
        Ok(Self(service))
    }

    /// Returns the service, for its events.
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.0
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// The maximum number of connections. Further ones are closed.
const CONNECTIONS: usize = 128;

/// Offers the service beside the session, which this process holds.
///
/// # Errors
///
/// Those of [`Listener::bind`].
pub(super) fn listen(service: &Arc<Service>, session: &Path) -> Result<(), Failure> {
    let listener = Arc::new(Listener::bind(session)?);
    let (service, open) = (Arc::clone(service), Arc::new(AtomicUsize::new(0)));
    thread::spawn(move || {
        loop {
            let stream = listener.accept();
            if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (service, open) = (Arc::clone(&service), Arc::clone(&open));
            let listener = Arc::clone(&listener);
            thread::spawn(move || {
                // Fails if the other side has disconnected.
                let _ = listener.verify(&stream).and_then(|()| serve(&service, &stream));
                open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    Ok(())
}

fn serve(service: &Arc<Service>, stream: &Socket) -> io::Result<()> {
    let writer = Arc::new(Mutex::new(stream.try_clone()?));
    let write = |line: &str| {
        let mut stream = writer.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all([line, "\n"].concat().as_bytes())
    };
    let mut reader = BufReader::new(stream);
    while let Some(line) = lines::read(&mut reader)? {
        let writing = service.writing();
        let request = Request::parse(&line);
        let Some(reply) = service.serve(&request, false, || write(&request.accepted()).is_ok())
        else {
            break;
        };
        write(&reply)?;
        if matches!(request.operation, Ok(Operation::Events(_)))
            && let Ok(mut events) = service.hub.subscribe(false)
        {
            let writer = Arc::clone(&writer);
            thread::spawn(move || {
                while let Some(line) = events.blocking_recv() {
                    let mut stream = writer.lock().unwrap_or_else(PoisonError::into_inner);
                    if stream.write_all([&*line, "\n"].concat().as_bytes()).is_err() {
                        break;
                    }
                }
                // Disconnects an observer that was too slow.
                let stream = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = stream.shutdown(Shutdown::Both);
                drop(writing);
            });
        }
    }
    Ok(())
}
