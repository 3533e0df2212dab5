//! The arguments of the command.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::serve::scenario::Entry;
use crate::violation::Mode;

/// A simulator of the WeChat web service.
#[derive(Debug, Parser)]
#[command(name = "wechat-simulator", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves a simulated account until Ctrl-C.
    Serve(Box<Serve>),
    /// Checks a world file and prints each problem with its line.
    Check {
        /// The file, in TOML.
        file: PathBuf,
    },
}

/// The options of the command. If an option is repeated, its last value applies.
#[derive(ClapArgs, Clone, Debug)]
#[command(args_override_self = true)]
pub(crate) struct Serve {
    /// The port of plain HTTP, with every host of the service at one origin; 0 chooses a free port.
    #[arg(long, default_value_t = 7380)]
    pub(crate) port: u16,
    /// The port of HTTPS for the true host names; 0 chooses a free port.
    #[arg(long, default_value_t = 7343)]
    pub(crate) tls_port: u16,
    /// The port of the proxy for the true host names; 0 chooses a free port.
    #[arg(long, default_value_t = 7381)]
    pub(crate) proxy_port: u16,
    /// The port of the control API and its page; 0 chooses a free port.
    #[arg(long, default_value_t = 7382)]
    pub(crate) control_port: u16,
    /// The address of all ports. Any address but loopback needs --control-token.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) bind: IpAddr,
    /// The token that requests to the control API must send: `Authorization: Bearer TOKEN`.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WECHAT_SIMULATOR_CONTROL_TOKEN",
        hide_env_values = true
    )]
    pub(crate) control_token: Option<String>,
    /// The folder of the certificate authority, which is created on first use. Default: .wechat-simulator in the home
    /// directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) ca_dir: Option<PathBuf>,
    /// The requests to refuse: those that the service refuses, those that its page does not send from a browser, or
    /// those that the library `wechat-proto` does not send.
    #[arg(long, value_enum, default_value_t = Mode::Service)]
    pub(crate) mode: Mode,
    /// The page on which the client logs in. Default: the world file's, or web.
    #[arg(long, value_enum)]
    pub(crate) entry: Option<Entry>,
    /// The seed of ids, names and contents. Default: the world file's, or 2011.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The world's clock: the system's, or one that starts on 18 May 2033 and advances only with requests.
    #[arg(long, value_enum, default_value_t = Clock::Real)]
    pub(crate) clock: Clock,
    /// Adds this number of generated friends. They replace the demonstration's people, if there is no world file.
    #[arg(long, value_name = "N")]
    pub(crate) contacts: Option<usize>,
    /// Adds this number of generated rooms, likewise. Without other people, a dozen friends are generated as members.
    #[arg(long, value_name = "N")]
    pub(crate) rooms: Option<usize>,
    /// Scans and confirms every QR code, and confirms every push login.
    #[arg(long)]
    pub(crate) auto_confirm: bool,
    /// The world file, in TOML: people, rooms, reactions and script.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Appends each request to this file, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Prints the addresses as one line of JSON, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Clock {
    Real,
    Fixed,
}
