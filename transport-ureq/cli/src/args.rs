//! The arguments of the command.

mod commands;
pub(crate) mod usage;
mod zh;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use wechat_proto::hosts::Origin;

pub(crate) use self::commands::*;
use crate::exit::Exit;
use crate::inspect::Inspect;
use crate::lang::Lang;

/// WeChat on the command line.
///
/// Sends files to your own phone and saves files from it, reads and writes messages. Not affiliated
/// with Tencent, which does not let every account log in on the web; `--entry filehelper`, the
/// file-transfer page, is open to every account, as far as is known, and reaches your own phone
/// only.
#[derive(Debug, Parser)]
#[command(name = "wechat", version, after_help = Exit::table(Lang::En), arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Parses the arguments of the process.
    ///
    /// # Errors
    ///
    /// The error of clap, also for `--help` and `--version`, with its help in this language.
    pub(crate) fn read(lang: Lang) -> Result<Self, clap::Error> {
        let mut command =
            lang.pick(|command| command, zh::localized as fn(_) -> _)(Self::command());
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// The commands, each with a file in `commands`.
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
    Bridge(Bridge),
    Completions(Completions),
}

/// The options of all commands.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct Global {
    /// Use this server instead of Tencent's, such as a simulator: its scheme, host and port
    #[arg(long, global = true, hide_short_help = true, value_name = "ORIGIN")]
    pub(crate) server: Option<Origin>,
    /// Connect to this address for a host; can be repeated
    #[arg(long, global = true, hide_short_help = true, value_name = "HOST:PORT:ADDR")]
    pub(crate) resolve: Vec<Resolved>,
    /// Also trust the certificates of this PEM file; can be repeated
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
    /// Connect through an HTTP or SOCKS proxy, such as socks5://USER:PASSWORD@HOST:PORT
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
    /// With `--trace`: record secrets too; anyone with the file can use your account
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

/// An entry point of the service.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn addresses_have_the_form_of_curl() {
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
}
