//! The service, in a child process: it compares uploaded bytes with the file, and discards them.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{fs, mem, thread};

use crate::shared::Result;

/// A reply with the values of each endpoint.
const REPLY: &str = r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MediaId":"","AESKey":"0c1d","Signature":"s=","MsgID":"1","LocalID":"1"}"#;

/// The data received since the last report.
#[derive(Default)]
struct Received {
    length: usize,
    is_different: bool,
    /// The MD5 that the last form announced.
    md5: String,
}

/// Serves until stdin ends. Prints its origin, and for each line of stdin the data received since the previous one.
pub(crate) fn serve(file: &Path) -> Result<()> {
    let (expected, received) = (fs::read(file)?, Mutex::new(Received::default()));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    thread::scope(|scope| {
        let (expected, received) = (&expected, &received);
        scope.spawn(move || {
            for stream in listener.incoming().map_while(io::Result::ok) {
                scope.spawn(move || connection(&stream, expected, received));
            }
        });
        for _ in io::stdin().lock().lines().map_while(io::Result::ok) {
            let Received { length, is_different, md5 } =
                mem::take(&mut *received.lock().unwrap_or_else(PoisonError::into_inner));
            let same = if is_different { "other" } else { "same" };
            println!("{length} {same} bytes, MD5 {md5}");
        }
        // The threads of the connections do not end by themselves.
        std::process::exit(0)
    })
}

/// Answers requests, and adds their files to the received data.
fn connection(stream: &TcpStream, expected: &[u8], received: &Mutex<Received>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::with_capacity(256 << 10, stream), stream);
    loop {
        let head = lines(&mut reader, |line| line == "\r\n")?;
        if head.is_empty() {
            return Ok(());
        }
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|line| line.0.eq_ignore_ascii_case(name)).map_or("", |line| line.1)
        };
        let length = header("content-length").parse().map_err(io::Error::other)?;
        let mut body = reader.by_ref().take(length);
        if let Some((_, boundary)) = header("content-type").split_once("boundary=") {
            let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
            let mut is_file = false;
            let form = lines(&mut body, |line| {
                is_file |= line.contains("; filename=\"");
                is_file && line == "\r\n"
            })?;
            if let Some((_, rest)) = form.split_once("\"FileMd5\":\"") {
                received.md5 = rest.chars().take(32).collect();
            }
            // The boundary is followed by two hyphens, and between line ends and two hyphens.
            let end = boundary.len() as u64 + 8;
            let mut content = body.by_ref().take(length - form.len() as u64 - end);
            loop {
                let piece = content.fill_buf()?;
                let (length, start) = (piece.len(), received.length);
                if length == 0 {
                    break;
                }
                received.length += length;
                received.is_different |= expected.get(start..start + length) != Some(piece);
                content.consume(length);
            }
        }
        io::copy(&mut body, &mut io::sink())?;
        let reply = if head.contains("webwxuploadmedia") {
            REPLY.replace("\"MediaId\":\"\"", "\"MediaId\":\"@crypt_1\"")
        } else {
            REPLY.to_owned()
        };
        let length = reply.len();
        write!(writer, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")?;
        write!(writer, "content-length: {length}\r\n\r\n{reply}")?;
    }
}

/// Reads lines up to a last one.
fn lines(reader: &mut impl BufRead, mut is_last: impl FnMut(&str) -> bool) -> io::Result<String> {
    let mut lines = String::new();
    loop {
        let start = lines.len();
        if reader.read_line(&mut lines)? == 0 || is_last(&lines[start..]) {
            return Ok(lines);
        }
    }
}
