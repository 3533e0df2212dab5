//! Parses forms with an independent library.

extern crate alloc;

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::convert::Infallible;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use futures_core::Stream;

/// A part of a form.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// The raw `Content-Disposition`.
    pub(crate) disposition: String,
    pub(crate) mime: Option<String>,
    pub(crate) bytes: Bytes,
}

impl Part {
    /// Returns the raw name of the file, between its quotes.
    pub(crate) fn file_name(&self) -> Option<&str> {
        self.disposition.split_once("; filename=\"")?.1.strip_suffix('"')
    }

    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.bytes).unwrap()
    }
}

/// A body that is complete in memory.
struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// Parses the parts of a form, in order.
pub(crate) fn parts(boundary: &str, body: Bytes) -> Vec<Part> {
    let end = alloc::format!("\r\n--{boundary}--\r\n");
    assert!(body.starts_with(alloc::format!("--{boundary}\r\n").as_bytes()));
    assert!(body.ends_with(end.as_bytes()));
    let read = async {
        let mut form = multer::Multipart::new(Once(Some(body)), boundary);
        let mut parts = Vec::new();
        while let Some(field) = form.next_field().await.unwrap() {
            let header = |name| {
                let value = field.headers().get(name)?;
                Some(core::str::from_utf8(value.as_bytes()).unwrap().to_owned())
            };
            let (name, mime) = (field.name().unwrap().to_string(), header("content-type"));
            let disposition = header("content-disposition").unwrap();
            assert_eq!(field.headers().len(), 1 + usize::from(mime.is_some()));
            parts.push(Part { name, disposition, mime, bytes: field.bytes().await.unwrap() });
        }
        parts
    };
    let mut read = pin!(read);
    // The body is complete, so this never blocks.
    for _ in 0..10_000 {
        if let Poll::Ready(parts) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return parts;
        }
    }
    panic!("the form does not end")
}

/// Parses the parts of a request with a form.
pub(crate) fn form<B: Buf + Clone>(http: &http::Request<B>) -> Vec<Part> {
    let kind = http.headers()["content-type"].to_str().unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let mut body = http.body().clone();
    let length = body.remaining();
    parts(boundary, body.copy_to_bytes(length))
}
