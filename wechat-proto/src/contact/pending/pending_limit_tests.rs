//! Tests of the limits: threat J7.

use super::*;

/// Threat J7: the count of fruitless lookups is kept for a limited number of rooms.
#[test]
fn count_of_fruitless_lookups_is_bounded() {
    let mut fixture = Fixture::new();
    for n in 0..=MOST {
        let room = format!("@@{n:04}");
        fixture.learn(&WHOLE.replace("@@r", &room));
        fixture.said(&room, "wxid_x:<br/>hi");
        assert_eq!(fixture.requested(), [&*room]);
        fixture.answered();
    }
    assert_eq!(fixture.pending.fruitless.len(), MOST);
}

/// Threat J7.
#[test]
fn queue_is_bounded() {
    let mut fixture = Fixture::new();
    for n in 0..3 * MOST {
        fixture.said(&format!("@{n}"), "hi");
    }
    assert_eq!(fixture.pending.batches.len(), MOST);
    assert!(fixture.pending.seen.known.len() <= MOST && fixture.pending.seen.order.len() <= MOST);
}

/// Threat J7: the oldest unsaved contacts are dropped, and looked up again on their next message. Contacts in
/// the address book are kept.
#[test]
fn oldest_unsaved_contacts_are_dropped() {
    let mut fixture = Fixture::new();
    let meet = |fixture: &mut Fixture, name: &str, flag: u32| {
        fixture.said(name, "hi");
        assert_eq!(fixture.requested(), [name]);
        fixture.learn(&format!(r#"{{"UserName":"{name}","NickName":"n","ContactFlag":{flag}}}"#));
        fixture.answered();
        fixture.pending.touch(&fixture.directory, &self::name(name));
        fixture.pending.evict(&mut fixture.directory, usize::MAX);
    };
    meet(&mut fixture, "@friend", 3);
    meet(&mut fixture, "@first", 0);
    for n in 1..UNSAVED {
        meet(&mut fixture, &format!("@guest{n}"), 0);
    }
    let knows = |fixture: &Fixture, name: &str| fixture.directory.find(&self::name(name)).is_some();
    assert!(knows(&fixture, "@first"));
    for n in 0..10 {
        meet(&mut fixture, &format!("@later{n}"), 0);
    }
    assert!(knows(&fixture, "@friend"));
    assert!(
        !knows(&fixture, "@first") && !knows(&fixture, "@guest9") && knows(&fixture, "@guest10")
    );
    assert_eq!(fixture.directory.len(), UNSAVED + 1);
    meet(&mut fixture, "@first", 0);
    assert!(knows(&fixture, "@first"));
    // A contact that was saved meanwhile is kept.
    fixture.learn(r#"{"UserName":"@guest12","ContactFlag":3}"#);
    for n in 10..20 {
        meet(&mut fixture, &format!("@later{n}"), 0);
    }
    assert!(knows(&fixture, "@guest12") && !knows(&fixture, "@guest13"));
}

#[test]
fn dropped_contact_is_not_looked_up() {
    let mut fixture = Fixture::new();
    fixture.learn(r#"{"UserName":"@@r","NickName":"r","MemberCount":2}"#);
    fixture.said("@@r", "@a:<br/>hi");
    fixture.said("@new", "hi");
    fixture.pending.evict(&mut fixture.directory, 0);
    assert_eq!(fixture.directory.len(), 0);
    assert_eq!(fixture.requested(), ["@new"]);
}
