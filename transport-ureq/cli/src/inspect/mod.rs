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
mod request;
mod row;
mod secrets;
mod single;
mod state;
mod summary;
mod texts;
mod trace;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wechat_proto::UserName;

use self::har::Exchange;
use self::input::Input;
use self::mask::Masks;
use self::row::Row;
use self::state::State;
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::output::{Output, visible};

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

/// The timeline of some files.
#[derive(Default)]
pub(crate) struct Timeline {
    rows: Vec<Row>,
    /// The number of calls that are not of the protocol, by host.
    others: BTreeMap<String, usize>,
    /// Entries that cannot be read: their position, and the name of the malformed field.
    unreadable: Vec<(usize, &'static str)>,
    secrets: usize,
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

impl Timeline {
    /// Adds the exchanges of a file.
    fn add(
        &mut self,
        path: &Path,
        input: &Input,
        me: Option<&UserName>,
        masks: &mut Masks,
    ) -> Result<(), Failure> {
        match input {
            Input::Har(document) => {
                redact::learn(document, masks);
                let entries = har::entries(document).expect("checked when it was read");
                let exchanges: Vec<_> = entries.iter().map(Exchange::read).collect();
                let mut state = State::new(&me.cloned().unwrap_or_else(|| account(&exchanges)));
                let before = self.rows.len();
                for (index, exchange) in exchanges.iter().enumerate() {
                    match exchange {
                        Ok(exchange) if exchange.endpoint().is_some() => {
                            self.rows.push(Row::of(exchange, &mut state, masks));
                        }
                        Ok(exchange) => {
                            let (host, ..) = exchange.url_parts();
                            *self.others.entry(visible(host)).or_default() += 1;
                        }
                        Err(field) => self.unreadable.push((index + 1, field)),
                    }
                }
                if self.rows.len() == before {
                    return Err(self.foreign(path, entries.len()));
                }
            }
            Input::Single(single) => {
                masks.learn(single.text.as_bytes());
                let me = me.cloned().unwrap_or_else(|| "@me".parse().expect("a name"));
                self.rows.extend(single.rows(&mut State::new(&me), masks));
            }
        }
        Ok(())
    }

    /// Returns the failure of a capture without calls of the protocol.
    fn foreign(&self, path: &Path, entries: usize) -> Failure {
        let path = visible(&path.to_string_lossy());
        let hosts: Vec<_> = self.others.keys().take(3).map(String::as_str).collect();
        let hosts = if hosts.is_empty() { "-".to_owned() } else { hosts.join(", ") };
        Failure::new(
            Exit::Other,
            format!(
                "{path}: none of its {entries} calls is of the WeChat web protocol (hosts: {hosts})"
            ),
            format!("{path}：{entries} 个请求中没有网页微信协议的请求（主机：{hosts}）"),
        )
        .hint(
            "record the tab of wx.qq.com, with the developer tools open before the login",
            "请在登录前打开开发者工具，录制 wx.qq.com 的标签页",
        )
    }

    fn summary(&self, lang: Lang) -> String {
        let (rows, secrets) = (self.rows.len(), self.secrets);
        let mut summary = lang.pick(
            format!("exchanges: {rows}; secrets masked: {secrets}"),
            format!("交互：{rows}；已遮盖的机密：{secrets}"),
        );
        let others: usize = self.others.values().sum();
        if others > 0 {
            let hosts = self.others.iter().map(|(host, count)| format!("{host} {count}"));
            let hosts = hosts.collect::<Vec<_>>().join(", ");
            summary.push_str(&lang.pick(
                format!("; other calls, not shown: {others} ({hosts})"),
                format!("；未显示的其他请求：{others}（{hosts}）"),
            ));
        }
        if let Some((index, field)) = self.unreadable.first() {
            let count = self.unreadable.len();
            summary.push_str(&lang.pick(
                format!("; unreadable entries: {count}, the first is entry {index}, without a valid {field}"),
                format!("；无法读取的记录：{count}，首先是第 {index} 条，其 {field} 无效"),
            ));
        }
        summary
    }
}

/// Returns the account that made a capture: that of `webwxinit`, else the sender of its requests.
fn account(exchanges: &[Result<Exchange, &'static str>]) -> UserName {
    let exchanges = || exchanges.iter().flatten();
    let opened = exchanges().filter(|exchange| exchange.endpoint() == Some("webwxinit"));
    let opened = opened.filter_map(|exchange| match &exchange.response_body {
        har::Body::Known(bytes) => {
            let reply: Value = serde_json::from_slice(bytes).ok()?;
            reply["User"]["UserName"].as_str()?.parse().ok()
        }
        har::Body::Missing(_) => None,
    });
    let sent =
        exchanges().filter(|exchange| exchange.endpoint().is_some()).filter_map(|exchange| {
            let request = request::Request::of(exchange);
            let from = ["/FromUserName", "/Msg/FromUserName"].map(|place| request.text(place));
            from.iter().find_map(|name| name.parse().ok())
        });
    opened.chain(sent).next().unwrap_or_else(|| "@me".parse().expect("a name"))
}

#[cfg(test)]
mod tests;
