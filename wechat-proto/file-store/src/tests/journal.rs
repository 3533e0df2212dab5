//! Saves that append to the journal, and faults of every step.

use super::*;
use crate::steps::faults::steps;

/// Returns a session and three later states of it.
fn states() -> [Session; 4] {
    let mut session = Session::from_json(SAMPLE).unwrap();
    [(); 4].map(|()| {
        session.next_client_msg_id(Timestamp::from_secs(2_000_000_000));
        session.snapshot()
    })
}

/// The kinds of saves, each with its steps. The save takes effect with the second of the two parts.
const SAVES: [(&str, [&[Step]; 2]); 4] = [
    ("first", [&[Step::Create, Step::Write, Step::SyncFile, Step::Rename], &WHOLE]),
    ("whole", [&[Step::Create, Step::Write, Step::SyncFile, Step::Rename], &REPLACED]),
    ("first line", [&[Step::Create, Step::Write], &[Step::SyncFile, Step::SyncFolder]]),
    ("line", [&[Step::Write], &[Step::SyncFile]]),
];
const WHOLE: [Step; 2] = [Step::SyncFolder, Step::RemoveJournal];
const REPLACED: [Step; 3] = [Step::SyncFolder, Step::RemoveJournal, Step::SyncRemoval];

/// Opens a store whose next save is of this kind, and returns the stored session.
fn prepared<'a>(
    folder: &Folder,
    kind: &str,
    states: &'a [Session],
) -> (FileStore, Option<&'a Session>) {
    let saves = match kind {
        "first" => 0,
        "first line" => 1,
        _ => 3,
    };
    let mut store = folder.open();
    states[..saves].iter().for_each(|session| store.save(session).unwrap());
    if kind == "whole" {
        drop(store);
        store = folder.open();
    }
    steps();
    (store, saves.checked_sub(1).map(|last| &states[last]))
}

/// A later save is one write and one sync.
///
/// Threat W4.
#[test]
fn a_save_has_these_steps() {
    let states = states();
    for (kind, parts) in SAVES {
        let folder = Folder::new();
        let (mut store, _) = prepared(&folder, kind, &states);
        store.save(&states[3]).unwrap();
        assert_eq!(steps(), parts.concat(), "{kind}");
        assert!(loaded(&mut store) == read(&states[3]), "{kind}");
        let has_journal = folder.names().contains(&"bot.session.journal".to_owned());
        assert_eq!(has_journal, kind.ends_with("line"), "{kind}");
    }
}

/// If any step fails or is the last of the process, the old or the new session is stored, and later
/// saves succeed.
///
/// Threat S2. Threat S5.
#[test]
fn a_fault_in_any_step_keeps_a_complete_session() {
    let states = states();
    for (kind, [before, after]) in SAVES {
        let both = before.iter().map(|at| (at, false)).chain(after.iter().map(|at| (at, true)));
        for ((at, is_new), fault) in both.flat_map(|at| [(at, Fault::Error), (at, Fault::Crash)]) {
            let folder = Folder::new();
            let (mut store, old) = prepared(&folder, kind, &states);
            let case = format!("{kind}: {at:?} {fault:?}");
            if fault == Fault::Error {
                inject(*at, fault);
                let text = refused(store.save(&states[3]), StorageKind::Write, &folder.file());
                let place = if kind.ends_with("line") { "the journal: " } else { "" };
                assert!(
                    text.ends_with(&format!("could not be written: {place}injected")),
                    "{text}"
                );
                assert!(!is_pending(), "{case}");
            } else {
                crashes(&mut store, &states[3], *at, fault);
                drop(store);
                store = folder.open();
            }
            let expected = if is_new { Some(&states[3]) } else { old };
            assert!(loaded(&mut store) == expected.and_then(read), "{case}");
            assert!(!folder.names().contains(&"bot.session.new".to_owned()), "{case}");
            recovers(store, &folder, &states);
        }
    }
}

/// Saves twice, and reopens the store.
fn recovers(mut store: FileStore, folder: &Folder, states: &[Session]) {
    for session in &states[2..] {
        store.save(session).unwrap();
    }
    drop(store);
    assert!(loaded(&mut folder.open()) == read(&states[3]));
}

/// After a failed sync, it is unknown which lines are on the disk, even if a later sync succeeds.
///
/// Threat S2. Threat S5.
#[test]
fn the_session_is_written_as_a_whole_after_a_failure() {
    let states = states();
    for (kind, [before, after]) in SAVES {
        for at in [before, after].concat() {
            let folder = Folder::new();
            let (mut store, _) = prepared(&folder, kind, &states);
            inject(at, Fault::Error);
            refused(store.save(&states[2]), StorageKind::Write, &folder.file());
            steps();
            store.save(&states[3]).unwrap();
            assert!(steps().contains(&Step::Rename), "{kind}: {at:?}");
            assert!(loaded(&mut store) == read(&states[3]), "{kind}: {at:?}");
        }
    }
}

/// No line is appended to an incomplete one, even if the store is not read after the failure.
///
/// Threat S2. Threat S5.
#[test]
fn a_write_cut_short_keeps_a_complete_session() {
    let states = states();
    for kind in SAVES.map(|(kind, _)| kind) {
        for cut in [0, 1, 10, 51, 60, 83] {
            let folder = Folder::new();
            let (mut store, old) = prepared(&folder, kind, &states);
            crashes(&mut store, &states[3], Step::Write, Fault::CutShort(cut));
            if cut % 2 == 1 && kind != "first" {
                recovers(store, &folder, &states);
                continue;
            }
            drop(store);
            let mut store = folder.open();
            assert!(loaded(&mut store) == old.and_then(read), "{kind}: {cut}");
            recovers(store, &folder, &states);
        }
    }
}

#[test]
fn a_fault_while_removing_leaves_a_session_or_none() {
    let states = states();
    let all = [Step::Remove, Step::RemoveJournal, Step::SyncFolder];
    for (at, fault) in all.iter().flat_map(|at| [(*at, Fault::Error), (*at, Fault::Crash)]) {
        let folder = Folder::new();
        let (mut store, old) = prepared(&folder, "line", &states);
        inject(at, fault);
        if fault == Fault::Error {
            refused(store.remove(), StorageKind::Remove, &folder.file());
        } else {
            assert!(catch_unwind(AssertUnwindSafe(|| store.remove())).is_err());
        }
        drop(store);
        let mut store = folder.open();
        let expected = if at == Step::Remove { old } else { None };
        assert!(loaded(&mut store) == expected.and_then(read), "{at:?} {fault:?}");
        // No credentials remain.
        let has_journal = folder.names().contains(&"bot.session.journal".to_owned());
        assert_eq!(has_journal, at == Step::Remove, "{at:?} {fault:?}");
        store.remove().unwrap();
        assert_eq!(folder.names(), ["bot.session.lock"], "{at:?} {fault:?}");
        recovers(store, &folder, &states);
    }
}

/// A loss of power may undo the removal of a journal that was not synced.
///
/// Threat S2.
#[test]
fn the_journal_of_another_session_is_ignored() {
    let (folder, states) = (Folder::new(), states());
    let journal = folder.0.join("bot.session.journal");
    let (mut store, _) = prepared(&folder, "line", &states);
    let lines = fs::read(&journal).unwrap();
    assert!(loaded(&mut store) == read(&states[2]));
    store.save(&states[3]).unwrap();
    fs::write(&journal, &lines).unwrap();
    drop(store);
    let mut store = folder.open();
    assert!(loaded(&mut store) == read(&states[3]));
    recovers(store, &folder, &states);
    // A session in the format without a journal.
    fs::write(folder.file(), states[0].to_json()).unwrap();
    fs::write(&journal, &lines).unwrap();
    let mut store = folder.open();
    assert!(loaded(&mut store) == read(&states[0]));
    recovers(store, &folder, &states);
    // Without its session, it is removed.
    fs::remove_file(folder.file()).unwrap();
    let mut store = folder.open();
    assert!(store.load().unwrap().is_none() && !journal.exists());
}

/// Threat S2.
#[test]
fn a_damaged_journal_is_refused_and_replaced() {
    let states = states();
    let long = vec![b'x'; usize::try_from(LONGEST).unwrap() + 1];
    for bytes in [&b"\n"[..], b"x\nx\n", b"\xff\xff\n", &long] {
        let folder = Folder::new();
        let (mut store, _) = prepared(&folder, "line", &states);
        fs::write(folder.0.join("bot.session.journal"), bytes).unwrap();
        refused(store.load(), StorageKind::Damaged, &folder.file());
        recovers(store, &folder, &states);
    }
    let folder = Folder::new();
    let (mut store, _) = prepared(&folder, "first line", &states);
    fs::create_dir(folder.0.join("bot.session.journal")).unwrap();
    let text = refused(store.load(), StorageKind::Read, &folder.file());
    let expected = "could not be read: the journal: not a regular file";
    assert_eq!(text, format!("the stored session at {:?} {expected}", folder.file()));
    refused(store.save(&states[3]), StorageKind::Write, &folder.file());
}

/// Lines are appended only to the files that this store wrote.
///
/// Threat S2.
#[cfg(unix)]
#[test]
fn files_that_were_changed_by_others_are_replaced() {
    let states = states();
    type Change = fn(&Path, &Path);
    let changes: [(&str, Change); 4] = [
        ("removed journal", |_, journal| fs::remove_file(journal).unwrap()),
        ("shorter journal", |_, journal| {
            fs::write(journal, &fs::read(journal).unwrap()[..60]).unwrap();
        }),
        ("replaced journal", |session, journal| {
            fs::copy(journal, session.with_extension("copy")).unwrap();
            fs::rename(session.with_extension("copy"), journal).unwrap();
        }),
        ("replaced session", |session, _| {
            fs::write(session.with_extension("copy"), SAMPLE).unwrap();
            fs::rename(session.with_extension("copy"), session).unwrap();
        }),
    ];
    for (label, change) in changes {
        let folder = Folder::new();
        let (mut store, _) = prepared(&folder, "line", &states);
        change(&folder.file(), &folder.0.join("bot.session.journal"));
        store.save(&states[3]).unwrap();
        assert!(steps().contains(&Step::Rename), "{label}");
        assert!(loaded(&mut store) == read(&states[3]), "{label}");
    }
}

/// The session is written as a whole before the journal is too long.
///
/// Threat W4.
#[test]
fn the_journal_is_bounded() {
    let (folder, [mut session, ..]) = (Folder::new(), states());
    let journal = folder.0.join("bot.session.journal");
    let (mut store, mut whole, mut longest) = (folder.open(), 0, 0);
    for second in 0..3_000 {
        session.next_client_msg_id(Timestamp::from_secs(2_000_000_000 + second));
        store.save(&session.snapshot()).unwrap();
        whole += usize::from(steps().contains(&Step::Rename));
        longest = longest.max(fs::metadata(&journal).map_or(0, |data| data.len()));
    }
    assert!((2..=4).contains(&whole), "{whole}");
    assert!((200 << 10..=256 << 10).contains(&longest), "{longest}");
    assert!(loaded(&mut store) == read(&session));
}
