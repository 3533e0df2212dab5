//! Connections between commands of one user: a Unix socket, or a port of the loopback interface where
//! there is none.
//!
//! All users of the machine can connect to a port. Both sides therefore prove that they can read the
//! key beside the session, which is never sent.

use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::NamedTempFile;

use crate::exit::Failure;
use crate::notes::{beside, private_folder};

/// The port of a process that holds a session, in the file `port` of its folder.
#[derive(Serialize, Deserialize)]
struct Port {
    port: u16,
    key: [u8; 32],
}

/// The listener of a process that holds a session.
pub(super) struct Listener {
    socket: Socket,
    /// The key of a port.
    key: Option<[u8; 32]>,
}

/// The time limit of the proofs.
const LIMIT: Duration = Duration::from_secs(5);

/// Connects to the process that holds a session. Returns `None` if it does not listen (yet).
pub(super) fn connect(session: &Path) -> Option<Socket> {
    let folder = beside(session, "d");
    is_private(&folder).then_some(())?;
    #[cfg(unix)]
    if let Ok(socket) = unix(&folder, Socket::connect) {
        return Some(socket);
    }
    let Port { port, key } = serde_json::from_slice(&fs::read(folder.join("port")).ok()?).ok()?;
    let socket = loopback(port, Socket::connect).ok()?;
    prove(&socket, &key).ok()?;
    Some(socket)
}

impl Listener {
    /// Listens in a folder beside a session, which this process holds.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if others can enter the folder, or neither a
    /// socket nor a port can be created.
    pub(super) fn bind(session: &Path) -> Result<Self, Failure> {
        let folder = beside(session, "d");
        let failed = |error: io::Error| Failure::file(&folder, &error);
        private_folder(&folder).map_err(failed)?;
        if !is_private(&folder) {
            // The folder may belong to another user, who could receive the commands.
            let text = "must be your own folder, closed to others (mode 0700)";
            return Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, text)));
        }
        // Fails if the file system does not support sockets, or if the path is too long for one.
        #[cfg(unix)]
        if let Ok(socket) = bind_unix(&folder) {
            return Ok(Self { socket, key: None });
        }
        Self::bind_loopback(&folder).map_err(failed)
    }

    fn bind_loopback(folder: &Path) -> io::Result<Self> {
        let socket = loopback(0, Socket::bind)?;
        socket.listen(128)?;
        let port = socket.local_addr()?.as_socket().map_or(0, |address| address.port());
        let key = random()?;
        let file = NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&file, &Port { port, key })?;
        file.persist(folder.join("port"))?;
        Ok(Self { socket, key: Some(key) })
    }

    /// Waits for a connection, whose other side is yet to be [verified](Self::verify).
    pub(super) fn accept(&self) -> Socket {
        loop {
            match self.socket.accept() {
                Ok((stream, _)) => return stream,
                // For instance, too many files are open.
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Verifies that the other side can read the key.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) if it cannot, or those of the connection.
    pub(super) fn verify(&self, mut stream: &Socket) -> io::Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        stream.set_read_timeout(Some(LIMIT))?;
        let (mut theirs, own) = ([0; 32], random()?);
        stream.read_exact(&mut theirs)?;
        stream.write_all(&own)?;
        stream.write_all(&proof(key, "holder", &theirs, &own).finalize().into_bytes())?;
        check(proof(key, "command", &theirs, &own), stream)?;
        stream.set_read_timeout(None)
    }
}

/// Proves to a listener that this process can read the key, after the listener has proved the same.
fn prove(mut stream: &Socket, key: &[u8; 32]) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let (own, mut theirs) = (random()?, [0; 32]);
    stream.write_all(&own)?;
    stream.read_exact(&mut theirs)?;
    check(proof(key, "holder", &own, &theirs), stream)?;
    stream.write_all(&proof(key, "command", &own, &theirs).finalize().into_bytes())
}

/// Returns the proof of one side: the code of both random numbers, first that of the command.
fn proof(key: &[u8; 32], side: &str, command: &[u8; 32], holder: &[u8; 32]) -> Hmac<Sha256> {
    let code = Hmac::new_from_slice(key).expect("a key of any length");
    code.chain_update(side).chain_update(command).chain_update(holder)
}

/// Reads a proof and compares it with the expected one.
fn check(expected: Hmac<Sha256>, mut stream: &Socket) -> io::Result<()> {
    let mut found = [0; 32];
    stream.read_exact(&mut found)?;
    expected.verify(&found.into()).map_err(|_| io::ErrorKind::PermissionDenied.into())
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Binds or connects a socket to a port of the loopback interface.
fn loopback(port: u16, to: fn(&Socket, &SockAddr) -> io::Result<()>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    to(&socket, &std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

/// Binds or connects a Unix socket in a folder.
#[cfg(unix)]
fn unix(folder: &Path, to: fn(&Socket, &SockAddr) -> io::Result<()>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    to(&socket, &SockAddr::unix(folder.join("s"))?)?;
    Ok(socket)
}

/// Binds the Unix socket in place of that of a process that has ended.
#[cfg(unix)]
fn bind_unix(folder: &Path) -> io::Result<Socket> {
    match fs::remove_file(folder.join("s")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = unix(folder, Socket::bind)?;
    socket.listen(128)?;
    Ok(socket)
}

/// Returns whether a folder is this user's, and closed to all others.
#[cfg(unix)]
fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    fs::symlink_metadata(folder).is_ok_and(|data| {
        let is_own = data.uid() == rustix::process::geteuid().as_raw();
        data.is_dir() && data.mode() & 0o077 == 0 && is_own
    })
}

/// Returns whether the folder exists. On Windows, a user's profile is closed to other users.
#[cfg(not(unix))]
fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|data| data.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(folder: &Path) -> (Listener, [u8; 32]) {
        let listener = Listener::bind_loopback(folder).unwrap();
        let key = listener.key.unwrap();
        (listener, key)
    }

    /// Connects two sides with their keys, and returns the result of each.
    fn meet(of_listener: [u8; 32], of_command: [u8; 32]) -> [Result<(), io::ErrorKind>; 2] {
        let folder = tempfile::tempdir().unwrap();
        let (mut listener, _) = listen(folder.path());
        listener.key = Some(of_listener);
        let address = listener.socket.local_addr().unwrap();
        let command = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        command.connect(&address).unwrap();
        let other = thread::spawn(move || {
            let stream = listener.accept();
            listener.verify(&stream).map_err(|error| error.kind())
        });
        let found = prove(&command, &of_command).map_err(|error| error.kind());
        drop(command);
        [found, other.join().unwrap()]
    }

    #[test]
    fn sides_with_the_same_key_connect() {
        assert_eq!(meet([7; 32], [7; 32]), [Ok(()), Ok(())]);
    }

    #[test]
    fn command_with_another_key_is_refused() {
        let [command, listener] = meet([7; 32], [8; 32]);
        assert_eq!(command, Err(io::ErrorKind::PermissionDenied));
        // The command does not answer a listener that has another key.
        assert_eq!(listener, Err(io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn reflected_proof_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, _) = listen(folder.path());
        let mut command = &Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        command.connect(&listener.socket.local_addr().unwrap()).unwrap();
        let other = thread::spawn(move || listener.verify(&listener.accept()));
        command.write_all(&[1; 32]).unwrap();
        let mut reply = [0; 64];
        command.read_exact(&mut reply).unwrap();
        // The proof of the listener is sent back.
        command.write_all(&reply[32..]).unwrap();
        assert_eq!(other.join().unwrap().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("session");
        let folder = beside(&session, "d");
        private_folder(&folder).unwrap();
        let (_listener, key) = listen(&folder);
        let file = folder.join("port");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let port: Port = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(port.key, key);
    }
}
