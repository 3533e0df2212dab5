//! `wechat status`

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use wechat_proto::login::{Progress, Resume};
use wechat_proto::store::Journal;

use crate::args::Global;
use crate::bridge::holder::Connection;
use crate::bridge::operation::{Nothing, Operation};
use crate::client;
use crate::exit::{Exit, Failure};
use crate::notes::beside;
use crate::output::Output;
use crate::profile::Profile;
use crate::visible::visible;

/// Reports the account of the session, the process that holds it, and when it was last stored. A
/// session that no process holds is checked with the service.
pub(crate) fn run(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let profile = Profile::any(global)?;
    if !profile.path.exists() {
        return Err(profile.advise(Failure::no_session()));
    }
    let journal = beside(&profile.path, "journal");
    let (session, holder) = match profile.holder()? {
        Some(holder) => {
            let text = fs::read_to_string(&profile.path);
            let text = text.map_err(|error| Failure::file(&profile.path, &error))?;
            let lines = fs::read(&journal).unwrap_or_default();
            (Journal::read(&text, &lines)?, Some(holder))
        }
        None => {
            let held = profile.hold("status", output)?;
            let entry = client::entry(profile.entry).unwrap_or_default();
            let device = client::device(global, entry, output.lang);
            let show = |step: &Progress| client::show(step, output);
            let client = client::open(global, held, device, Resume::StoredOnly, show);
            (client.map_err(|failure| profile.advise(failure))?.session(), None)
        }
    };
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    let stored = modified(&profile.path).map_err(|error| Failure::file(&profile.path, &error))?;
    let stored = modified(&journal).map_or(stored, |journal| stored.max(journal));
    let shared = holder.as_ref().and_then(|_| Connection::open(&profile.path));
    let shared = shared.and_then(|mut holder| holder.request(&Operation::Status(Nothing {})).ok());
    let shared = shared.unwrap_or_default();
    let name = &session.me().nick_name;
    let fields = json!({
        "user": session.me().user_name,
        "name": name,
        "entry": profile.entry.name(),
        "session": profile.path,
        "holder": holder,
        "stored_ms": milliseconds(stored),
        "last_event_ms": shared.get("last_event_ms"),
        "unacknowledged": shared.get("unacknowledged"),
    });
    output.result("status", &fields, |lang| {
        let age = SystemTime::now().duration_since(stored).unwrap_or_default().as_secs();
        let who = visible(name);
        let running = match &holder {
            Some(holder) => holder.describe(lang),
            None => lang.pick("no command is running", "没有命令在运行").to_owned(),
        };
        lang.pick(
            format!("{who} is logged in; {running}; stored {age} s ago"),
            format!("{who} 已登录；{running}；{age} 秒前保存"),
        )
    })?;
    Ok(Exit::Done)
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
