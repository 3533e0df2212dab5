//! A third transport: HTTP/1.1 on `std::net`, with one connection per exchange.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{mem, thread};

use bytes::{Buf as _, Bytes};
use http::{HeaderName, HeaderValue, Method, header};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want};
use wechat_proto::{Device, Error, Flow, Input, Interrupt, Timestamp};
use wechat_simulator::conformance::{Probe, Transport};

pub(crate) struct Plain;

impl Transport for Plain {
    fn run(&self, flow: &mut Probe) -> Result<(), Error> {
        drive(flow, |request| exchange(request, Manner::Careful))
    }
}

/// Runs a flow with the driver loop of [`wechat_proto::flow`].
pub(crate) fn drive<F: Flow<State = Device>>(
    flow: &mut F,
    mut exchange: impl FnMut(Request) -> Result<Response, Failure>,
) -> Result<F::Output, Error> {
    let mut device = Device::new();
    device.mix_seed(seed());
    loop {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        match flow.poll(&mut device, Timestamp::default().after(since)) {
            Ok(output) => return Ok(output),
            Err(Interrupt::Send(request)) => flow.handle(Input::Reply(exchange(*request))),
            Err(Interrupt::Sleep(time)) => thread::sleep(time),
            Err(Interrupt::Fail(error)) => return Err(error),
            // There is no source to read.
            Err(_) => return Err(Error::Source(None)),
        }
    }
}

/// Returns random bytes, for which std has no other source than its hash maps.
pub(crate) fn seed() -> [u8; 32] {
    let words = [0_u64; 4].map(|_| RandomState::new().build_hasher().finish().to_ne_bytes());
    words.concat().try_into().unwrap()
}

/// The mode of the transport: whether it checks the framing and encoding of a body.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Manner {
    Careful,
    /// Accepts truncated bodies, and ignores content codings.
    Careless,
}

/// Exchanges one request for its response.
pub(crate) fn exchange(request: Request, manner: Manner) -> Result<Response, Failure> {
    request.check()?;
    let mut wire = Wire::connect(&request)?;
    wire.send(&request)?;
    let mut reply = loop {
        let reply = wire.head()?;
        // Informational responses are skipped.
        if !reply.status().is_informational() {
            break reply;
        }
    };
    let announced = match flow::announced(reply.headers(), request.want) {
        Ok(announced) => announced,
        Err(_) if manner == Manner::Careless => {
            let length = reply.headers().get(header::CONTENT_LENGTH);
            length.and_then(|length| length.to_str().ok()?.parse().ok())
        }
        Err(failure) => return Err(failure),
    };
    let Want::Whole { limit } = request.want else { return Ok(reply) };
    let bodiless = matches!(reply.status().as_u16(), 204 | 304);
    if bodiless || *request.http.method() == Method::HEAD {
        return Ok(reply);
    }
    let mut body = Vec::new();
    let read = wire.body(reply.headers(), announced, limit, &mut body);
    match read {
        Err(failure) if failure.kind == FailureKind::Truncated && manner == Manner::Careless => {}
        other => other?,
    }
    *reply.body_mut() = body.into();
    Ok(reply)
}

/// A connection with a deadline.
struct Wire {
    stream: TcpStream,
    until: Instant,
    /// Bytes that were read and not yet consumed.
    ahead: Vec<u8>,
}

/// The longest head, and the longest line of a chunk.
const HEAD: usize = 64 << 10;

const fn after(kind: FailureKind) -> Failure {
    Failure::new(kind, Sent::Maybe)
}

impl Wire {
    fn connect(request: &Request) -> Result<Self, Failure> {
        let uri = request.http.uri();
        let host = uri.host().unwrap_or_default().parse::<IpAddr>();
        let host = host.map_err(|_| Failure::new(FailureKind::Resolve, Sent::No))?;
        let address = SocketAddr::new(host, uri.port_u16().unwrap_or(80));
        let until = Instant::now() + request.deadline;
        let stream = TcpStream::connect_timeout(&address, request.deadline).map_err(|error| {
            let late = error.kind() == io::ErrorKind::TimedOut;
            let kind = if late { FailureKind::Timeout } else { FailureKind::Connect };
            Failure::new(kind, Sent::No).because(error)
        })?;
        Ok(Self { stream, until, ahead: Vec::new() })
    }

    /// Returns the time until the deadline.
    fn left(&self) -> Result<Duration, Failure> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(after(FailureKind::Timeout)) } else { Ok(left) }
    }

    fn send(&mut self, request: &Request) -> Result<(), Failure> {
        let uri = request.http.uri();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut head = format!("{} {path} HTTP/1.1\r\n", request.http.method()).into_bytes();
        for (name, value) in request.http.headers() {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        let mut all = Bytes::from(head).chain(request.http.body().clone());
        while all.has_remaining() {
            let left = self.left()?;
            let written = self.stream.set_write_timeout(Some(left));
            match written.and_then(|()| self.stream.write(all.chunk())) {
                Ok(written) => all.advance(written),
                Err(error) => return Err(failure(&error)),
            }
        }
        Ok(())
    }

    /// Reads more bytes; returns 0 at the end.
    fn fill(&mut self) -> Result<usize, Failure> {
        let left = self.left()?;
        let mut buffer = [0; 16 << 10];
        let read = self.stream.set_read_timeout(Some(left));
        let read = read.and_then(|()| self.stream.read(&mut buffer));
        let read = read.map_err(|error| failure(&error))?;
        self.ahead.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    /// Returns the next line without its terminator.
    fn line(&mut self, most: usize, end: FailureKind) -> Result<String, Failure> {
        let mut from = 0;
        loop {
            if let Some(end) = self.ahead[from..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=from + end).collect();
                let line = String::from_utf8_lossy(&line).into_owned();
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            from = self.ahead.len();
            if from > most {
                return Err(after(FailureKind::TooLarge));
            }
            if self.fill()? == 0 {
                return Err(after(end));
            }
        }
    }

    fn head(&mut self) -> Result<Response, Failure> {
        let protocol = || after(FailureKind::Protocol);
        let status = self.line(HEAD, FailureKind::Closed)?;
        let status = status.strip_prefix("HTTP/1.").and_then(|line| line.get(2..5));
        let mut reply = http::Response::builder().status(status.ok_or_else(protocol)?);
        let mut room = HEAD;
        loop {
            let line = self.line(room, FailureKind::Closed)?;
            if line.is_empty() {
                break;
            }
            room = room.checked_sub(line.len()).ok_or(after(FailureKind::TooLarge))?;
            let (name, value) = line.split_once(':').ok_or_else(protocol)?;
            let name: HeaderName = name.parse().map_err(|_| protocol())?;
            let value: HeaderValue = value.trim().parse().map_err(|_| protocol())?;
            if name == header::CONTENT_LENGTH {
                let before = reply.headers_ref().and_then(|all| all.get(&name));
                let number = value.to_str().is_ok_and(|text| text.parse::<u64>().is_ok());
                if !number || before.is_some_and(|before| before != value) {
                    return Err(protocol());
                }
            }
            reply = reply.header(name, value);
        }
        reply.body(Bytes::new()).map_err(|_| protocol())
    }

    fn body(
        &mut self,
        headers: &http::HeaderMap,
        announced: Option<u64>,
        limit: usize,
        body: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        if headers.contains_key(header::TRANSFER_ENCODING) {
            loop {
                let size = self.line(HEAD, FailureKind::Truncated)?;
                let size = size.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16);
                let size = size.map_err(|_| after(FailureKind::Protocol))?;
                if size == 0 {
                    // Trailers are ignored.
                    while !self.line(HEAD, FailureKind::Truncated)?.is_empty() {}
                    return Ok(());
                }
                self.take(Some(size), limit, body)?;
                if !self.line(HEAD, FailureKind::Truncated)?.is_empty() {
                    return Err(after(FailureKind::Protocol));
                }
            }
        }
        self.take(
            announced.map(|length| usize::try_from(length).unwrap_or(usize::MAX)),
            limit,
            body,
        )
    }

    /// Reads `size` bytes, or up to the end of the connection if it is `None`.
    fn take(
        &mut self,
        size: Option<usize>,
        limit: usize,
        body: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let mut left = size.unwrap_or(usize::MAX);
        if size.is_some_and(|size| size > limit - body.len()) {
            return Err(after(FailureKind::TooLarge));
        }
        while left > 0 {
            if self.ahead.is_empty() && self.fill()? == 0 {
                return if size.is_some() { Err(after(FailureKind::Truncated)) } else { Ok(()) };
            }
            let rest = self.ahead.split_off(left.min(self.ahead.len()));
            let part = mem::replace(&mut self.ahead, rest);
            left -= part.len();
            body.extend(part);
            if body.len() > limit {
                return Err(after(FailureKind::TooLarge));
            }
        }
        Ok(())
    }
}

fn failure(error: &io::Error) -> Failure {
    after(match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => FailureKind::Timeout,
        _ => FailureKind::Closed,
    })
}
