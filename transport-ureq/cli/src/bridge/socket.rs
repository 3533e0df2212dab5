//! The bridge on a Unix socket, offered by the commands that hold a session until they are ended.

use std::path::Path;
use std::sync::Arc;

use wechat_transport_ureq::Client;

use super::service::Service;
use crate::drop::ledger::Ledger;
use crate::exit::Failure;
use crate::output::Output;

/// The bridge of a command with events of its own. Dropping it waits for the operations in progress.
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
        listen(&service, session, output)?;
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

#[cfg(unix)]
pub(super) use unix::listen;

/// Does nothing: this platform has no socket.
#[cfg(not(unix))]
pub(super) fn listen(_: &Arc<Service>, _: &Path, _: &Output) -> Result<(), Failure> {
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder};
    use std::io::{self, BufReader, Write as _};
    use std::os::unix::fs::DirBuilderExt as _;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread;

    use crate::bridge::holder::{NAME, folder, is_private};
    use crate::bridge::lines;
    use crate::bridge::operation::Operation;
    use crate::bridge::service::{Request, Service};
    use crate::exit::Failure;
    use crate::lang::Words;
    use crate::output::Output;

    /// The maximum number of connections. Further ones are closed.
    const CONNECTIONS: usize = 128;
    /// The longest name of a socket that all systems support, in bytes.
    const LONGEST: usize = 103;

    /// Offers the service on the socket beside the session, which this process holds.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if the socket cannot be created.
    pub(in crate::bridge) fn listen(
        service: &Arc<Service>,
        session: &Path,
        output: &Output,
    ) -> Result<(), Failure> {
        let folder = folder(session);
        let path = folder.join(NAME);
        if path.as_os_str().len() > LONGEST {
            output.remark(&Words::new(
                "The path of the session is too long for a socket: other commands have to wait for this one.",
                "会话文件的路径过长，无法创建套接字：其他命令需等待此命令结束。",
            ));
            return Ok(());
        }
        let listener = match bind(&folder, &path) {
            Ok(listener) => listener,
            // The folder of another user, who could receive the commands.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Failure::file(&folder, &error));
            }
            // Some file systems have no sockets.
            Err(error) => {
                output.remark(&Words::new(
                    format!(
                        "No socket for other commands, which have to wait for this one: {error}."
                    ),
                    format!("无法创建套接字，其他命令需等待此命令结束：{error}。"),
                ));
                return Ok(());
            }
        };
        let (service, open) = (Arc::clone(service), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (service, open) = (Arc::clone(&service), Arc::clone(&open));
                if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
                    open.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                thread::spawn(move || {
                    // Fails if the other side has disconnected.
                    let _ = serve(&service, &stream);
                    open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Ok(())
    }

    /// Binds the socket in place of that of a process that has ended.
    fn bind(folder: &Path, path: &Path) -> io::Result<UnixListener> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ if !is_private(folder) => {
                let text = "must be your own folder, closed to others (mode 0700)";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
            }
            _ => {}
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => UnixListener::bind(path),
        }
    }

    fn serve(service: &Arc<Service>, stream: &UnixStream) -> io::Result<()> {
        let writer = Arc::new(Mutex::new(stream.try_clone()?));
        let write = |line: &str| {
            let mut stream = writer.lock().unwrap_or_else(PoisonError::into_inner);
            stream.write_all([line, "\n"].concat().as_bytes())
        };
        let mut reader = BufReader::new(stream);
        while let Some(line) = lines::read(&mut reader)? {
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
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                });
            }
        }
        Ok(())
    }
}
