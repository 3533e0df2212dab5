//! `wechat login`

use std::fs;

use serde_json::{Value, json};
use wechat_proto::Entry;
use wechat_proto::login::Resume;
use wechat_proto::store::SessionStore as _;
use wechat_transport_ureq::Client;

use crate::args::{EntryName, Global, Login};
use crate::bridge::holder::Connection;
use crate::bridge::operation::{Nothing, Operation};
use crate::client;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::profile::Profile;
use crate::visible::visible;

/// Resumes the stored session, unless another process uses it, or logs in and stores the new one.
pub(crate) fn run(global: &Global, login: &Login, output: &Output) -> Result<Exit, Failure> {
    let profile = Profile::new(global, EntryName::Web)?;
    let holder = Connection::open(&profile.path).filter(|_| !login.force);
    let status = holder.and_then(|mut holder| holder.request(&Operation::Status(Nothing {})).ok());
    if let Some(status) = status {
        let (user, name) = (&status["user"], &status["name"]);
        return logged_in(&json!({ "user": user, "name": name, "session": profile.path }), output);
    }
    let resume = client::interactive(output.json);
    let entry = match client::entry(profile.entry) {
        Some(entry) => entry,
        None => desktop(login)?,
    };
    let mut held = profile.hold("login", output)?;
    let mut device = client::device(global, entry, output.lang);
    if resume == Resume::StoredOnly && (login.force || held.load()?.is_none()) {
        return Err(no_terminal());
    }
    let path = profile.path.clone();
    let client = if login.force {
        let mut shown = Ok(());
        let client = Client::login(&client::transport(global)?, &mut device, |progress| {
            if shown.is_ok() {
                shown = client::show(progress, output);
            }
        });
        shown?;
        let client = client?.with_store(held);
        client.save_session()?;
        client
    } else {
        let client = client::open(global, held, device, resume, |step| client::show(step, output));
        client.map_err(|failure| profile.advise(failure))?
    };
    let me = client.me();
    let (user, name) = (&me.user_name, &me.nick_name);
    logged_in(&json!({ "user": user, "name": name, "session": path }), output)
}

fn logged_in(fields: &Value, output: &Output) -> Result<Exit, Failure> {
    output.result("logged_in", fields, |lang| {
        let name = visible(fields["name"].as_str().unwrap_or_default());
        lang.pick(format!("Logged in as {name}."), format!("已登录：{name}。"))
    })?;
    Ok(Exit::Done)
}

/// Returns the entry of a desktop client, with the values of the arguments.
fn desktop(login: &Login) -> Result<Entry, Failure> {
    let (Some(version), Some(path)) = (&login.client_version, &login.extspam) else {
        return Err(Failure::new(
            Exit::Usage,
            "the desktop entry needs `--client-version` and `--extspam` of a desktop client",
            "desktop 入口需要 `--client-version` 和 `--extspam`，即桌面客户端的取值",
        ));
    };
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let invalid = |error: wechat_proto::error::Invalid| {
        Failure::new(Exit::Usage, error.to_string(), error.to_string())
    };
    let extspam = text.trim().parse().map_err(invalid)?;
    Ok(Entry::desktop(version.parse().map_err(invalid)?, extspam))
}

fn no_terminal() -> Failure {
    Failure::new(
        Exit::LoginNeeded,
        "a login needs a terminal, which shows the QR code",
        "登录需要终端来显示二维码",
    )
    .hint(
        "run this in a terminal, or use `wechat login --json`, which prints the URL of the code",
        "请在终端中运行，或用 `wechat login --json` 输出二维码的网址",
    )
}
