//! The arguments of the command.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use wechat_proto::hosts::Origin;

use crate::exit::Exit;
use crate::inspect::Inspect;
use crate::lang::Lang;

/// WeChat on the command line.
///
/// Sends files to your own phone and saves what it sends, reads and writes messages. Not affiliated
/// with Tencent, which does not let every account log in on the web; `--entry filehelper`, the
/// file-transfer page, is open to every account and reaches your own phone only.
#[derive(Debug, Parser)]
#[command(name = "wechat", version, after_help = Exit::table(), arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One file of `commands` per command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Login(Login),
    /// Show the account, the process that uses the session, and whether it is still open
    ///
    /// Exits with 0 if the session is open or in use, and with 3 if it has ended: for monitoring.
    Status,
    /// Log out
    ///
    /// The next `wechat login` asks for a confirmation on the phone instead of showing a QR code.
    Logout,
    Contacts(Contacts),
    /// List the rooms (group chats)
    Rooms,
    Members(Members),
    Send(Send),
    Drop(Drop),
    Listen(Listen),
    Chat(Chat),
    Download(Download),
    Forward(Forward),
    Revoke(Revoke),
    Inspect(Inspect),
    Completions(Completions),
}

/// Log in with a QR code, or resume the stored session
///
/// Examples:
///   wechat login                       all chats, if your account may use the web
///   wechat login --entry filehelper    your own phone only; open to every account
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Login {
    /// Log in anew, even if the stored session is still open or was dropped by the service
    #[arg(long)]
    pub(crate) force: bool,
    /// With `--entry desktop`: the version of the client, such as 2.0.0
    #[arg(long, value_name = "VERSION")]
    pub(crate) client_version: Option<String>,
    /// With `--entry desktop`: a file with the `extspam` header of the client
    #[arg(long, value_name = "FILE")]
    pub(crate) extspam: Option<PathBuf>,
}

/// List the contacts whose names contain a text, or all
///
/// With a text, also prints the `UserName`, which is unique and valid for this login.
///
/// Example: wechat contacts ada
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Contacts {
    /// A part of a name, remark, alias, or name in Latin letters
    pub(crate) pattern: Option<String>,
}

/// List the members of a room
///
/// Example: wechat members "Book club"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Members {
    /// The room's name
    pub(crate) room: String,
}

/// Send a text, a file or a picture to a contact or a room
///
/// Examples:
///   wechat send Ada "See you at eight"
///   date | wechat send filehelper -
///   wechat send "Book club" --file list.pdf
///   wechat send Ada --image photo.jpg
///
/// Nothing is sent twice: exit code 7 means that there was no answer, so that the message may have
/// arrived.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(group = clap::ArgGroup::new("content").required(true).args(["text", "file", "image"]))]
pub(crate) struct Send {
    /// The remark, nickname, alias or `UserName`; `filehelper` is your own phone
    pub(crate) name: String,
    /// The text; `-` reads it from standard input
    pub(crate) text: Option<String>,
    /// Send this file as it is
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// Send this picture, video or GIF, to be shown in the chat
    #[arg(long, value_name = "PATH")]
    pub(crate) image: Option<PathBuf>,
}

/// Send files to your own phone, or save those that it sends
///
/// Uses the file-transfer page, which is open to every account. On the phone, the files are in the
/// chat "File Transfer". Shows a QR code if there is no open session and this is a terminal;
/// otherwise exits with 3.
///
/// Examples:
///   wechat drop report.pdf photo.jpg
///   wechat drop --text "the code is 1234"
///   tar c notes | wechat drop - --name notes.tar
///   wechat drop --receive ~/Inbox
///   wechat drop --receive ~/Inbox --exec /usr/local/bin/print-it
///
/// Received files get their names when they are whole, and replace no other file. After a kill or a
/// crash, the next start continues: each file is saved exactly once. `--exec` runs at most once for
/// each file, after it was saved.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, arg_required_else_help = true)]
#[command(group = clap::ArgGroup::new("drop").required(true).multiple(true).args(["files", "text", "receive"]))]
pub(crate) struct Drop {
    /// Files to send; `-` is standard input
    #[arg(value_name = "FILE", conflicts_with = "receive")]
    pub(crate) files: Vec<PathBuf>,
    /// Send this text; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "receive")]
    pub(crate) text: Option<String>,
    /// Send the file under this name
    #[arg(long, value_name = "NAME", conflicts_with = "receive")]
    pub(crate) name: Option<String>,
    /// Save the files that the phone sends in this folder, and print its texts, until Ctrl-C
    #[arg(long, value_name = "DIR")]
    pub(crate) receive: Option<PathBuf>,
    /// Do not save larger files: bytes, or a number with K, M or G
    #[arg(long, value_name = "SIZE", default_value = "4G", value_parser = size, requires = "receive", conflicts_with_all = ["files", "text"])]
    pub(crate) max_size: u64,
    /// End after this number of files
    #[arg(long, value_name = "N", requires = "receive", conflicts_with_all = ["files", "text"])]
    pub(crate) count: Option<u64>,
    /// Run a program for each saved file, with these arguments and the file's absolute path; takes
    /// the rest of the command line
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true, requires = "receive", conflicts_with_all = ["files", "text"])]
    pub(crate) exec: Vec<String>,
}

/// Print incoming messages until Ctrl-C
///
/// Logs in with a QR code if there is no open session and this is a terminal. A message counts as
/// received once it was printed; those that arrived while no `listen` ran are printed first.
///
/// Examples:
///   wechat listen
///   wechat listen --json | jq -r .text
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Listen {
    /// End after this number of messages
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

/// Write to a contact or a room, and read what it writes
///
/// Sends each line of standard input until its end (Ctrl-D), and prints the messages of this chat.
/// Those of other chats stay for the next `listen`.
///
/// Example: wechat chat Ada
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Chat {
    /// The remark, nickname, alias or `UserName`
    pub(crate) name: String,
}

/// Save the file, picture, voice or video of a message in a folder
///
/// Example: wechat listen --json --count 1 | wechat download - ~/Downloads
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Download {
    /// The message as `listen --json` prints it; `-` reads it from standard input
    pub(crate) message: String,
    /// The folder; a file of the same name is not replaced
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Forward a message to a contact or a room
///
/// Example: wechat listen --json --count 1 | wechat forward - "Book club"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Forward {
    /// The message as `listen --json` prints it; `-` reads it from standard input
    pub(crate) message: String,
    /// The remark, nickname, alias or `UserName`
    pub(crate) name: String,
}

/// Revoke a message of your own, within two minutes
///
/// Examples:
///   wechat revoke 7365214898123456789 Ada
///   wechat send Ada "hi" --json > sent; wechat revoke - < sent
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Revoke {
    /// The line of `send --json` or `listen --json`; `-` reads it from standard input. For a message
    /// that you sent on another device, its id suffices
    pub(crate) message: String,
    /// With an id: to whom it was sent
    pub(crate) name: Option<String>,
}

/// Print completions for a shell
///
/// Example: wechat completions bash > ~/.local/share/bash-completion/completions/wechat
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// The options of all commands.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct Global {
    /// Use this server instead of Tencent's, such as a simulator: https://HOST[:PORT]
    #[arg(long, global = true, hide_short_help = true, value_name = "ORIGIN")]
    pub(crate) server: Option<Origin>,
    /// Connect to this address for a host; can be repeated
    #[arg(long, global = true, hide_short_help = true, value_name = "HOST:PORT:ADDR")]
    pub(crate) resolve: Vec<Resolved>,
    /// Also trust the certificates of this PEM file; can be repeated
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
    /// Connect through an HTTP or SOCKS proxy: [http|socks5://][USER:PASSWORD@]HOST:PORT
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "URL",
        env = "WECHAT_PROXY",
        hide_env_values = true
    )]
    pub(crate) proxy: Option<String>,
    /// Keep the session in this file
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FILE",
        conflicts_with = "profile"
    )]
    pub(crate) session: Option<PathBuf>,
    /// Use the sessions of this name, for several accounts
    #[arg(long, global = true, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// The page to log in on [default: web, or the only one that is logged in; drop: filehelper]
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        value_name = "web|desktop|filehelper"
    )]
    pub(crate) entry: Option<EntryName>,
    /// Print JSON lines
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Record all exchanges in this file, with masked secrets: a capture for `wechat inspect`
    #[arg(long, global = true, value_name = "OUT.har")]
    pub(crate) trace: Option<PathBuf>,
    /// With `--trace`: record secrets too; such a file is as good as your login
    #[arg(long, global = true, requires = "trace")]
    pub(crate) trace_secrets: bool,
    /// Wait this long for a session that another process uses
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) wait: Duration,
    /// The language of the output [default: that of the locale]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_enum,
        hide_possible_values = true,
        value_name = "en|zh"
    )]
    pub(crate) lang: Option<Lang>,
}

/// An entry of the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum EntryName {
    /// wx.qq.com
    Web,
    /// The desktop client
    Desktop,
    /// The file-transfer page
    Filehelper,
}

impl EntryName {
    /// Returns its name in arguments and in the names of files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Desktop => "desktop",
            Self::Filehelper => "filehelper",
        }
    }
}

/// The address of a host, in curl's form: `HOST:PORT:ADDR`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
}

impl FromStr for Resolved {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        let resolved = (|| {
            let host = parts.next().filter(|host| !host.is_empty())?.to_owned();
            let port: u16 = parts.next()?.parse().ok()?;
            let address: IpAddr = parts.next()?.trim_matches(['[', ']']).parse().ok()?;
            Some(Self { host, address: (address, port).into() })
        })();
        resolved.ok_or("expected HOST:PORT:ADDR, like wx.qq.com:443:127.0.0.1")
    }
}

/// Parses a number of seconds, at most a year.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds @ 0..=31_536_000) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a number of seconds"),
    }
}

/// Parses a size in bytes, with a binary suffix.
fn size(text: &str) -> Result<u64, &'static str> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let size = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size > 0).ok_or("expected a size like 500M")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn addresses_have_curls_form() {
        let parsed =
            |text: &str| text.parse::<Resolved>().map(|it| (it.host, it.address.to_string()));
        assert_eq!(
            parsed("wx.qq.com:7382:127.0.0.1"),
            Ok(("wx.qq.com".to_owned(), "127.0.0.1:7382".to_owned()))
        );
        assert_eq!(parsed("a:0:[::1]"), Ok(("a".to_owned(), "[::1]:0".to_owned())));
        assert_eq!(parsed("a:1:::1"), Ok(("a".to_owned(), "[::1]:1".to_owned())));
        for wrong in ["", "a", "a:1", ":1:::1", "a:x:::1", "a:65536:::1", "a:1:b"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_binary_suffixes() {
        for (text, bytes) in [("7", 7), ("1K", 1024), ("2m", 2 << 20), ("4G", 4 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "0", "K", "1T", "-1", "1.5M", "99999999999999999999", "9999999999999G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
