//! Downloads of media.

use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use wechat_proto::Error;
use wechat_proto::media::{GetMedia, Head};
use wechat_transport_ureq::Client;

use crate::signals;

/// The pauses before a download is retried, in seconds.
const PAUSES: [u64; 4] = [1, 2, 4, 8];

/// Downloads the media of a message to an empty file, up to `limit` bytes. Transient errors are
/// retried four times. A signal ends the download.
///
/// # Errors
///
/// Those of [`Client::download`] and
/// [`Download::copy_to`](wechat_transport_ureq::Download::copy_to).
pub(crate) fn fetch(
    client: &Client,
    media: &GetMedia,
    file: &mut File,
    limit: u64,
    bar: &ProgressBar,
) -> Result<(Head, u64), Error> {
    let mut once = || -> Result<_, Error> {
        let (head, body) = client.download(media.clone())?;
        file.set_len(0).and_then(|()| file.rewind()).map_err(sink)?;
        if let Some(length) = head.length {
            bar.set_length(length);
        }
        let progress = |bytes| bar.set_position(bytes);
        let size = body.copy_to(&head, &mut Interruptible(file), limit, progress)?;
        Ok((head, size))
    };
    let mut pauses = PAUSES.iter();
    loop {
        let result = once();
        match (&result, pauses.next()) {
            (Err(error), Some(pause)) if error.is_transient() && signals::arrived().is_none() => {
                thread::sleep(Duration::from_secs(*pause));
            }
            _ => return result,
        }
    }
}

fn sink(error: io::Error) -> Error {
    use wechat_proto::error::{Failure, FailureKind, Sent};

    Error::Sink(Failure::new(FailureKind::Sink, Sent::Maybe).because(error))
}

/// A writer that fails once a signal has arrived.
struct Interruptible<'a>(&'a mut File);

impl Write for Interruptible<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        super::steps::step();
        match signals::arrived() {
            // The kind is not `Interrupted`, which `write_all` ignores.
            Some(_) => Err(io::Error::other("ended by a signal")),
            None => self.0.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
