//! Timelines of files.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use wechat_proto::UserName;

use super::har::{self, Exchange};
use super::input::Input;
use super::mask::Masks;
use super::redact;
use super::request;
use super::row::Row;
use super::state::State;
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::visible::visible;

/// The timeline of some files.
#[derive(Default)]
pub(crate) struct Timeline {
    pub(super) rows: Vec<Row>,
    /// The number of calls that are not of the protocol, by host.
    pub(super) others: BTreeMap<String, usize>,
    /// Entries that cannot be read: their position, and the name of the malformed field.
    pub(super) unreadable: Vec<(usize, &'static str)>,
    pub(super) secrets: usize,
}

impl Timeline {
    /// Adds the exchanges of a file.
    pub(super) fn add(
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

    pub(super) fn summary(&self, lang: Lang) -> String {
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
