//! Exit codes, and the failures that lead to them.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{io, iter};

use clap::ValueEnum;
use serde_json::{Map, Value};
use wechat_proto::Error;
use wechat_proto::error::{Chain, Failure as FileFailure, FailureKind, Ret, StorageKind};

use crate::lang::{Lang, Words};
use crate::visible::visible;

/// The exit codes of all commands. `ValueEnum` lists them for the help.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Other = 1,
    Usage = 2,
    LoginNeeded = 3,
    InUse = 4,
    Contact = 5,
    Refused = 6,
    Unanswered = 7,
    Network = 8,
    LocalFile = 9,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    /// Returns the name in JSON (`error.kind`), and the descriptions for `--help` in English and Chinese.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Done => ("done", "done", "完成"),
            Self::Other => ("other", "another failure", "其他错误"),
            Self::Usage => ("usage", "usage error", "用法错误"),
            Self::LoginNeeded => (
                "login_needed",
                "login needed: there is no session, or it has ended",
                "需要登录：没有会话，或会话已结束",
            ),
            Self::InUse => ("in_use", "another process uses the session", "会话正被其他进程占用"),
            Self::Contact => {
                ("contact", "the contact is unknown or ambiguous", "联系人不存在或有重名")
            }
            Self::Refused => ("refused", "the service refused", "服务器拒绝"),
            Self::Unanswered => (
                "unanswered",
                "no answer: the operation may have taken effect, look at the phone before repeating it",
                "未收到回复：操作可能已经生效，重复之前请先在手机上查看",
            ),
            Self::Network => ("network", "network, TLS or proxy", "网络、TLS 或代理出错"),
            Self::LocalFile => (
                "local_file",
                "a local file or folder could not be read or written",
                "无法读写本地文件或文件夹",
            ),
            Self::Interrupted => {
                ("interrupted", "ended by Ctrl-C (SIGINT)", "被 Ctrl-C（SIGINT）终止")
            }
            Self::Terminated => ("terminated", "ended by SIGTERM", "被 SIGTERM 终止"),
        }
    }

    /// Returns its name in JSON: `error.kind`.
    pub(crate) const fn name(self) -> &'static str {
        self.words().0
    }

    /// Returns the list of all exit codes, for `--help`.
    pub(crate) fn table(lang: Lang) -> String {
        let mut table = String::from(lang.pick("Exit codes:\n", "退出码：\n"));
        for exit in Self::value_variants() {
            let (_, en, zh) = exit.words();
            let _ = writeln!(table, "  {:<4}{}", *exit as u8, lang.pick(en, zh));
        }
        table
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure of a command: its reason, and a hint.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// The failed operation and the reason, in one line.
    pub(crate) message: Words,
    /// A suggested action, in one line.
    pub(crate) hint: Option<Words>,
    /// More fields of `error` in JSON.
    pub(crate) details: Map<String, Value>,
}

impl Failure {
    /// Returns a failure without a hint.
    pub(crate) fn new(exit: Exit, en: impl Into<Box<str>>, zh: impl Into<Box<str>>) -> Self {
        Self { exit, message: Words::new(en, zh), hint: None, details: Map::new() }
    }

    /// Adds a suggested action.
    pub(crate) fn hint(mut self, en: impl Into<Box<str>>, zh: impl Into<Box<str>>) -> Self {
        self.hint = Some(Words::new(en, zh));
        self
    }

    /// Adds a field of `error` in JSON.
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Returns the failure of a file or a folder.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let path = visible(&path.to_string_lossy());
        Self::new(Exit::LocalFile, format!("{path}: {error}"), format!("{path}：{error}"))
    }

    /// Returns the failure of a file or a folder whose cause is in a failure of the library.
    pub(crate) fn of_file(path: &Path, failure: &FileFailure) -> Self {
        let causes = iter::successors(Some(failure as &dyn StdError), |&error| error.source());
        let text = causes.last().map_or_else(String::new, ToString::to_string);
        Self::file(path, &io::Error::other(text))
    }

    /// Returns the failure of a command that needs a stored session.
    pub(crate) fn no_session() -> Self {
        Self::new(Exit::LoginNeeded, "no session is stored", "尚未登录")
    }

    /// Returns the failure of standard input.
    pub(crate) fn stdin(error: io::Error) -> Self {
        let en = format!("standard input: {error}");
        Self::new(Exit::LocalFile, en, format!("标准输入：{error}"))
    }

    /// Returns the failure of standard output. If its reader has ended, as in `wechat contacts | head`,
    /// the failure has no text and is not reported.
    pub(crate) fn stdout(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::LocalFile, "", "");
        }
        let en = format!("standard output: {error}");
        Self::new(Exit::LocalFile, en, format!("标准输出：{error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = visible(&Chain(&error).to_string());
        let of = |exit, zh: &str| Self::new(exit, &*text, format!("{zh}：{text}"));
        match &error {
            Error::Storage(failure) if failure.kind == StorageKind::Missing => Self::no_session(),
            Error::Storage(failure) if failure.kind == StorageKind::Damaged => {
                of(Exit::LocalFile, "会话文件出错").hint(
                    "remove the file, and log in again with `wechat login`",
                    "请删除该文件，并用 `wechat login` 重新登录",
                )
            }
            Error::LoggedOut { ended, .. } if ended.is_some_and(|ended| ended.is_drop()) => of(
                Exit::LoginNeeded,
                "会话登录后即被服务器断开",
            )
            .hint(
                "the service drops this account from the web; `wechat login --entry filehelper` \
                     works for every account, as far as is known; `wechat login --force` tries again",
                "服务器不允许此账号使用网页版；`wechat login --entry filehelper` 据目前所知对所有账号可用，\
                     `wechat login --force` 可再试一次",
            ),
            Error::LoggedOut { ret: Ret::OK, .. } => {
                Self::new(Exit::LoginNeeded, "you have logged out", "已退出登录")
            }
            Error::LoggedOut { .. } => of(Exit::LoginNeeded, "会话已结束"),
            Error::NotConfirmed => of(Exit::LoginNeeded, "登录未在手机上确认"),
            Error::InUse => of(Exit::InUse, "会话正被另一进程使用"),
            Error::Unanswered { .. } => of(Exit::Unanswered, "未收到回复，操作可能已经生效")
                .hint("look at the phone before repeating it", "重复操作之前请先在手机上查看"),
            Error::Refused { ret, .. } => {
                let failure = of(Exit::Refused, "服务器拒绝").detail("ret", ret.0);
                match ret.0 {
                    1203 => failure.hint(
                        "this account is not allowed to use the web page; `wechat login --entry filehelper` works \
                         for every account, as far as is known",
                        "此账号不能登录网页版；`wechat login --entry filehelper` 据目前所知对所有账号可用",
                    ),
                    _ => failure,
                }
            }
            Error::Limited { .. } => of(Exit::Refused, "操作过于频繁")
                .detail("ret", 1205)
                .hint("wait a few minutes before the next attempt", "请等待几分钟后再试"),
            Error::ServiceFailed { ret, .. } => {
                of(Exit::Refused, "服务器出错").detail("ret", ret.0).hint("try again", "请重试")
            }
            Error::Status { status, .. } if *status >= 500 => {
                of(Exit::Network, "服务器出错").hint("try again later", "请稍后重试")
            }
            Error::Status { .. } | Error::EmptyMedia { .. } => of(Exit::Refused, "服务器拒绝"),
            Error::Transport(failure) => transport(&text, failure.kind),
            Error::UnknownContact { name } => {
                let name = visible(name);
                Self::new(
                    Exit::Contact,
                    format!("no contact is named `{name}`"),
                    format!("没有名为 `{name}` 的联系人"),
                )
                .hint("`wechat contacts` lists them all", "`wechat contacts` 可列出所有联系人")
            }
            Error::AmbiguousContact { name, candidates } => {
                let candidates = serde_json::to_value(candidates).unwrap_or_default();
                let name = visible(name);
                Self::new(Exit::Contact, &*text, format!("有多个名为 `{name}` 的联系人"))
                    .detail("candidates", candidates)
                    .hint(
                        format!("use a name that begins with @, which `wechat contacts \"{name}\"` shows"),
                        format!("请使用 `wechat contacts \"{name}\"` 所列以 @ 开头的名称"),
                    )
            }
            Error::OtherServer { stored, expected } => Self::new(
                Exit::Usage,
                &*text,
                format!("已保存的会话属于 {stored}，而不是 {expected}"),
            )
            .hint(
                "keep one session per server and entry, with `--profile NAME` or `--session FILE`",
                "请用 `--profile 名称` 或 `--session 文件` 为每个服务器和入口使用单独的会话",
            ),
            Error::Invalid(_) => of(Exit::Usage, "参数无效"),
            Error::NotFetchable(_) => of(Exit::Other, "此消息没有可下载的内容"),
            Error::NotForwardable(_) => of(Exit::Other, "此消息不能转发"),
            Error::EmptyFile => of(Exit::LocalFile, "空文件不能发送"),
            Error::TooLarge { .. } => of(Exit::LocalFile, "文件过大"),
            Error::Source(_) => of(Exit::LocalFile, "文件无法读取或已被修改"),
            Error::Sink(_) => of(Exit::LocalFile, "文件无法写入"),
            Error::Storage(_) => of(Exit::LocalFile, "会话文件出错"),
            _ => of(Exit::Other, "出错"),
        }
    }
}

/// Returns the failure of an exchange that has no reply.
fn transport(text: &str, kind: FailureKind) -> Failure {
    let failure = |zh: &str| Failure::new(Exit::Network, text, format!("{zh}：{text}"));
    match kind {
        FailureKind::Resolve => failure("无法解析主机名").hint(
            "check the network, `--server` and `--proxy`, or give the address with `--resolve HOST:PORT:ADDR`",
            "请检查网络、`--server` 与 `--proxy`，或用 `--resolve HOST:PORT:ADDR` 指定地址",
        ),
        FailureKind::Connect => failure("无法连接主机").hint(
            "check the network, `--server` and `--proxy`",
            "请检查网络、`--server` 与 `--proxy`",
        ),
        FailureKind::Proxy => {
            failure("代理不可用").hint("check the URL of `--proxy`", "请检查 `--proxy` 的地址")
        }
        FailureKind::ProxyAuthorization => failure("代理拒绝了用户名或密码").hint(
            "give them as `--proxy http://USER:PASSWORD@HOST:PORT`",
            "请使用 `--proxy http://用户:密码@主机:端口`",
        ),
        FailureKind::Certificate | FailureKind::Tls => failure("安全连接失败").hint(
            "if a proxy of your company inspects TLS, give its certificate with `--ca FILE`",
            "若所在网络会检查 TLS 流量，请用 `--ca FILE` 指定其证书",
        ),
        FailureKind::Timeout => failure("超时").hint("try again", "请重试"),
        FailureKind::Sink | FailureKind::Source => {
            Failure::new(Exit::LocalFile, text, format!("文件出错：{text}"))
        }
        _ => failure("网络出错"),
    }
}

#[cfg(test)]
mod tests {
    use wechat_proto::error::{Sent, StorageFailure};

    use super::*;

    #[test]
    fn errors_have_the_documented_exit_codes() {
        let refused = |ret| Error::Refused { endpoint: "x", ret: Ret(ret), message: "".into() };
        let transport = |kind| Error::Transport(FileFailure::new(kind, Sent::No));
        let status = |status| Error::Status { endpoint: "x", status };
        let storage = |kind| Error::Storage(StorageFailure::new(kind));
        for (error, code) in [
            (storage(StorageKind::Missing), 3),
            (Error::NotConfirmed, 3),
            (Error::InUse, 4),
            (refused(1204), 6),
            (Error::Limited { endpoint: "x", message: "".into() }, 6),
            (status(404), 6),
            (Error::Unanswered { cause: None }, 7),
            (status(502), 8),
            (transport(FailureKind::Resolve), 8),
            (transport(FailureKind::Certificate), 8),
            (transport(FailureKind::Proxy), 8),
            (storage(StorageKind::Read), 9),
            (Error::EmptyFile, 9),
            (Error::Source(None), 9),
            (Error::Stopped, 1),
        ] {
            assert_eq!(Failure::from(error.clone()).exit as u8, code, "{error}");
        }
    }

    #[test]
    fn failure_shows_the_cause_once_and_in_one_line() {
        let cause = io::Error::other("the disk\nis on fire");
        let failure: Failure =
            Error::Sink(FileFailure::new(FailureKind::Sink, Sent::Maybe).because(cause)).into();
        assert_eq!(
            failure.message.in_lang(Lang::En),
            "the download could not be written: the disk\\nis on fire"
        );
    }

    #[test]
    fn help_and_readme_list_all_exit_codes() {
        let table = Exit::table(Lang::En);
        assert_eq!(table.lines().count(), 1 + Exit::value_variants().len());
        assert!(table.contains("\n  143 ended by SIGTERM\n"), "{table}");
        let readme = include_str!("../README.md");
        for exit in Exit::value_variants() {
            assert!(readme.contains(&format!("`{}`", exit.name())), "{exit:?}");
        }
    }
}
