//! Tests of names that the service refuses.

use super::*;

/// Loads sixty rooms from a service that refuses each batch with a dead room. Checks that all others
/// are known, and returns the sizes of the batches.
fn load_without(dead: &[&str]) -> Vec<usize> {
    let mut account = with_rooms(60);
    let serve = |request: &Request| {
        let is_dead = |name: &String| dead.contains(&name.as_str());
        if requested(request).iter().any(is_dead) { refused(1) } else { batch_of(request) }
    };
    let (result, sizes) = load(&mut account, &mut Host::new(), &mut LoadContacts::new(), serve);
    result.unwrap();
    for room in account.directory.rooms() {
        let name = room.user_name.as_str();
        let expected = if dead.contains(&name) { String::new() } else { format!("of {name}") };
        assert_eq!(*room.nick_name, *expected, "{name}");
    }
    sizes
}

/// `docs/protocol.md` §5.2: batches shrink after a refusal; a name that fails alone is dropped.
#[test]
fn refused_batch_is_split() {
    let sizes = load_without(&["@@012"]);
    // A batch of 10 succeeds, then batches of 10 and 5 fail. Those five names are requested one by
    // one, and the others in one batch.
    assert_eq!(sizes, [50, 10, 10, 5, 1, 1, 1, 1, 1, 45]);
}

/// Batch sizes that are not smaller than the refused batch are skipped. If the service refuses each
/// name, the refusal is reported before all names were requested.
#[test]
fn name_refused_alone_is_not_retried() {
    for (rooms, sizes) in [
        (1, vec![1]),
        (2, vec![2, 1, 1]),
        (7, vec![7, 5, 1, 1, 1, 4, 1, 1, 1, 1]),
        (60, vec![50, 10, 5, 1, 1, 1, 50, 10, 5, 1, 1, 1, 1, 1, 50, 10, 5, 1, 1]),
    ] {
        let mut account = with_rooms(rooms);
        let (mut host, mut contacts) = (Host::new(), LoadContacts::new());
        let (result, requested) = load(&mut account, &mut host, &mut contacts, |_| refused(1));
        assert_eq!(requested, sizes);
        if rooms < 3 {
            result.unwrap();
        } else {
            assert!(matches!(result, Err(Error::Refused { .. })));
            // The flow resumes with the names that were not requested alone.
            let (result, requested) = load(&mut account, &mut host, &mut contacts, batch_of);
            result.unwrap();
            let left = requested.iter().sum::<usize>();
            assert_eq!(left, if rooms == 60 { 50 } else { 0 });
        }
        assert_eq!(account.directory.len(), rooms);
    }
}

/// A few dead rooms are skipped without an error if other batches are answered. At the beginning, they
/// do not keep the others from being loaded.
#[test]
fn refused_rooms_are_skipped() {
    load_without(&["@@000", "@@001", "@@002", "@@003"]);
    load_without(&["@@003", "@@004", "@@005", "@@051"]);
}

/// If the caller polls again after each reported failure, only the failing room is not loaded.
#[test]
fn failing_room_does_not_affect_the_others() {
    for failure in [broken(), refused(-1), ok("<html>")] {
        let mut account = with_rooms(60);
        let (mut host, mut contacts) = (Host::new(), LoadContacts::new());
        let mut reported = 0;
        while load(&mut account, &mut host, &mut contacts, |request| {
            if requested(request).contains(&"@@007".to_string()) {
                again(&failure)
            } else {
                batch_of(request)
            }
        })
        .0
        .is_err()
        {
            reported += 1;
            assert!(reported < 20, "the load does not end");
        }
        let unknown = account.directory.rooms().filter(|room| room.nick_name.is_empty());
        assert_eq!(unknown.map(|room| room.user_name.as_str()).collect::<Vec<_>>(), ["@@007"]);
    }
}

/// An internal failure of the service (-1, -2) is not attributed to the requested names.
#[test]
fn transient_refusal_keeps_the_names() {
    for code in [-1, -2] {
        let mut account = with_rooms(7);
        let mut answers = 0;
        let serve = |request: &Request| {
            answers += 1;
            if answers <= 2 { refused(code) } else { batch_of(request) }
        };
        let (result, sizes) = load(&mut account, &mut Host::new(), &mut LoadContacts::new(), serve);
        result.unwrap();
        assert_eq!(sizes, [7, 7, 7], "the batch is not split");
        assert!(account.directory.rooms().all(|room| !room.nick_name.is_empty()));
    }
}
