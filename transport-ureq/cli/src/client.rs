//! Clients with the options of the command line.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};

use serde_json::{Value, json};
use wechat_proto::error::{FailureKind, Ret};
use wechat_proto::hosts::{Origin, Role};
use wechat_proto::login::{Progress, Resume};
use wechat_proto::store::SessionStore as _;
use wechat_proto::{Device, Entry, Error, Hosts, UserName, Uuid};
use wechat_transport_ureq::qr::{self, Background};
use wechat_transport_ureq::{Client, Options, Transport};

use crate::args::{EntryName, Global};
use crate::exit::{Exit, Failure};
use crate::inspect;
use crate::lang::{Lang, Words};
use crate::output::{Output, has_terminal};
use crate::profile::{Held, Profile};
use crate::visible::visible;

/// Returns a transport with the options.
///
/// # Errors
///
/// [`Exit::LocalFile`] if a certificate file cannot be read or is malformed, or the trace cannot be
/// written; [`Exit::Network`] if the proxy's URL is malformed.
pub(crate) fn transport(global: &Global) -> Result<Transport, Failure> {
    let mut options = Options::default();
    for path in &global.ca {
        let certificates = fs::read(path).map_err(|error| Failure::file(path, &error))?;
        options = options.root_certificate(certificates);
    }
    for resolved in &global.resolve {
        options = options.resolve(&resolved.host, resolved.address);
    }
    if let Some(url) = &global.proxy {
        options = options.proxy(url);
    }
    if let Some(path) = &global.trace {
        options = inspect::record(options, path, global.trace_secrets)?;
    }
    Transport::new(options).map_err(|error| match error {
        Error::Transport(failure) if failure.kind == FailureKind::Certificate => {
            let paths: Vec<_> =
                global.ca.iter().map(|path| visible(&path.to_string_lossy())).collect();
            let paths = paths.join(", ");
            Failure::new(
                Exit::LocalFile,
                format!("{paths}: no valid certificate in PEM format"),
                format!("{paths}：不是有效的 PEM 证书"),
            )
        }
        error => error.into(),
    })
}

/// Returns the logins that a command may use: a QR code needs a terminal, or a program that reads the
/// JSON lines and shows the code.
pub(crate) fn interactive(can_show: bool) -> Resume {
    if can_show || has_terminal() { Resume::Code } else { Resume::StoredOnly }
}

/// Opens the held session, and returns its client: resumes the stored session if it is still open,
/// otherwise logs in as far as `resume` allows.
///
/// # Errors
///
/// Those of [`Client::open_with`]; [`Exit::Usage`] if `--server` is not the server of the stored
/// session.
pub(crate) fn open(
    global: &Global,
    mut held: Held,
    device: Device,
    resume: Resume,
    mut show: impl FnMut(&Progress) -> Result<(), Failure>,
) -> Result<Client, Failure> {
    let mut device = match held.load()? {
        Some(session) if global.server.is_none() => {
            device.with_hosts(session.device().hosts().clone())
        }
        _ => device,
    };
    let server = device.hosts().origin(Role::Api).clone();
    let mut shown = Ok(());
    let transport = transport(global)?;
    let client = Client::open_with(&transport, &mut held, resume, &mut device, |progress| {
        if shown.is_ok() {
            shown = show(progress);
        }
    });
    let client = client.map_err(|error| open_failure(error, &server));
    shown.and(client).map(|client| client.with_store(held))
}

/// Returns the failure of a login. If the server could not be reached, the hint names it: a stored
/// session may be of another server than the user expects.
fn open_failure(error: Error, server: &Origin) -> Failure {
    match &error {
        Error::Transport(failure) if failure.kind == FailureKind::Connect => {
            Failure::from(error.clone()).hint(
                format!("check the network and `--proxy`; this profile uses {server}: for another server, use another `--profile`"),
                format!("请检查网络与 `--proxy`；此配置使用 {server}，其他服务器请用另一个 `--profile`"),
            )
        }
        _ => error.into(),
    }
}

/// Opens the held session of a profile. On a terminal, logs in with a QR code if no session is open.
///
/// # Errors
///
/// Those of [`open`].
pub(crate) fn open_profile(
    global: &Global,
    profile: &Profile,
    held: Held,
    output: &Output,
) -> Result<Client, Failure> {
    let show = |step: &Progress| show(step, output);
    open_profile_with(global, profile, held, interactive(false), output, show)
}

/// Opens the held session of a profile, and passes the steps of a login to `show`.
///
/// # Errors
///
/// Those of [`open`].
pub(crate) fn open_profile_with(
    global: &Global,
    profile: &Profile,
    held: Held,
    resume: Resume,
    output: &Output,
    show: impl FnMut(&Progress) -> Result<(), Failure>,
) -> Result<Client, Failure> {
    // A new login as a desktop client needs the values that only `wechat login` takes.
    let (entry, resume) = match entry(profile.entry) {
        Some(entry) => (entry, resume),
        None => (Entry::web(), Resume::StoredOnly),
    };
    let client = open(global, held, device(global, entry, output.lang), resume, show);
    client.map_err(|failure| profile.advise(failure))
}

/// Returns the device of a new login.
pub(crate) fn device(global: &Global, entry: Entry, lang: Lang) -> Device {
    let device = Device::new().with_entry(entry).with_lang(lang.of_service());
    match &global.server {
        Some(server) => device.with_hosts(Hosts::all(server.clone())),
        None => device,
    }
}

/// Returns the entry of a name; `None` for the desktop client, whose entry needs more values.
pub(crate) const fn entry(name: EntryName) -> Option<Entry> {
    match name {
        EntryName::Web => Some(Entry::web()),
        EntryName::Filehelper => Some(Entry::file_helper()),
        EntryName::Desktop => None,
    }
}

/// Returns the kind and the fields of the JSON line of a login step, and its text, which is empty for a
/// QR code.
pub(crate) fn describe(progress: &Progress) -> Option<(&'static str, Value, Words)> {
    Some(match progress {
        Progress::Code { uuid } => {
            ("qr", json!({ "url": uuid.url(), "uuid": uuid.as_str() }), Words::new("", ""))
        }
        Progress::ConfirmOnPhone { .. } => (
            "confirm_on_phone",
            json!({}),
            Words::new("Confirm the login on your phone.", "请在手机上确认登录。"),
        ),
        Progress::Scanned { .. } => (
            "scanned",
            json!({}),
            Words::new("Scanned. Confirm the login on your phone.", "已扫码，请在手机上确认登录。"),
        ),
        Progress::Cancelled => (
            "cancelled",
            json!({}),
            Words::new(
                "Cancelled on the phone. Here is a new code.",
                "已在手机上取消，请使用新的二维码。",
            ),
        ),
        Progress::Closed { ret, .. } => (
            "ended",
            json!({ "reason": ret.0 }),
            match *ret {
                Ret::OK => Words::new("You had logged out.", "此前已退出登录。"),
                ret => Words::new(
                    format!("The stored session has ended: {ret}."),
                    format!("已保存的会话已结束：{ret}。"),
                ),
            },
        ),
        _ => return None,
    })
}

/// Shows a step of a login: as JSON lines on standard output, or on the terminal.
pub(crate) fn show(progress: &Progress, output: &Output) -> Result<(), Failure> {
    if let (Progress::Code { uuid }, false) = (progress, output.json) {
        show_code(uuid, output.lang);
        return Ok(());
    }
    let Some((kind, fields, words)) = describe(progress) else { return Ok(()) };
    output.notice(kind, &fields, &words)
}

/// Shows a QR code on standard error, dark on light on every terminal.
fn show_code(uuid: &Uuid, lang: Lang) {
    let mut text = lang
        .pick("Scan this code with WeChat on your phone:\n", "请用手机微信扫描二维码：\n")
        .to_owned();
    for line in qr::text(uuid, Background::Dark).lines() {
        // The light modules are drawn, in white on black.
        let _ = writeln!(text, "\u{1b}[97;40m{line}\u{1b}[0m");
    }
    // A closed standard error is no failure of the login.
    let _ = writeln!(io::stderr(), "{text}{}", uuid.url());
}

/// Returns the contact of a name: see [`Client::resolve`].
///
/// # Errors
///
/// [`Exit::Contact`] with similar names if there is none, and with the candidates if there are
/// several. Those of loading the contacts.
pub(crate) fn resolve(client: &Client, name: &str) -> Result<UserName, Failure> {
    client.resolve(name).map_err(|error| {
        let is_unknown = matches!(error, Error::UnknownContact { .. });
        let failure = Failure::from(error);
        let directory = client.directory();
        let similar = directory.search(name).take(LISTED).map(|contact| visible(&contact.name()));
        match similar.collect::<Vec<_>>() {
            names if is_unknown && !names.is_empty() => failure.hint(
                format!("similar names: {}", names.join(", ")),
                format!("相近的名称：{}", names.join("、")),
            ),
            _ => failure,
        }
    })
}

/// Returns the failure of a name that is not that of a room.
pub(crate) fn not_a_room(name: &str) -> Failure {
    let shown = visible(name);
    Failure::new(Exit::Contact, format!("`{shown}` is not a room"), format!("`{shown}` 不是群聊"))
        .hint("`wechat rooms` lists them", "`wechat rooms` 可列出所有群聊")
}

/// The number of similar names that an error lists.
const LISTED: usize = 5;
