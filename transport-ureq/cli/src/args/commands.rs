//! The arguments of each command.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap_complete::Shell;

/// Log in with a QR code, or resume the stored session
///
/// Examples:
///   wechat login                       all chats, if your account may use the web
///   wechat login --entry filehelper    your own phone only; open to every account
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Login {
    /// Log in again, even if the stored session is still open or was dropped by the service
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
/// Messages are never sent twice: exit code 7 means that there was no answer, so
/// that the message may have arrived.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    override_usage = "wechat send [OPTIONS] <NAME> <TEXT|--file <PATH>|--image <PATH>>"
)]
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
/// Uses the file-transfer page, which is open to every account, as far as is
/// known. On the phone, the files are in the chat "File Transfer". Without an open
/// session, shows a QR code in a terminal, and otherwise exits with 3.
///
/// Examples:
///   wechat drop report.pdf photo.jpg
///   wechat drop --text "the code is 1234"
///   tar c notes | wechat drop - --name notes.tar
///   wechat drop --receive ~/Inbox
///   wechat drop --receive ~/Inbox --exec /usr/local/bin/print-it
///
/// Received files get their names when they are complete, and replace no other
/// file. After a kill or a crash, the next start continues: each file is saved
/// exactly once. `--exec` runs at most once for each file, after it was saved.
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
/// Without an open session, shows a QR code in a terminal. Each message is
/// acknowledged after it was printed; those that arrived while no `listen` ran are
/// printed first.
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

/// Chat with a contact or a room
///
/// Sends each line of standard input until its end (Ctrl-D), and prints the
/// messages of this chat. Those of other chats stay for the next `listen`.
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
    /// The message as `listen --json` prints it; `-` reads it from standard input. If the command
    /// that received it is still running, its id suffices
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
    /// The message as `listen --json` prints it; `-` reads it from standard input. If the command
    /// that received it is still running, its id suffices
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
    /// The line of `send --json` or `listen --json`; `-` reads it from standard input. An id
    /// is enough if the receiver is given, or if the command that sent the message is still running
    pub(crate) message: String,
    /// With an id: the receiver
    pub(crate) name: Option<String>,
}

/// Offer the session to programs in any language, as JSON lines on standard input and output
///
/// Each line of standard input is a request, each line of standard output a reply
/// or an event, described in
/// <https://github.com/wechat-proto/wechat-proto/blob/main/transport-ureq/cli/docs/bridge.md>
///
/// Examples:
///   echo '{"id":1,"do":"send_text","to":"filehelper","text":"hi"}' | wechat bridge
///   wechat bridge --listen 127.0.0.1:8017 --token-file token
///
/// A message arrives again at the next start until a request `ack` acknowledges its event.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Bridge {
    /// Acknowledge each message as soon as it is written; messages that your program has not handled
    /// when it ends are lost
    #[arg(long)]
    pub(crate) auto_ack: bool,
    /// Serve HTTP at this address instead
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "auto_ack")]
    pub(crate) listen: Option<SocketAddr>,
    /// Read the token of HTTP from this file [default: a new one, printed on standard error]
    #[arg(long, value_name = "FILE", requires = "listen")]
    pub(crate) token_file: Option<PathBuf>,
    /// Allow an address that other machines can reach, without TLS
    #[arg(long, requires = "listen")]
    pub(crate) allow_remote: bool,
}

/// Print completions for a shell
///
/// Example: wechat completions bash > ~/.local/share/bash-completion/completions/wechat
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
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
    use super::*;

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
