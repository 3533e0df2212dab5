//! An endpoint that must not be repeated reaches the service at most once.

use std::collections::BTreeSet;
use std::fmt::Debug;

use bytes::Bytes;
use wechat_fuzz::{Make, Row, Visitor, endpoints};
use wechat_proto::endpoint::{Numbered, Repeat};
use wechat_proto::error::{Ret, Sent};

use wechat_proto::message::{
    ForwardMessage, Receipt, SendEmoticon, SendImage, SendText, SendUpload, SendVideo,
};
use wechat_proto::room::{AddMembers, RoomMembers};
use wechat_proto::{Account, Call, Endpoint, Error, Flow, Interrupt, Session, Timestamp};

use super::calls::{ONCE, Stage, md5, title};
use super::line::{Fault, Line};

/// [`ONCE`] has each endpoint that must not be repeated.
#[test]
fn every_once_endpoint_has_a_call() {
    struct All(BTreeSet<&'static str>);
    impl Visitor for All {
        fn visit<E>(&mut self, _: Row, _: Make<E>)
        where
            E: Endpoint + 'static,
            E::Output: Debug,
            Account: AsMut<E::State>,
        {
            if E::REPEAT == Repeat::Once {
                self.0.insert(title::<E>());
            }
        }
    }
    let mut all = All(BTreeSet::new());
    endpoints(&mut all);
    let stage = Stage::new();
    let once: BTreeSet<_> = ONCE.iter().map(|build| build(&stage).title).collect();
    assert_eq!(once, all.0);
}

/// Threat S9. Without a `Call`, [`Endpoint::receive`] reports every response that is not from the
/// endpoint as [`Error::Unanswered`], and classifies the others.
#[test]
fn receive_reports_foreign_responses_as_unanswered() {
    struct Receive(Account, Timestamp);
    impl Visitor for Receive {
        fn visit<E>(&mut self, Row { title, .. }: Row, make: Make<E>)
        where
            E: Endpoint + 'static,
            E::Output: Debug,
            Account: AsMut<E::State>,
        {
            if E::REPEAT == Repeat::Safe {
                return;
            }
            let Self(account, now) = &*self;
            for fault in Fault::ALL.into_iter().filter(|fault| fault.failure().is_none()) {
                let at = format!("{title}, {fault:?}");
                let mut account = account.clone();
                let mut endpoint = make.value(&mut account);
                let uri = endpoint.request(account.as_mut(), *now).uri().clone();
                let (status, body) = match fault.ret() {
                    Some(ret) => (200, format!("{{\"BaseResponse\":{{\"Ret\":{ret}}}}}").into()),
                    None => (fault.body().0, Bytes::from_static(fault.body().2)),
                };
                let response = http::Response::builder().status(status).body(body).unwrap();
                let received = endpoint.receive(account.as_mut(), &uri, &response, *now);
                let error = received.expect_err(&at);
                assert!(matches_fault(&error, fault), "{at}: {error:?}");
                let closed = account.session().device().closed();
                assert_eq!(closed.is_some(), fault == Fault::Kicked, "{at}");
            }
        }
    }
    let Stage { bot, .. } = Stage::new();
    let now = bot.line.now();
    endpoints(&mut Receive(bot.account, now));
}

/// Returns whether an error matches a fault: nothing was sent, the service refused, or
/// [`Error::Unanswered`] with the cause.
fn matches_fault(error: &Error, fault: Fault) -> bool {
    match error {
        Error::Transport(failure) => fault.is_unsent() && failure.sent == Sent::No,
        Error::Unanswered { cause: Some(cause) } => match &**cause {
            Error::Transport(failure) => Some((failure.kind, failure.sent)) == fault.failure(),
            Error::Malformed { .. } | Error::Status { .. } => {
                fault.failure().is_none() && fault.ret().is_none()
            }
            _ => false,
        },
        Error::LoggedOut { ret, .. } => Some(ret.0) == fault.ret(),
        Error::Limited { .. } => fault == Fault::Limited,
        Error::Refused { ret, .. } => Some(ret.0) == fault.ret(),
        _ => false,
    }
}

/// Threat S9. Each call with each fault: the service receives the request at most once, however
/// often the call is polled.
#[test]
fn each_call_arrives_at_most_once() {
    let stage = Stage::new();
    for (number, build) in ONCE.iter().enumerate() {
        for fault in Fault::ALL {
            let (mut line, mut account) = (stage.bot.line.fork(), stage.bot.account.clone());
            line.fault = Some((line.requests, 1, fault));
            let mut call = build(&stage);
            let at = format!("{} ({number}), {fault:?}", call.title);
            let before = line.seen(&call.endpoint);
            let flow = &mut *call.flow;
            let error = run(&mut line, flow, &mut account).expect_err(&at);
            assert!(matches_fault(&error, fault), "{at}: {error:?}");
            // If the call is polled again, the request is repeated only if it is certain that
            // nothing was sent.
            let seen = line.seen(&call.endpoint) - before;
            assert_eq!(seen, usize::from(fault.is_done() || fault.ret().is_some()), "{at}");
            let again = run(&mut line, flow, &mut account);
            if fault.is_unsent() {
                // The request arrives now. The service lets only the owner remove members.
                let refused = matches!(again, Err(Error::Refused { ret: Ret::PARAMETER, .. }));
                assert!(again.is_ok() || refused, "{at}: {again:?}");
                assert_eq!(line.seen(&call.endpoint) - before, 1, "{at}");
            } else {
                assert!(matches!(again, Err(Error::Unanswered { cause: None })), "{at}: {again:?}");
            }
            let requests = line.requests;
            for _ in 0..3 {
                let again = run(&mut line, flow, &mut account);
                assert!(matches!(again, Err(Error::Unanswered { cause: None })), "{at}: {again:?}");
            }
            assert_eq!(line.requests, requests, "{at}");
            let seen = line.seen(&call.endpoint) - before;
            assert!(seen <= 1, "{at}: seen {seen} times");
            assert_eq!(line.simulator.world().violations(), [], "{at}");
        }
        // The call is cancelled during its exchange.
        let (mut line, mut account) = (stage.bot.line.fork(), stage.bot.account.clone());
        let mut call = build(&stage);
        let name = call.title;
        let sent = call.flow.poll(&mut account, line.now());
        assert!(matches!(sent, Err(Interrupt::Send(_))), "{name}");
        for _ in 0..3 {
            let again = run(&mut line, &mut *call.flow, &mut account);
            assert!(matches!(again, Err(Error::Unanswered { cause: None })), "{name}: {again:?}");
        }
    }
}

fn run(
    line: &mut Line,
    flow: &mut dyn Flow<State = Account, Output = ()>,
    account: &mut Account,
) -> Result<(), Error> {
    loop {
        if let Some(result) = line.step(flow, account, &[]) {
            return result;
        }
    }
}

/// Threat S9. A send repeated with its id is one message for the service, whatever the outcome of
/// the first call.
#[test]
fn repeated_send_is_one_message() {
    let s = Stage::new();
    let (friend, room) = (|| s.friend.clone(), || s.room.clone());
    repeated(&s, SendText::new(friend(), "x"));
    repeated(&s, SendText::new(room(), "@x").with_mentions(&[friend()]));
    repeated(&s, SendImage::new(friend(), &s.uploads[0]));
    repeated(&s, SendVideo::new(friend(), &s.uploads[1]));
    repeated(&s, SendEmoticon::new(friend(), &s.uploads[2]));
    repeated(&s, SendEmoticon::known(friend(), md5()));
    repeated(&s, SendUpload::new(friend(), &s.uploads[3]));
    repeated(&s, ForwardMessage::new(&s.received, friend()).unwrap());
}

/// Asserts that a send keeps its id, even if the first call was cancelled (`None`).
fn repeated<E>(stage: &Stage, send: E)
where
    E: Numbered<State = Session, Output = Receipt> + Clone,
{
    for fault in Fault::ALL.map(Some).into_iter().chain([None]) {
        let at = format!("{}, {fault:?}", title::<E>());
        if fault == Some(Fault::Kicked) {
            continue;
        }
        let (mut line, mut account) = (stage.bot.line.fork(), stage.bot.account.clone());
        let before = line.simulator.world().sent().len();
        let mut send = send.clone();
        match fault {
            Some(fault) => {
                line.fault = Some((line.requests, 1, fault));
                let first = line.run(&mut Call::new(&mut send), account.session_mut(), &[]);
                first.expect_err(&at);
            }
            None => {
                let mut call = Call::new(&mut send);
                let sent = call.poll(account.session_mut(), line.now());
                assert!(matches!(sent, Err(Interrupt::Send(_))), "{at}");
            }
        }
        let receipt = line.run(&mut Call::new(&mut send), account.session_mut(), &[]);
        let receipt = receipt.unwrap_or_else(|error| panic!("{at}: {error:?}"));
        let world = line.simulator.world();
        let [sent] = &world.sent()[before..] else { panic!("{at}: not one message") };
        assert_eq!(sent.repeats, usize::from(fault.is_some_and(Fault::is_done)), "{at}");
        assert_eq!(sent.msg_id, receipt.msg_id.to_string(), "{at}");
        assert_eq!(world.violations(), [], "{at}");
    }
}

/// Threat S9. No member is added or invited twice.
#[test]
fn members_are_added_once() {
    let stage = Stage::new();
    for fault in Fault::ALL {
        let (mut line, mut account) = (stage.bot.line.fork(), stage.bot.account.clone());
        line.fault = Some((line.requests, 1, fault));
        let mut adding =
            AddMembers::new(&stage.room_known, RoomMembers::from(stage.friend.clone()));
        for _ in 0..4 {
            if line.run(&mut adding, &mut account, &[]).is_ok() {
                break;
            }
        }
        let seen = line.seen("webwxupdatechatroom");
        assert!(seen <= 1, "{fault:?}: seen {seen} times");
        assert_eq!(line.simulator.world().violations(), [], "{fault:?}");
    }
}
