//! `GET /cgi-bin/mmwebwx-bin/synccheck` (docs/protocol.md §7.1)

use crate::check::differences::QUERY;
use crate::check::{Check, Rule};
use crate::session::FileSent;
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Reply};
use crate::wire::request::Decoded;
use crate::world::{Event, World};

pub(crate) fn check(check: &mut Check<'_>) {
    check.initialised();
    let must = [
        ("r", Rule::Millis),
        ("skey", check.skey()),
        ("sid", check.sid()),
        ("uin", check.uin()),
        ("deviceid", Rule::Device),
        ("synckey", Rule::is(check.request.get("synckey"))),
        check.page_param().unwrap_or(("_", Rule::Millis)),
    ];
    check.query(&must, &[]);
    let Some(session) = check.session() else { return };
    let synckey = check.request.get("synckey");
    if synckey.is_empty() {
        return;
    }
    match session.by_check_key(synckey) {
        None => {
            let known = session.by_either_key(synckey).is_some();
            let fault = if known { Fault::Name } else { Fault::Value };
            let complaint = format_args!("is `{synckey}`, not an issued SyncCheckKey");
            check.found(fault, QUERY, "synckey", complaint);
        }
        Some(pair) if pair < session.proven => {
            let complaint = format_args!("is `{synckey}`, which a later SyncCheckKey has replaced");
            check.found(Fault::Earlier, QUERY, "synckey", complaint);
        }
        // An answer may be lost: until the client proves that it has the newest key, the previous one is valid.
        Some(_) => {}
    }
}

pub(crate) fn script(now: u64, retcode: i64, selector: u64) -> Reply {
    reply::script(
        now,
        format!("window.synccheck={{retcode:\"{retcode}\",selector:\"{selector}\"}}"),
    )
}

/// Answers a check by the current state.
pub(crate) fn watch(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let Some(session) = &world.session else {
        return Answer::Reply(script(now, 1100, 0));
    };
    if let Some(ret) = session.ended {
        return Answer::Reply(script(now, ret, 0));
    }
    let newest = session.pairs.len().saturating_sub(1);
    let key = request.get("synckey");
    let pair = session.by_check_key(key).or_else(|| session.by_either_key(key)).unwrap_or(newest);
    let position = session.pairs.get(pair).map_or(0, |pair| pair.position);
    let counts_files = |sent: FileSent| pair >= sent.pairs && session.by_check_key(key).is_some();
    let after_file = session.file_sent.filter(|sent| sent.events == world.timeline.len());
    let selector = match world.timeline.get(position) {
        // With a stale key, the service keeps reporting news that has been fetched already.
        _ if pair < newest => 2,
        None if after_file.is_some_and(|sent| !counts_files(sent)) => 2,
        None => return Answer::Hold(script(now, 0, 0)),
        Some(Event::Message { .. }) => 2,
        Some(Event::Changed(_) | Event::Renamed(_)) => 4,
        Some(Event::Removed { .. }) => 6,
    };
    Answer::Reply(script(now, 0, selector))
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, text};

    #[test]
    fn each_kind_of_news_has_its_selector() {
        let mut client = Client::ready(World::demo());
        client.sync();
        let friend = client.simulator.world().contacts()[1].user_name.clone();
        assert_eq!(text(&client.check()), "window.synccheck={retcode:\"0\",selector:\"0\"}");
        for (deed, selector) in [
            ((|world, friend| drop(world.person_writes(friend, "hi"))) as fn(&mut World, &str), 2),
            (|world, friend| world.change_contact(friend, |contact| contact.star_friend = 1), 4),
            (|world, friend| world.remove_contact(friend), 6),
            (|world, _| world.phone().renames_self("Rain & co"), 4),
        ] {
            deed(&mut client.simulator.world(), &friend);
            assert!(text(&client.check()).contains(&format!("selector:\"{selector}\"")));
            client.sync();
        }
        client.assert_clean();
    }

    #[test]
    fn each_session_end_has_its_code() {
        for (deed, code) in [
            ((|world| world.phone().log_out()) as fn(&mut World), 1100),
            (|world| world.phone().kick(), 1101),
            (|world| world.phone().restrict(), 1102),
        ] {
            let mut client = Client::ready(World::demo());
            deed(&mut client.simulator.world());
            assert_eq!(
                text(&client.check()),
                format!("window.synccheck={{retcode:\"{code}\",selector:\"0\"}}")
            );
            assert!(text(&client.sync()).contains(&format!("\"Ret\": {code},")));
            client.assert_clean();
        }
    }

    #[test]
    fn stale_key_is_answered_with_news() {
        let mut client = Client::ready(World::demo());
        client.sync();
        client.simulator.world().person_writes("filehelper", "one");
        client.check();
        let (old, wrong) = (client.check_key.clone(), client.sync_key.clone());
        client.sync();
        client.assert_clean();
        client.check_key.clone_from(&old);
        assert!(text(&client.check()).contains("selector:\"2\""));
        client.assert_clean();
        // A fetch with the newer key proves that the newer key for checking has arrived too.
        client.sync();
        client.check_key = old;
        client.check();
        assert!(client.violations()[0].contains("which a later SyncCheckKey has replaced"));
        client.check_key = wrong;
        client.check();
        assert!(client.violations()[1].contains("not an issued SyncCheckKey"));
    }
}
