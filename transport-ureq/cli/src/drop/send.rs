//! `wechat drop FILE…`

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::NamedTempFile;
use wechat_proto::media::LocalFile;
use wechat_proto::message::Receipt;
use wechat_proto::{Error, UserName};
use wechat_transport_ureq::{Client, OutgoingFile};

use super::ledger::Ledger;
use crate::args::{Drop, EntryName, Global};
use crate::bridge::holder::{Connection, NotDone};
use crate::bridge::operation::{self, Operation};
use crate::client;
use crate::commands::send::{absolute, receipt};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::profile::{Access, Profile};
use crate::upload;
use crate::visible::visible;

/// A text or a file to send.
enum Item {
    Text(String),
    File(PathBuf),
    /// Standard input, spooled: its size and MD5 are sent before its bytes.
    Spooled(File, LocalFile),
}

/// Sends the text, then the files, and continues after a failure. Returns the exit code of the first
/// failure.
pub(crate) fn run(global: &Global, drop: &Drop, output: &Output) -> Result<Exit, Failure> {
    let items = items(drop)?;
    let profile = Profile::new(global, EntryName::Filehelper)?;
    let mut way = Way::open(global, &profile, output)?;
    let mut first = None;
    for item in items {
        let (path, name) = (item.path(), item.name(drop));
        let result = loop {
            match &mut way {
                Way::Alone(client, _) => break item.send(client, &name, output),
                Way::Shared(holder) => match item.request(holder, &name) {
                    Ok(sent) => break Ok(sent),
                    Err(NotDone::Failed(failure)) => break Err(failure),
                    Err(NotDone::NotBegun) => way = Way::open(global, &profile, output)?,
                },
            }
        };
        match result {
            Ok((receipt, size)) => {
                if let Way::Alone(_, ledger) = &way {
                    ledger.note_sent(&receipt.msg_id.to_string())?;
                }
                sent(&receipt, path.as_deref(), &name, size, output)?;
            }
            Err(failure) => {
                let failure = profile.advise(failure);
                first.get_or_insert(failure.exit);
                failed(path.as_deref(), &failure, output)?;
            }
        }
    }
    if let Way::Alone(client, _) = &way {
        client.save_session()?;
    }
    Ok(first.unwrap_or(Exit::Done))
}

/// The process that sends the messages.
enum Way {
    /// This process, which holds the session.
    Alone(Client, Ledger),
    /// Another process, which holds the session.
    Shared(Connection),
}

impl Way {
    fn open(global: &Global, profile: &Profile, output: &Output) -> Result<Self, Failure> {
        Ok(match profile.access("drop", output)? {
            Access::Held(held) => {
                let client = client::open_profile(global, profile, held, output)?;
                Self::Alone(client, Ledger::open(&profile.path)?)
            }
            Access::Shared(holder) => Self::Shared(holder),
        })
    }
}

/// Returns the items of the arguments. Standard input is read to its end.
fn items(drop: &Drop) -> Result<Vec<Item>, Failure> {
    let from_input = drop.files.iter().filter(|path| *path == Path::new("-")).count();
    let from_input = from_input + usize::from(drop.text.as_deref() == Some("-"));
    if from_input > 1 {
        return Err(Failure::new(
            Exit::Usage,
            "standard input can be sent once only",
            "标准输入只能发送一次",
        ));
    }
    if drop.name.is_some() && drop.files.len() != 1 {
        return Err(Failure::new(
            Exit::Usage,
            "`--name` is the name of one file",
            "`--name` 只能用于一个文件",
        ));
    }
    let mut items = Vec::new();
    if let Some(text) = &drop.text {
        items.push(Item::Text(upload::text(text)?));
    }
    for path in &drop.files {
        items.push(match path {
            path if path == Path::new("-") => {
                let (reader, file) = spool(drop.name.as_deref().unwrap_or("stdin"))?;
                Item::Spooled(reader, file)
            }
            path => Item::File(path.clone()),
        });
    }
    Ok(items)
}

/// Copies standard input to a temporary file without a name, which only this process can read.
fn spool(name: &str) -> Result<(File, LocalFile), Failure> {
    let mut reader = tempfile::tempfile().map_err(Failure::stdin)?;
    let size = io::copy(&mut io::stdin().lock(), &mut reader).map_err(Failure::stdin)?;
    reader.rewind().map_err(Failure::stdin)?;
    let file = LocalFile::new(name, size).map_err(Error::from)?;
    Ok((reader, file.as_document()))
}

impl Item {
    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Text(_) => None,
            Self::File(path) => Some(path.clone()),
            Self::Spooled(..) => Some("-".into()),
        }
    }

    /// Returns the name that the phone shows; empty for a text.
    fn name(&self, drop: &Drop) -> String {
        match (self, &drop.name) {
            (Self::Text(_), _) => String::new(),
            (_, Some(name)) => name.clone(),
            (Self::File(path), None) => {
                path.file_name().unwrap_or_default().to_string_lossy().into_owned()
            }
            (Self::Spooled(_, file), None) => file.name().to_owned(),
        }
    }

    /// Sends the item, and returns its receipt and length. Files are sent as documents, so that the
    /// originals arrive.
    fn send(self, client: &Client, name: &str, output: &Output) -> Result<(Receipt, u64), Failure> {
        let to = UserName::file_helper();
        let file = match self {
            Self::Text(text) => {
                let length = text.len() as u64;
                return Ok((client.send_text(to, text)?, length));
            }
            Self::File(path) => {
                upload::open(&path, &OutgoingFile::new(&path).named(name).as_document())?
            }
            Self::Spooled(reader, file) => (reader, file),
        };
        let size = file.1.size();
        Ok((client.call(upload::upload(client, to, file, Some(output))?)?, size))
    }

    /// Sends the item through the process that holds the session.
    fn request(&self, holder: &mut Connection, name: &str) -> Result<(Receipt, u64), NotDone> {
        let to = UserName::file_helper().as_str().to_owned();
        let name = Some(name.to_owned());
        // The temporary file is removed after the holder has read it.
        let mut copy = None;
        let (operation, size) = match self {
            Self::Text(text) => {
                let send = operation::Text { to, text: text.clone(), key: None };
                (Operation::SendText(send), text.len() as u64)
            }
            Self::File(path) => {
                let size = upload::open(path, &OutgoingFile::new(path).as_document())?.1.size();
                let file = operation::File { to, path: absolute(path)?, name, key: None };
                (Operation::SendFile(file), size)
            }
            Self::Spooled(reader, local) => {
                let (mut reader, file) = (reader, NamedTempFile::new().map_err(Failure::stdin)?);
                let file = copy.insert(file);
                reader.rewind().map_err(Failure::stdin)?;
                io::copy(&mut reader, file.as_file_mut()).map_err(Failure::stdin)?;
                let path = file.path().to_path_buf();
                let file = operation::File { to, path, name, key: None };
                (Operation::SendFile(file), local.size())
            }
        };
        let reply = holder.request(&operation)?;
        Ok((receipt(&reply)?, size))
    }
}

fn sent(
    receipt: &Receipt,
    path: Option<&Path>,
    name: &str,
    size: u64,
    output: &Output,
) -> Result<(), Failure> {
    let own = receipt.client_msg_id.as_ref().map(ToString::to_string);
    let fields = json!({
        "file": path.map(Path::to_string_lossy),
        "name": name,
        "size": size,
        "to": UserName::file_helper(),
        "msg_id": receipt.msg_id,
        "client_msg_id": own,
    });
    output.result("sent", &fields, |lang| match path {
        Some(_) => {
            let (name, size) = (visible(name), upload::size(size));
            lang.pick(format!("Sent {name} ({size})."), format!("已发送 {name}（{size}）。"))
        }
        None => lang.pick("Sent the note.", "已发送文字。").to_owned(),
    })
}

/// Reports an item that could not be sent: as a JSON line, or on standard error.
fn failed(path: Option<&Path>, failure: &Failure, output: &Output) -> Result<(), Failure> {
    if !output.json {
        output.report(failure);
        return Ok(());
    }
    let fields = json!({ "file": path.map(Path::to_string_lossy), "error": output.error(failure) });
    output.result("failed", &fields, |_| String::new())
}
