//! Multipart forms with a file, in the format of a browser.

use alloc::string::String;
use core::fmt::{self, Write as _};

use bytes::Bytes;

use crate::body::Body;
use crate::rng::Generator;

/// A builder of a form: its fields, then one file.
///
/// Names are written as raw UTF-8, never as `filename*=`, which the service refuses
/// (`docs/protocol.md` §6.7). As in browsers (the multipart encoding of the HTML standard), the
/// three characters that would end a name are percent-encoded.
pub(super) struct Form {
    boundary: String,
    head: String,
}

/// Formats a name, with the characters that would end it percent-encoded.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '"' => f.write_str("%22"),
            '\r' => f.write_str("%0D"),
            '\n' => f.write_str("%0A"),
            c => f.write_char(c),
        })
    }
}

impl Form {
    /// Returns an empty form with a boundary like Chrome's, a fixed prefix and 16 random letters
    /// and digits: `docs/threats.md` U2.
    pub(super) fn new(rng: &mut Generator) -> Self {
        let boundary = ["----WebKitFormBoundary", &rng.letters(16)].concat();
        // The fields take about 2 KB.
        Self { boundary, head: String::with_capacity(4096) }
    }

    pub(super) fn boundary(&self) -> &str {
        &self.boundary
    }

    fn part(&mut self, name: &str) {
        // Writing to a string cannot fail, here and below.
        let _ = write!(
            self.head,
            "--{}\r\nContent-Disposition: form-data; name=\"{}\"",
            self.boundary,
            Quoted(name)
        );
    }

    /// Adds a field.
    pub(super) fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.part(name);
        let _ = write!(self.head, "\r\n\r\n{value}\r\n");
        self
    }

    /// Ends the form with a file, whose bytes are shared, not copied.
    pub(super) fn file(mut self, name: &str, file_name: &str, mime: &str, bytes: Bytes) -> Body {
        self.part(name);
        let file_name = Quoted(file_name);
        let _ = write!(self.head, "; filename=\"{file_name}\"\r\nContent-Type: {mime}\r\n\r\n");
        let mut tail = String::with_capacity(self.boundary.len() + 8);
        let _ = write!(tail, "\r\n--{}--\r\n", self.boundary);
        Body::framed(self.head.into(), bytes, tail.into())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::Buf as _;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::form::parts;

    proptest! {
        /// Threats U1, U2: any content is parsed back by an independent parser, and the file is not
        /// copied.
        #[test]
        fn form_round_trips(
            seed in any::<[u8; 32]>(),
            values in any::<[String; 2]>(),
            file_name in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]{0,60}",
            bytes in any::<Vec<u8>>(),
        ) {
            let form = Form::new(&mut Generator::new(seed));
            let boundary = form.boundary.clone();
            prop_assert!(boundary.len() == 38 && boundary[22..].bytes().all(|b| b.is_ascii_alphanumeric()));
            let shared = Bytes::from(bytes.clone());
            let mut body = form
                .with("a", &values[0])
                .with("b", &values[1])
                .file("filename", &file_name, "image/png", shared.clone());
            let length = body.len();
            let mut whole = Vec::new();
            let mut uncopied = shared.is_empty();
            while body.has_remaining() {
                uncopied |= body.chunk().as_ptr() == shared.as_ptr();
                whole.extend_from_slice(body.chunk());
                body.advance(body.chunk().len());
            }
            prop_assert!(uncopied);
            prop_assert_eq!(whole.len(), length);
            let parts = parts(&boundary, whole.into());
            prop_assert_eq!(parts.len(), 3);
            for (part, value) in parts.iter().zip(&values) {
                prop_assert_eq!(&part.bytes[..], value.as_bytes());
                prop_assert_eq!((&part.mime, part.file_name()), (&None, None));
            }
            let file = &parts[2];
            let quoted = file_name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
            prop_assert_eq!(file.file_name(), Some(&*quoted));
            prop_assert_eq!(file.mime.as_deref(), Some("image/png"));
            prop_assert_eq!(&file.bytes[..], &bytes[..]);
        }
    }
}
