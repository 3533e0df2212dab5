//! Parsing of multipart forms.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyDataStream, Full};

/// One part of a form.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Part {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns a header as received.
    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).map_or(&[][..], |value| value.as_bytes());
        String::from_utf8_lossy(value).into_owned()
    }
}

/// Returns the parts in order, or a description of the form's fault.
pub(crate) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, String> {
    let boundary = multer::parse_boundary(content_type).map_err(|error| error.to_string())?;
    let (start, end) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
    // A parser skips bytes before or after the form.
    if !body.starts_with(start.as_bytes()) || !body.ends_with(end.as_bytes()) {
        return Err("does not begin and end with its boundary".to_owned());
    }
    let read = async {
        let whole = BodyDataStream::new(Full::new(body.clone()));
        let mut form = multer::Multipart::new(whole, boundary);
        let mut parts = Vec::new();
        while let Some(field) = form.next_field().await? {
            let name = field.name().unwrap_or_default().to_owned();
            let headers = field.headers().clone();
            parts.push(Part { name, headers, bytes: field.bytes().await? });
        }
        Ok::<_, multer::Error>(parts)
    };
    let mut read = pin!(read);
    // The body is complete, so that a form of a few parts needs only a few polls.
    for _ in 0..1000 {
        if let Poll::Ready(parts) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return parts.map_err(|error| error.to_string());
        }
    }
    Err("does not end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=abc";
    const FORM: &str = "--abc\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n--abc\r\nContent-Disposition: form-data; name=\"f\"; filename=\"报告.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--ab\r\n--abc--\r\n";

    #[test]
    fn parts_are_in_order() {
        let parts = parts(KIND, &Bytes::from(FORM)).expect("a form");
        let [a, f] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!((&*a.name, &*a.text()), ("a", "1\r\n2"));
        assert_eq!(f.header("content-disposition"), "form-data; name=\"f\"; filename=\"报告.png\"");
        assert_eq!((&*f.header("content-type"), &*f.text()), ("image/png", "\r\n--ab"));
    }

    #[test]
    fn malformed_forms_are_refused() {
        for (kind, form) in [
            ("multipart/form-data", FORM.to_owned()),
            ("multipart/form-data; boundary=abd", FORM.to_owned()),
            ("application/json", FORM.to_owned()),
            (KIND, String::new()),
            (KIND, format!("x\r\n{FORM}")),
            (KIND, format!("{FORM}x")),
            (KIND, FORM.replace("--abc--", "--abc")),
        ] {
            assert!(parts(kind, &Bytes::from(form.clone())).is_err(), "{kind}: {form}");
        }
    }
}
