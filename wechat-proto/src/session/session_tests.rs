use alloc::format;
use alloc::string::ToString as _;

use proptest::prelude::*;

use super::*;
use crate::endpoint::Endpoint as _;
use crate::error::Ret;
use crate::ids::MsgId;
use crate::retry::Lane;
use crate::rng::Generator;
use crate::sync::SyncCheck;
use crate::testing::{NOW, http_of, reply, session, with_cookies};

#[path = "secret_tests.rs"]
mod secret;

/// Returns the session as it is stored, without the state of the generator, which differs after
/// each load.
pub(crate) fn without_generator(mut session: Session) -> String {
    session.device.rng = Generator::default();
    session.to_json()
}

impl Session {
    /// Finishes the current batch, so that all acknowledged ids become recent ones.
    fn finish_batch(&mut self) {
        let key = self.sync_key.clone();
        self.acks_mut().park(Some(key), None);
        self.acks_mut().deliver(&mut Vec::new());
        self.advance();
    }
}

/// Returns a session with a value in every field.
pub(crate) fn filled() -> Session {
    let mut session = session();
    let uri = http_of(SyncCheck, &mut session).uri().clone();
    let answer = reply("window.synccheck={retcode:\"0\",selector:\"0\"}");
    let lines = ["wxsid=a/+=; Secure; Max-Age=9", "t=1; Domain=qq.com"];
    let answer = with_cookies(answer, &lines);
    SyncCheck.receive(&mut session, &uri, &answer, NOW).unwrap();
    session.sync_check_key = Some(session.sync_key.clone());
    session.chat_set = ["@a", "@@b"].map(|name| name.parse().unwrap()).into();
    session.me.nick_name = "张三 \"😄\"\u{2028}".into();
    for id in ["1", "8410419333108271670"] {
        session.acks_mut().acknowledge(&id.into(), None);
        if id == "1" {
            session.finish_batch();
        }
    }
    session.next_client_msg_id(NOW);
    session
}

#[test]
fn a_session_survives_storage() {
    let session = filled();
    let json = session.to_json();
    let mut again = Session::from_json(&json).unwrap();
    assert_eq!(without_generator(again.clone()), without_generator(session.clone()));
    // Storing twice produces the same text, and ids keep increasing.
    assert_eq!(session.to_json(), json);
    assert!(again.next_client_msg_id(NOW) > session.last_client_msg_id);
}

#[test]
fn mixed_copies_draw_different_values() {
    let json = filled().to_json();
    let [mut a, mut b] = [(); 2].map(|()| Session::from_json(&json).unwrap());
    a.mix_seed([1; 32]);
    b.mix_seed([2; 32]);
    assert_ne!(a.device.rng.device_id(), b.device.rng.device_id());
}

#[test]
fn copies_of_one_login_have_the_same_login() {
    let mut session = filled();
    let login = session.version().login();
    let copy = Session::from_json(&session.snapshot().to_json()).unwrap();
    assert_eq!(copy.version().login(), login);
    session.auth.sid = Secret::try_from(Box::from("another")).unwrap();
    assert_ne!(session.version().login(), login);
}

#[test]
fn the_device_is_ready_for_another_login() {
    let mut session = filled();
    session.device.close(Ret::SESSION_INVALID, NOW);
    let again = Session::from_json(&session.to_json()).unwrap();
    assert_eq!(again.device().closed(), Some(Ret::SESSION_INVALID));
    let device = again.into_device();
    assert_eq!(device.closed(), None);
    let jar = |device: &Device| serde_json::to_string(&device.jar).unwrap();
    assert_eq!(jar(&device), jar(&session.device));
}

#[test]
fn back_off_is_not_stored() {
    let mut session = filled();
    (0..10).for_each(|_| session.device.backoff(Lane::Inbox).idle());
    session.device.backoff(Lane::Login).idle();
    let again = Session::from_json(&session.to_json()).unwrap();
    assert_eq!(without_generator(again), without_generator(session));
}

/// The entry and the number of the account are stored.
#[test]
fn the_entry_is_stored() {
    use crate::entry::Entry;

    let desktop = Entry::desktop("2.0.0".parse().unwrap(), "Go8F+/==".parse().unwrap());
    for entry in [desktop, Entry::file_helper()] {
        let mut session = filled();
        session.device = session.device.with_entry(entry);
        session.device.remember(7);
        let again = Session::from_json(&session.to_json()).unwrap();
        assert_eq!(again.device().last_uin(), Some(7));
        assert_eq!(without_generator(again), without_generator(session));
    }
}

proptest! {
    #[test]
    fn any_session_survives_storage(
        taken in prop::collection::vec("[0-9]{1,19}", 0..60), open in 0_usize..60,
        uin in any::<i64>(), nick in any::<String>(), skey in "[!-~]{0,200}", ended in any::<bool>(),
        millis in any::<u64>(), seed in any::<[u8; 32]>(),
    ) {
        let mut session = filled();
        for (index, id) in taken.iter().enumerate() {
            session.acks_mut().acknowledge(&MsgId::from(id.as_str()), None);
            if index == open {
                session.finish_batch();
            }
        }
        session.me.uin = uin;
        session.me.nick_name = nick.into();
        session.auth.skey = skey.parse().unwrap();
        session.device.mix_seed(seed);
        session.next_client_msg_id(Timestamp::from_millis(millis));
        if ended {
            session.device.close(Ret::NO_SESSION, NOW);
        }
        let again = Session::from_json(&session.to_json()).unwrap();
        prop_assert!(taken.iter().all(|id| again.acks.contains(&id.as_str().into()) == session.acks.contains(&id.as_str().into())));
        prop_assert_eq!(without_generator(again), without_generator(session));
    }

    #[test]
    fn malformed_sessions_are_refused(text in any::<String>(), at in any::<prop::sample::Index>()) {
        prop_assert!(Session::from_json(&text).is_err());
        let json = filled().to_json();
        let mut damaged: Vec<char> = json.chars().collect();
        let at = at.index(damaged.len());
        damaged.splice(at..(at + 3).min(json.chars().count()), text.chars());
        let _ = Session::from_json(&damaged.into_iter().collect::<String>());
    }
}
