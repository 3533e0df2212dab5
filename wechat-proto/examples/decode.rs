//! Decodes captures: replies of `webwxsync`, single messages, contact records.
//!
//! ```text
//! cargo run -p wechat-proto --example decode -- [--json] [--me @NAME] [FILE…]
//! ```
//!
//! Without a file, it reads the standard input. Each message is printed as a line, in the form of a
//! chat; with `--json`, in its typed form (`docs/json.md`). `--me` is the `UserName` of the account
//! that received the messages, which identifies its own messages.

use std::env;
use std::fs;
use std::io::{self, Read as _};
use std::process::ExitCode;

use serde_json::Value;
use wechat_proto::contact::Contact;
use wechat_proto::{Message, UserName};

/// The lists of replies that contain contact records.
const CONTACTS: [&str; 4] =
    ["MemberList", "ContactList", "ModContactList", "ModChatRoomMemberList"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let (mut as_json, mut me, mut files) = (false, "@me".to_owned(), Vec::new());
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => as_json = true,
            "--me" => me = args.next().ok_or("--me needs a UserName")?,
            "--help" => return Err("decode [--json] [--me @NAME] [FILE…]".into()),
            file => files.push(file.to_owned()),
        }
    }
    let me: UserName = me.parse().map_err(|error| format!("--me {me}: {error}"))?;
    if files.is_empty() {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
        return show("the standard input", &text, &me, as_json);
    }
    for file in files {
        let bytes = fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
        show(&file, &String::from_utf8_lossy(&bytes), &me, as_json)?;
    }
    Ok(())
}

/// Shows all messages and contacts of a text.
fn show(name: &str, text: &str, me: &UserName, as_json: bool) -> Result<(), String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
    if value.get("MsgType").is_some() {
        show_message(text, me, as_json)?;
    } else if let Some(messages) = value.get("AddMsgList").and_then(Value::as_array) {
        for message in messages {
            show_message(&message.to_string(), me, as_json)?;
        }
    }
    if value.get("UserName").is_some() {
        show_contact(text, as_json)?;
    }
    for list in CONTACTS {
        // In the record of a room, the list has its members.
        let inner = value.get("UserName").is_none().then(|| value.get(list)).flatten();
        for record in inner.and_then(Value::as_array).into_iter().flatten() {
            show_contact(&record.to_string(), as_json)?;
        }
    }
    Ok(())
}

fn show_message(json: &str, me: &UserName, as_json: bool) -> Result<(), String> {
    let message = Message::from_json(json, me).map_err(|error| error.to_string())?;
    if as_json {
        println!("{}", serde_json::to_string(&message).map_err(|error| error.to_string())?);
        return Ok(());
    }
    let what = match message.to_string() {
        // Status messages of the phone have no text.
        text if text.is_empty() => format!("{:?}", message.kind),
        text => text,
    };
    match &message.speaker {
        Some(speaker) => println!("{speaker} in {}: {what}", message.peer()),
        None if message.is_outgoing() => println!("to {}: {what}", message.peer()),
        None => println!("{}: {what}", message.from),
    }
    Ok(())
}

fn show_contact(json: &str, as_json: bool) -> Result<(), String> {
    // Records without a name are skipped.
    let Ok(contact) = Contact::from_json(json) else { return Ok(()) };
    if as_json {
        println!("{}", serde_json::to_string(&contact).map_err(|error| error.to_string())?);
    } else {
        println!("{} is {:?} {}", contact.user_name, contact.kind(), contact.name());
    }
    Ok(())
}
