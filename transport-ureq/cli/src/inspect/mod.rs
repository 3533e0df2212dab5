//! `wechat inspect`: timelines of a browser's capture or a single reply.

mod canonical;
mod contacts;
mod fields;
mod har;
mod html;
mod input;
mod mask;
mod meaning;
mod messages;
mod redact;
mod replies;
mod request;
mod row;
mod secrets;
mod single;
mod state;
mod summary;
mod texts;
mod timeline;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use wechat_proto::UserName;

use self::input::Input;
use self::mask::Masks;
use self::timeline::Timeline;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::visible::visible;

pub(crate) use self::trace::record;

/// Decode a browser's capture (HAR) or a single reply
///
/// Shows the meaning of each request and its reply, with the names of contacts.
/// Secrets are masked, equal ones by equal masks.
///
/// Examples:
///   wechat inspect wx.qq.com.har
///   wechat inspect --redact shareable.har wx.qq.com.har
///   wechat inspect --html timeline.html wx.qq.com.har
///   wechat inspect webwxsync-reply.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Inspect {
    /// HAR files, or files with one reply, message or contact; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The `UserName` of the account, if the capture does not show it
    #[arg(long, value_name = "@NAME")]
    me: Option<UserName>,
    /// Write a copy without secrets, account numbers and calls to other services; names and texts
    /// of chats are kept
    #[arg(long, value_name = "OUT.har")]
    redact: Option<PathBuf>,
    /// Mask names and texts in the copy as well, and leave out pictures and files
    #[arg(long, requires = "redact")]
    mask_texts: bool,
    /// Write the timeline as a page
    #[arg(long, value_name = "OUT.html")]
    html: Option<PathBuf>,
}

/// Decodes files, and prints or writes their timeline.
pub(crate) fn run(inspect: &Inspect, output: &Output) -> Result<Exit, Failure> {
    let mut inputs = Vec::new();
    for path in &inspect.files {
        inputs.push((path, input::read(path)?));
    }
    let written: Vec<_> = [&inspect.redact, &inspect.html].into_iter().flatten().collect();
    for path in &written {
        check_output(path, &inspect.files)?;
    }
    let mut masks = Masks::default();
    let mut timeline = Timeline::default();
    for (path, input) in &inputs {
        timeline.add(path, input, inspect.me.as_ref(), &mut masks)?;
    }
    timeline.secrets = masks.secrets();
    if let Some(path) = &inspect.redact {
        let [(_, Input::Har(document))] = &mut *inputs else {
            return Err(Failure::new(
                Exit::Usage,
                "`--redact` copies a single HAR file",
                "`--redact` 只能处理一个 HAR 文件",
            ));
        };
        if inspect.mask_texts {
            texts::mask(document);
        }
        let copy = redact::copy(document, &mut Masks::default());
        write(path, copy.to_string().as_bytes())?;
    }
    if let Some(path) = &inspect.html {
        write(path, html::page(&timeline, output.lang).as_bytes())?;
    }
    if inspect.redact.is_none() && inspect.html.is_none() {
        for row in &timeline.rows {
            output.result("exchange", row, |_| row.to_string())?;
        }
    }
    let summary = json!({
        "exchanges": timeline.rows.len(),
        "others": timeline.others,
        "unreadable": timeline.unreadable.len(),
        "secrets": timeline.secrets,
        "redacted": inspect.redact,
        "html": inspect.html,
    });
    output.result("summary", &summary, |lang| {
        let mut text = timeline.summary(lang);
        for path in written {
            let path = visible(&path.to_string_lossy());
            text.push_str(&lang.pick(format!("; written: {path}"), format!("；已写入：{path}")));
        }
        text
    })?;
    Ok(Exit::Done)
}

/// Refuses to overwrite a capture.
fn check_output(path: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let Ok(written) = path.canonicalize() else { return Ok(()) };
    let is_written = |file: &PathBuf| file.canonicalize().is_ok_and(|file| file == written);
    if !files.iter().any(is_written) {
        return Ok(());
    }
    let path = visible(&path.to_string_lossy());
    Err(Failure::new(
        Exit::Usage,
        format!("{path} is the capture itself"),
        format!("{path} 就是抓包文件本身"),
    )
    .hint("write to another file", "请写入另一个文件"))
}

/// Writes a file.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| Failure::file(path, &error))
}

#[cfg(test)]
mod tests;
