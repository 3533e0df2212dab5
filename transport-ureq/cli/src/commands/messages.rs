//! `wechat download`, `wechat forward`, `wechat revoke`

use std::io::Read as _;

use serde_json::Value;

use super::send::sent_as;
use crate::args::{Download, Forward, Global, Revoke};
use crate::bridge::message_line::{MessageLine, not_a_line};
use crate::bridge::operation::{self, Operation};
use crate::drop::save::{self, Saved};
use crate::exit::{Exit, Failure};
use crate::operate::operate;
use crate::output::Output;
use crate::visible::visible;

/// Saves the media of a message.
pub(crate) fn download(global: &Global, args: &Download, output: &Output) -> Result<Exit, Failure> {
    let (msg_id, line) = reference(&args.message)?;
    let folder = save::folder(&args.folder)?;
    let download = operation::Download { msg_id, message: line, path: folder };
    let reply = operate(global, "download", &Operation::Download(download), output)?;
    let text = |field: &str| reply[field].as_str().unwrap_or_default();
    let saved = Saved { path: text("path").into(), size: reply["size"].as_u64().unwrap_or(0) };
    saved.report(text("msg_id"), output)?;
    Ok(Exit::Done)
}

/// Forwards a message.
pub(crate) fn forward(global: &Global, args: &Forward, output: &Output) -> Result<Exit, Failure> {
    let (msg_id, message) = reference(&args.message)?;
    let forward = operation::Forward { msg_id, message, to: args.name.clone(), key: None };
    let reply = operate(global, "forward", &Operation::Forward(forward), output)?;
    sent_as(&reply, output)?;
    Ok(Exit::Done)
}

/// Revokes a message.
pub(crate) fn revoke(global: &Global, args: &Revoke, output: &Output) -> Result<Exit, Failure> {
    let (msg_id, message) = reference(&args.message)?;
    let to = args.name.clone().filter(|_| msg_id.is_some());
    let revoke = operation::Revoke { msg_id, message, to };
    let revoked = operate(global, "revoke", &Operation::Revoke(revoke), output)?;
    output.result("revoked", &revoked, |lang| {
        let id = visible(revoked["msg_id"].as_str().unwrap_or_default());
        lang.pick(format!("Revoked message {id}."), format!("已撤回消息 {id}。"))
    })?;
    Ok(Exit::Done)
}

/// Parses the argument that names a message: an id or a line.
fn reference(argument: &str) -> Result<(Option<String>, Option<Value>), Failure> {
    let mut line = argument.to_owned();
    if argument == "-" {
        line.clear();
        std::io::stdin().read_to_string(&mut line).map_err(Failure::stdin)?;
    } else if !argument.trim_start().starts_with('{') {
        return Ok((Some(line), None));
    }
    let value: Value = serde_json::from_str(&line).map_err(|_| not_a_line(&line))?;
    MessageLine::of(&value)?;
    Ok((None, Some(value)))
}
