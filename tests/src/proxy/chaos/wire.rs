//! Requests and replies, as bytes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

/// The head of a request that has arrived and not been read.
pub(super) struct Head {
    pub(super) endpoint: String,
    /// The length of the head, including its empty line.
    pub(super) length: usize,
    /// The length of head and body.
    pub(super) total: usize,
}

impl Head {
    /// Waits for a head without consuming it. Returns `None` if the client closes the connection.
    pub(super) fn peek(client: &TcpStream) -> io::Result<Option<Self>> {
        let mut buffer = vec![0; 64 << 10];
        let mut before = 0;
        loop {
            let amount = client.peek(&mut buffer)?;
            if amount == 0 {
                return Ok(None);
            }
            if let Some(length) = end_of_head(&buffer[..amount]) {
                let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let path = head.split([' ', '?']).nth(1).unwrap_or_default();
                let endpoint = path.rsplit('/').next().unwrap_or_default().to_owned();
                let body = number(&head, "content-length").unwrap_or(0);
                return Ok(Some(Self { endpoint, length, total: length + body }));
            }
            if amount == before {
                // `peek` returns at once while bytes are unread.
                thread::sleep(Duration::from_millis(1));
            }
            before = amount;
        }
    }

    /// Reads `amount` bytes of the request.
    pub(super) fn read(&self, client: &mut TcpStream, amount: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; amount];
        client.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns whether its reply is binary data, in which missing bytes cannot be detected.
    pub(super) fn is_media(&self) -> bool {
        ["webwxgetmsgimg", "webwxgetmedia", "webwxgetvideo", "webwxgetvoice", "webwxgeticon"]
            .contains(&&*self.endpoint)
    }
}

/// A whole reply.
pub(super) struct Reply {
    /// The status line.
    pub(super) status: String,
    /// The headers without those that frame the body.
    pub(super) headers: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Sends a request to the server on a new connection and reads the reply.
    pub(super) fn of(server: SocketAddr, request: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.write_all(request)?;
        let mut bytes = Vec::new();
        let length = loop {
            if let Some(length) = end_of_head(&bytes) {
                break length;
            }
            more(&mut stream, &mut bytes)?;
        };
        let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let mut body = bytes.split_off(length);
        // The server announces the length of every body.
        let announced = number(&head, "content-length").unwrap_or(0);
        while body.len() < announced {
            more(&mut stream, &mut body)?;
        }
        let mut lines = head.lines().filter(|line| !line.is_empty()).map(str::to_owned);
        let status = lines.next().unwrap_or_default();
        let is_framing = |line: &String| line.to_ascii_lowercase().starts_with("content-length:");
        let headers = lines.filter(|line| !is_framing(line)).collect();
        Ok(Self { status, headers, body })
    }

    /// Returns the head with these extra lines and the empty line at its end.
    pub(super) fn head(&self, extra: &[&str]) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.status);
        for line in self.headers.iter().map(String::as_str).chain(extra.iter().copied()) {
            head += line;
            head += "\r\n";
        }
        head += "\r\n";
        head.into_bytes()
    }

    /// Returns the unmodified reply.
    pub(super) fn whole(&self) -> Vec<u8> {
        self.announcing(self.body.len() as u64)
    }

    /// Returns the reply with this `content-length`.
    pub(super) fn announcing(&self, length: u64) -> Vec<u8> {
        let mut bytes = self.head(&[&format!("content-length: {length}")]);
        bytes.extend(&self.body);
        bytes
    }

    /// Returns the body in chunks, with this extension after each size, and these trailers.
    pub(super) fn chunked(&self, extension: &str, trailers: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for chunk in self.body.chunks(700) {
            bytes.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("0{extension}\r\n{trailers}\r\n").bytes());
        bytes
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|start| start + 4)
}

fn number(head: &str, name: &str) -> Option<usize> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(header, _)| header.eq_ignore_ascii_case(name))?;
    value.trim().parse().ok()
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    match stream.read(&mut buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => {
            bytes.extend_from_slice(&buffer[..read]);
            Ok(())
        }
    }
}
