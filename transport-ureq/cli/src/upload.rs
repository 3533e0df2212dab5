//! Local files to send.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use wechat_proto::media::{LocalFile, Upload, UploadProgress};
use wechat_proto::message::SendUpload;
use wechat_proto::{Error, UserName};
use wechat_transport_ureq::{Client, OutgoingFile};

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::visible::visible;

/// Opens a file to be sent, with its description for the service.
///
/// # Errors
///
/// [`Exit::LocalFile`] if it is not a file that can be read, or if the service cannot represent its
/// name.
pub(crate) fn open(path: &Path, file: &OutgoingFile) -> Result<(File, LocalFile), Failure> {
    file.open().map_err(|error| {
        let Error::Source(Some(cause)) = &error else { return error.into() };
        if !path.is_dir() {
            return Failure::of_file(path, cause);
        }
        let shown = visible(&path.to_string_lossy());
        let (en, zh) = (format!("{shown} is a folder"), format!("{shown} 是文件夹"));
        Failure::new(Exit::LocalFile, en, zh).hint(
            "pack it first, for example with `tar` or `zip`",
            "请先打包，例如使用 `tar` 或 `zip`",
        )
    })
}

/// Returns the text of an argument, or of standard input for `-`, without its last line break.
///
/// # Errors
///
/// [`Exit::Usage`] if it is empty; [`Exit::LocalFile`] if standard input is not UTF-8.
pub(crate) fn text(argument: &str) -> Result<String, Failure> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        io::stdin().read_to_string(&mut text).map_err(Failure::stdin)?;
        let end = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(end);
    }
    if text.is_empty() {
        return Err(Failure::new(Exit::Usage, "an empty text cannot be sent", "不能发送空文本"));
    }
    Ok(text)
}

/// Formats a length: `3.10 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

/// Uploads a file, and returns the request that sends it. Shows a progress bar if there is an output
/// and it is a terminal.
///
/// # Errors
///
/// Those of [`Client::upload`].
pub(crate) fn upload(
    client: &Client,
    to: UserName,
    (mut source, file): (File, LocalFile),
    output: Option<&Output>,
) -> Result<SendUpload, Failure> {
    let bar = match output {
        Some(output) => bar(file.size(), file.name(), output),
        None => ProgressBar::hidden(),
    };
    let mut upload = Upload::new(to.clone(), file);
    let uploaded = client.upload(&mut upload, &mut source, |step| {
        if let UploadProgress::Sent { sent, .. } = step {
            bar.set_position(*sent);
        }
    });
    bar.finish_and_clear();
    Ok(SendUpload::new(to, &uploaded?))
}

/// Returns a progress bar on standard error, hidden if that is not a terminal.
pub(crate) fn bar(size: u64, name: &str, output: &Output) -> ProgressBar {
    let target = match output.json {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    };
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";
    let style = ProgressStyle::with_template(template).expect("a valid template");
    ProgressBar::with_draw_target(Some(size), target).with_style(style).with_message(visible(name))
}
