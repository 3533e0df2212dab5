//! Application of a fault to a reply.

use std::io::{self, Read as _, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use super::fault::Fault;
use super::wire::Reply;

/// The state of the connection after a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum After {
    Keep,
    Close,
}

/// A session cookie with a wrong value. A client that accepts it from an improper place fails the simulator's cookie
/// check at the next request.
const COOKIE: &str = "set-cookie: wxuin=1; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 GMT\r\n";

/// Sends a reply to the client, with this fault at this place.
pub(super) fn reply(
    client: &mut TcpStream,
    reply: &Reply,
    fault: Option<Fault>,
    place: u64,
) -> io::Result<After> {
    let whole = reply.whole();
    let length = reply.body.len() as u64;
    // The cut may be anywhere before the last byte, also before the first.
    let cut = (place % whole.len() as u64) as usize;
    let Some(fault) = fault else {
        client.write_all(&whole)?;
        return Ok(After::Keep);
    };
    match fault {
        Fault::Delay => {
            thread::sleep(Duration::from_millis(place % 200));
            client.write_all(&whole)?;
        }
        Fault::Drip => drip(client, &whole)?,
        Fault::Twice => client.write_all(&[&whole[..], &whole].concat())?,
        Fault::Informational => {
            let early = format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n{COOKIE}\r\n\
                 HTTP/1.1 102 Processing\r\n{COOKIE}\r\n"
            );
            client.write_all(early.as_bytes())?;
            client.write_all(&whole)?;
        }
        Fault::Trailers => chunked(client, reply, &["trailer: set-cookie"], "", COOKIE)?,
        Fault::Extensions => chunked(client, reply, &[], ";ext=\"a;b\";c", "")?,
        Fault::LengthAndChunks => {
            let wrong = format!("content-length: {}", place % 10_000);
            chunked(client, reply, &[&wrong], "", "")?;
        }
        Fault::LfOnly => {
            let length = format!("content-length: {length}");
            let head = String::from_utf8_lossy(&reply.head(&[&length])).replace("\r\n", "\n");
            client.write_all(head.as_bytes())?;
            client.write_all(&reply.body)?;
        }
        Fault::LengthShort => client.write_all(&reply.announcing(place % length.max(1)))?,
        // The faults below end the connection.
        Fault::CloseIdle => {
            client.write_all(&whole)?;
            thread::sleep(Duration::from_millis(place % 20));
            return close(client);
        }
        Fault::LengthLong => {
            client.write_all(&reply.announcing(length + 1 + place % 1000))?;
            return close(client);
        }
        Fault::Truncate => {
            client.write_all(&whole[..cut])?;
            return close(client);
        }
        // One byte of the request was left unread, so closing resets the connection.
        Fault::Reset => {
            client.write_all(&whole[..cut])?;
            return Ok(After::Close);
        }
        Fault::Encoded => {
            let length = format!("content-length: {length}");
            client.write_all(&reply.head(&["content-encoding: gzip", &length]))?;
            client.write_all(&reply.body)?;
        }
        Fault::Gateway => {
            let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
            let head = format!(
                "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n",
                page.len()
            );
            client.write_all(format!("{head}{page}").as_bytes())?;
        }
        Fault::Huge => {
            client.write_all(&reply.announcing(1 << 53))?;
            outlast(client)?;
            return Ok(After::Close);
        }
        Fault::Endless => {
            client.write_all(&reply.head(&["transfer-encoding: chunked"]))?;
            let chunk = [b"4000\r\n".as_slice(), &[b' '; 0x4000], b"\r\n"].concat();
            loop {
                client.write_all(&chunk)?;
            }
        }
        Fault::SlowHead => {
            let head = reply.head(&[]);
            for byte in head[..head.len() - 2].iter().chain(b"x-slow: ".iter().cycle()) {
                client.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        Fault::Stall => {
            outlast(client)?;
            return Ok(After::Close);
        }
        // A request that never arrived has no reply.
        Fault::CutRequest | Fault::LoseRequest => return Ok(After::Close),
    }
    Ok(After::Keep)
}

fn close(client: &TcpStream) -> io::Result<After> {
    client.shutdown(Shutdown::Both)?;
    Ok(After::Close)
}

/// Sends the first 400 bytes one at a time, and the rest at once.
fn drip(client: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let (slow, rest) = bytes.split_at(bytes.len().min(400));
    for byte in slow {
        client.write_all(&[*byte])?;
        thread::sleep(Duration::from_micros(300));
    }
    client.write_all(rest)
}

fn chunked(
    client: &mut TcpStream,
    reply: &Reply,
    extra: &[&str],
    extension: &str,
    trailers: &str,
) -> io::Result<()> {
    let mut lines = vec!["transfer-encoding: chunked"];
    lines.extend(extra);
    client.write_all(&reply.head(&lines))?;
    client.write_all(&reply.chunked(extension, trailers))
}

/// Discards input until the client closes the connection.
fn outlast(client: &mut TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    while client.read(&mut [0; 1024])? > 0 {}
    Ok(())
}
