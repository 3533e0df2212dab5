//! Locations of session files, and the processes that hold them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};
use wechat_proto::store::SessionStore;
use wechat_proto::{Error, Session};
use wechat_transport_ureq::FileStore;

use crate::args::{EntryName, Global};
use crate::bridge::holder::Connection;
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Words};
use crate::notes::{NoteFile, folder_of, private_folder};
use crate::output::Output;
use crate::visible::visible;

/// The location of one session.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) path: PathBuf,
    pub(crate) entry: EntryName,
    /// The maximum wait for another holder.
    wait: Duration,
    /// The command that logs in with these options.
    login: String,
}

/// The store of a session that this process holds. Dropping it releases the session.
#[derive(Debug)]
pub(crate) struct Held {
    store: FileStore,
    note: NoteFile,
}

/// The access of a command to a session.
#[derive(Debug)]
pub(crate) enum Access {
    /// This process holds it.
    Held(Held),
    /// Another process holds it, and runs operations for this one.
    Shared(Connection),
}

/// A process that holds a session; the default value is an unknown one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// The name of its command, such as `listen`.
    pub(crate) command: String,
}

/// The interval of attempts to open a session that another process holds.
const PAUSE: Duration = Duration::from_millis(50);
/// The wait after which a remark is printed.
const SILENCE: Duration = Duration::from_secs(1);

impl Profile {
    /// Returns the location of the session that the options name: the file of `--session`,
    /// otherwise the default one of the profile and the entry, in the folder where the platform
    /// keeps state.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] if the name of the profile cannot be the name of a folder.
    pub(crate) fn new(global: &Global, default: EntryName) -> Result<Self, Failure> {
        let entry = global.entry.unwrap_or(default);
        let path = match &global.session {
            Some(path) => path.clone(),
            None => folder(&global.profile)?.join(entry.name()).with_extension("session"),
        };
        Ok(Self { path, entry, wait: global.wait, login: login_command(global, entry) })
    }

    /// Returns the location of the session for a command that supports every entry: without
    /// `--entry`, that of the web, or the only one that exists.
    ///
    /// # Errors
    ///
    /// Those of [`Profile::new`].
    pub(crate) fn any(global: &Global) -> Result<Self, Failure> {
        let web = Self::new(global, EntryName::Web)?;
        if web.path.exists() {
            return Ok(web);
        }
        let others = [EntryName::Filehelper, EntryName::Desktop];
        let others = others.into_iter().filter_map(|entry| Self::new(global, entry).ok());
        Ok(others.into_iter().find(|other| other.path.exists()).unwrap_or(web))
    }

    /// Adds a hint: the login command to a failure that needs a login, the limit of the file-transfer
    /// page to a failure of a contact there.
    pub(crate) fn advise(&self, failure: Failure) -> Failure {
        if failure.exit == Exit::Contact && self.entry == EntryName::Filehelper {
            return failure.hint(
                "this session is of the file-transfer page, which only reaches `filehelper`, your phone; \
                 `wechat login` opens all chats",
                "此会话属于文件传输助手网页版，只能发送给自己的手机 `filehelper`；如需其他联系人请用 `wechat login`",
            );
        }
        if failure.exit != Exit::LoginNeeded || failure.hint.is_some() {
            return failure;
        }
        let login = &self.login;
        failure.hint(
            format!("`{login}` in a terminal shows a QR code"),
            format!("请在终端运行 `{login}` 扫码登录"),
        )
    }

    /// Opens the session for this process. Waits if another process holds it, and prints a remark after
    /// one second.
    ///
    /// # Errors
    ///
    /// [`Exit::InUse`], with the holder, if it is still held after the wait; [`Exit::LocalFile`] if
    /// its folder cannot be created or written.
    pub(crate) fn hold(&self, command: &str, output: &Output) -> Result<Held, Failure> {
        match self.acquire(command, output, |_| None)? {
            Access::Held(held) => Ok(held),
            Access::Shared(_) => Err(self.in_use()),
        }
    }

    /// Opens the session for this process, or connects to the process that holds it.
    ///
    /// # Errors
    ///
    /// [`Exit::InUse`] if the holder offers no connection during the wait; those of
    /// [`Profile::hold`].
    pub(crate) fn access(&self, command: &str, output: &Output) -> Result<Access, Failure> {
        self.acquire(command, output, Connection::open)
    }

    fn acquire(
        &self,
        command: &str,
        output: &Output,
        connect: impl Fn(&Path) -> Option<Connection>,
    ) -> Result<Access, Failure> {
        let folder = folder_of(&self.path);
        private_folder(folder).map_err(|error| Failure::file(folder, &error))?;
        let begin = Instant::now();
        let mut silent = true;
        let store = loop {
            match FileStore::open(&self.path) {
                Err(Error::InUse) => {
                    if let Some(connection) = connect(&self.path) {
                        return Ok(Access::Shared(connection));
                    }
                    if begin.elapsed() >= self.wait {
                        return Err(self.in_use());
                    }
                    if silent && begin.elapsed() > SILENCE {
                        output.remark(&self.waiting());
                        silent = false;
                    }
                    thread::sleep(PAUSE);
                }
                result => break result?,
            }
        };
        let held = Held { store, note: self.note() };
        held.note.store(&Holder { pid: std::process::id(), command: command.to_owned() })?;
        Ok(Access::Held(held))
    }

    /// Returns the process that holds the session, or `None`. Does not wait.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if the session cannot be opened.
    pub(crate) fn holder(&self) -> Result<Option<Holder>, Failure> {
        match FileStore::open(&self.path) {
            Ok(_) => Ok(None),
            Err(Error::InUse) => Ok(Some(self.read_note())),
            Err(error) => Err(error.into()),
        }
    }

    fn waiting(&self) -> Words {
        let (holder, seconds) = (self.read_note(), self.wait.as_secs());
        Words::new(
            format!("Waiting up to {seconds} s: {}.", holder.describe(Lang::En)),
            format!("最多等待 {seconds} 秒：{}。", holder.describe(Lang::Zh)),
        )
    }

    fn read_note(&self) -> Holder {
        // Before a new holder has written its note, there may be no note, or the note of an earlier
        // holder.
        self.note().load(["", ""]).unwrap_or_default()
    }

    /// Returns the failure of a session that another process holds.
    fn in_use(&self) -> Failure {
        let holder = self.read_note();
        Failure::new(
            Exit::InUse,
            format!("the session is in use: {}", holder.describe(Lang::En)),
            format!("会话正被使用：{}", holder.describe(Lang::Zh)),
        )
        .hint(
            "end it, or wait longer with `--wait SECONDS`",
            "请结束该进程，或用 `--wait 秒数` 等待更久",
        )
        .detail("pid", holder.pid)
        .detail("command", holder.command)
    }

    fn note(&self) -> NoteFile {
        NoteFile::beside(&self.path, "holder")
    }
}

impl Holder {
    /// Returns a description of the process.
    pub(crate) fn describe(&self, lang: Lang) -> String {
        let (pid, command) = (self.pid, visible(&self.command));
        match pid {
            0 => lang.pick("another process is running", "另一进程正在运行").to_owned(),
            _ => lang.pick(
                format!("`wechat {command}` is running (process {pid})"),
                format!("`wechat {command}` 正在运行（进程 {pid}）"),
            ),
        }
    }
}

impl SessionStore for Held {
    fn load(&mut self) -> Result<Option<Session>, Error> {
        self.store.load()
    }

    fn save(&mut self, session: &Session) -> Result<(), Error> {
        self.store.save(session)
    }

    fn remove(&mut self) -> Result<(), Error> {
        self.store.remove()
    }
}

impl Drop for Held {
    /// Removes the note before the lock is released.
    fn drop(&mut self) {
        // A note that cannot be removed is replaced by the next holder.
        self.note.remove();
    }
}

/// Returns the command that logs in with these options.
fn login_command(global: &Global, entry: EntryName) -> String {
    let mut command = String::from("wechat login");
    let mut add = |option: &str, value: &str| {
        let _ = write!(command, " {option} {value}");
    };
    if entry != EntryName::Web {
        add("--entry", entry.name());
    }
    if let Some(server) = &global.server {
        add("--server", server.as_str());
    }
    match &global.session {
        Some(path) => add("--session", &visible(&path.to_string_lossy())),
        None if global.profile != "default" => add("--profile", &visible(&global.profile)),
        None => {}
    }
    command
}

/// Returns the folder of a profile.
fn folder(profile: &str) -> Result<PathBuf, Failure> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if profile.is_empty() || profile.len() > 64 || !profile.bytes().all(is_safe) {
        let shown = visible(profile);
        return Err(Failure::new(
            Exit::Usage,
            format!("`{shown}` cannot name a profile"),
            format!("`{shown}` 不能作为配置名"),
        )
        .hint(
            "use at most 64 letters, digits, `-` and `_`",
            "请使用至多 64 个字母、数字、`-` 和 `_`",
        ));
    }
    let base = etcetera::choose_base_strategy().map_err(|error| {
        Failure::new(Exit::LocalFile, error.to_string(), error.to_string()).hint(
            "give the file of the session with `--session FILE`",
            "请用 `--session FILE` 指定会话文件",
        )
    })?;
    // Only Linux and similar systems have a folder for state.
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Ok(state.join("wechat").join(profile))
}
