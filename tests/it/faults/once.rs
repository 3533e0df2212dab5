//! What changes something is asked for once.

use std::collections::BTreeSet;
use std::path::Path;

use wechat_proto::error::{Ret, Sent};
use wechat_proto::message::{
    Receipt, forward, send_emoticon, send_image, send_media, send_text, send_video,
};
use wechat_proto::room::{AddMembers, Members};
use wechat_proto::{Call, Device, Error, Flow, Interrupt, Session};

use super::line::{Fault, Line};

use super::calls::{AGAIN, ONCE, Stage, md5};

/// The public functions of the core that give a call: `file::function`.
fn builders(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            builders(&path, root, found);
            continue;
        }
        let file = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        if file.ends_with("tests.rs") || file == "call.rs" || !file.ends_with(".rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for part in text.split("pub fn ").skip(1) {
            let signature = part.split('{').next().unwrap_or_default();
            let gives = signature.contains("-> Call<") || signature.contains("-> Result<Call<");
            if gives {
                let name = signature.split(['(', '<']).next().unwrap_or_default();
                let method = signature.contains("&self");
                let of = if method { "Forward::" } else { "" };
                found.insert(format!("{file}::{of}{name}"));
            }
        }
    }
}

/// Whoever adds a call says whether it changes something.
#[test]
fn all_calls_are_known_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wechat-proto/src");
    let mut found = BTreeSet::new();
    builders(&root, &root, &mut found);
    let once = ONCE.iter().map(|(name, _)| *name);
    let known: BTreeSet<String> = once.chain(AGAIN.iter().copied()).map(String::from).collect();
    assert_eq!(found, known);
}

/// Whether nobody can say that it took place: told as such, or as what came in place of an answer.
fn fits(error: &Error, fault: Fault) -> bool {
    match error {
        Error::Transport(failure) => fault.is_unsent() && failure.sent == Sent::No,
        Error::Unanswered(Some(failure)) => Some((failure.kind, failure.sent)) == fault.failure(),
        Error::LoggedOut { ret, .. } => Some(ret.0) == fault.ret(),
        Error::Limited { .. } => fault == Fault::Limited,
        Error::Refused { ret, .. } => Some(ret.0) == fault.ret(),
        Error::Malformed { .. } | Error::Status { .. } => {
            fault.failure().is_none() && fault.ret().is_none()
        }
        _ => false,
    }
}

/// Threat S9. Each call that changes something, each way to fail: the service sees it once, however
/// often it is polled.
#[test]
fn each_is_asked_for_once() {
    let stage = Stage::new();
    for (name, build) in ONCE {
        for fault in Fault::ALL {
            let at = format!("{name}, {fault:?}");
            let (mut line, mut account) = (stage.bot.line.twin(), stage.bot.account.clone());
            line.fault = Some((line.asked, 1, fault));
            let mut call = build(&stage, account.session_mut(), line.now());
            assert!(call.text.ends_with("Once)"), "{}", call.text);
            let before = line.seen(&call.endpoint);
            let flow = &mut *call.flow;
            let device = account.as_mut();
            let error = run(&mut line, flow, device).expect_err(&at);
            assert!(fits(&error, fault), "{at}: {error:?}");
            // Polled again: sent again only if it certainly was not before.
            let seen = line.seen(&call.endpoint) - before;
            assert_eq!(seen, usize::from(fault.is_done() || fault.ret().is_some()), "{at}");
            let again = run(&mut line, flow, device);
            if fault.is_unsent() {
                // This time it arrives: only an owner removes members.
                let refused = matches!(again, Err(Error::Refused { ret: Ret::PARAMETER, .. }));
                assert!(again.is_ok() || refused, "{at}: {again:?}");
                assert_eq!(line.seen(&call.endpoint) - before, 1, "{at}");
            } else {
                assert!(matches!(again, Err(Error::Unanswered(None))), "{at}: {again:?}");
            }
            let asked = line.asked;
            for _ in 0..3 {
                let again = run(&mut line, flow, device);
                assert!(matches!(again, Err(Error::Unanswered(None))), "{at}: {again:?}");
            }
            assert_eq!(line.asked, asked, "{at}");
            let seen = line.seen(&call.endpoint) - before;
            assert!(seen <= 1, "{at}: seen {seen} times");
            assert_eq!(line.simulator.world().violations(), [], "{at}");
        }
        // Given up in the middle of its exchange.
        let (mut line, mut account) = (stage.bot.line.twin(), stage.bot.account.clone());
        let mut call = build(&stage, account.session_mut(), line.now());
        let device = account.as_mut();
        let sent = call.flow.poll(device, line.now());
        assert!(matches!(sent, Err(Interrupt::Send(_))), "{name}");
        for _ in 0..3 {
            let again = run(&mut line, &mut *call.flow, device);
            assert!(matches!(again, Err(Error::Unanswered(None))), "{name}: {again:?}");
        }
    }
}

fn run(
    line: &mut Line,
    flow: &mut dyn Flow<State = Device, Output = ()>,
    device: &mut Device,
) -> Result<(), Error> {
    loop {
        if let Some(result) = line.step(flow, device, &[]) {
            return result;
        }
    }
}

/// Threat S9. A send that is repeated under its number is one message, whatever became of the
/// first; the service counts.
#[test]
fn a_send_repeated_under_its_number_is_one_message() {
    type Again = fn(&Stage, &mut Session, wechat_proto::ClientMsgId) -> Call<Receipt>;
    const SENDS: [Again; 8] = [
        |s, x, id| send_text::again(x, &s.friend, "x", id),
        |s, x, id| send_text::mention_again(x, &s.room, "@x", std::slice::from_ref(&s.friend), id),
        |s, x, id| send_image::again(x, &s.friend, &s.uploads[0], id),
        |s, x, id| send_video::again(x, &s.friend, &s.uploads[1], id),
        |s, x, id| send_emoticon::again(x, &s.friend, &s.uploads[2], id),
        |s, x, id| send_emoticon::known_again(x, &s.friend, &md5(), id),
        |s, x, id| send_media::again(x, &s.friend, &s.uploads[3], id),
        |s, x, id| forward::again(x, &s.heard, &s.friend, id).unwrap(),
    ];
    let stage = Stage::new();
    for (number, again) in SENDS.into_iter().enumerate() {
        for fault in Fault::ALL {
            let at = format!("send {number}, {fault:?}");
            if fault == Fault::Kicked {
                continue;
            }
            let (mut line, mut account) = (stage.bot.line.twin(), stage.bot.account.clone());
            line.fault = Some((line.asked, 1, fault));
            let before = line.simulator.world().sent().len();
            let id = account.session_mut().next_client_msg_id(line.now());
            let mut call = again(&stage, account.session_mut(), id);
            let first = line.run(&mut call, account.as_mut(), &[]);
            first.expect_err(&at);
            let mut call = again(&stage, account.session_mut(), id);
            let receipt = line.run(&mut call, account.as_mut(), &[]);
            let receipt = receipt.unwrap_or_else(|error| panic!("{at}: {error:?}"));
            let world = line.simulator.world();
            let [sent] = &world.sent()[before..] else { panic!("{at}: not one message") };
            assert_eq!(sent.repeats, usize::from(fault.is_done()), "{at}");
            assert_eq!(sent.msg_id, receipt.msg_id.as_str(), "{at}");
            assert_eq!(world.violations(), [], "{at}");
        }
    }
}

/// Threat S9. Nobody is added, or invited, twice.
#[test]
fn members_come_into_a_room_once() {
    let stage = Stage::new();
    for fault in Fault::ALL {
        let (mut line, mut account) = (stage.bot.line.twin(), stage.bot.account.clone());
        line.fault = Some((line.asked, 1, fault));
        let mut adding = AddMembers::new(&stage.room_known, Members::from(stage.friend.clone()));
        for _ in 0..4 {
            if line.run(&mut adding, account.as_mut(), &[]).is_ok() {
                break;
            }
        }
        let seen = line.seen("webwxupdatechatroom");
        assert!(seen <= 1, "{fault:?}: seen {seen} times");
        assert_eq!(line.simulator.world().violations(), [], "{fault:?}");
    }
}
