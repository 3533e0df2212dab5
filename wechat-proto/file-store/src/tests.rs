use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use wechat_proto::Timestamp;

use super::*;
use crate::steps::faults::{Crash, Fault, inject, is_pending};

mod paths;

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wechat-file-store-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(fs::canonicalize(path).unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.join("bot.session")
    }

    fn open(&self) -> FileStore {
        FileStore::open(self.file()).unwrap()
    }

    /// What is in it.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SAMPLE: &str = include_str!("../../src/samples/session-2.json");

/// The session of a sample, and a later one of it.
fn sessions() -> [Session; 2] {
    let old = Session::from_json(SAMPLE).unwrap();
    let mut new = old.clone();
    new.next_client_msg_id(Timestamp::from_secs(2_000_000_000));
    assert_ne!(old.to_json(), new.to_json());
    [old, new]
}

/// A stored session, as read back: its generator has advanced.
fn read(session: &Session) -> Option<String> {
    Some(Session::from_json(&session.to_json()).unwrap().to_json())
}

/// The session that a store loads.
fn loaded(store: &mut FileStore) -> Option<String> {
    store.load().unwrap().map(|session| session.to_json())
}

/// What a storage error says: its kind and its text, with its causes.
fn told(error: &Error) -> (StorageKind, String) {
    let Error::Storage(failure) = error else { panic!("{error:?}") };
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // Neither it nor `Debug` shows what is stored.
    for secret in ["@crypt", "kByRoJSUlD7S2pif", "752650838"] {
        assert!(!text.contains(secret) && !format!("{error:?}").contains(secret), "{text}");
    }
    (failure.kind, text)
}

/// An error of this kind, which names this path.
#[track_caller]
fn refused<T>(result: Result<T, Error>, kind: StorageKind, path: &Path) -> String {
    let Err(error) = result else { panic!("it succeeded") };
    let (found, text) = told(&error);
    assert_eq!(found, kind, "{text}");
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    text
}

#[test]
fn keeps_a_session() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let mut store = folder.open();
    assert_eq!(store.path(), folder.file());
    assert!(store.load().unwrap().is_none());
    for session in [&old, &new, &old] {
        store.save(session).unwrap();
        assert!(loaded(&mut store) == read(session));
    }
    assert_eq!(folder.names(), ["bot.session", "bot.session.lock"]);
    drop(store);
    let mut store = folder.open();
    assert!(loaded(&mut store) == read(&old));
    store.remove().unwrap();
    store.remove().unwrap();
    assert!(store.load().unwrap().is_none());
    assert_eq!(folder.names(), ["bot.session.lock"]);
    let shown = format!("{store:?}");
    assert!(shown.contains("bot.session") && shown.len() < 200, "{shown}");
}

/// The owner's alone from the first byte, whatever a file before it was.
///
/// Threat S2.
#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    let (folder, [old, new]) = (Folder::new(), sessions());
    fs::write(folder.file(), old.to_json()).unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let mut store = folder.open();
    assert!(loaded(&mut store) == read(&old));
    crashes(&mut store, &new, Step::Write, Fault::Crash);
    assert_eq!(mode(&store.new), 0o600);
    assert_eq!(fs::metadata(&store.new).unwrap().len(), 0, "before its first byte");
    store.save(&new).unwrap();
    assert_eq!(mode(&folder.file()), 0o600);
    assert_eq!(mode(&folder.0.join("bot.session.lock")), 0o600);
}

/// Threat S2.
#[test]
fn a_second_holder_is_told() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let mut store = folder.open();
    store.save(&old).unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    // Also after the file was replaced, and removed.
    store.save(&new).unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    store.remove().unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    // What another one tries leaves what is being written alone.
    fs::write(&store.new, "x").unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    assert!(store.new.exists());
    // By another name.
    let detour = folder.0.join("../").join(folder.0.file_name().unwrap()).join("bot.session");
    assert!(matches!(FileStore::open(detour), Err(Error::InUse)));
    drop(store);
    folder.open();
}

/// A program that another thread just starts has the lock open for a moment.
#[test]
fn what_is_closed_is_free_at_once() {
    let folder = Folder::new();
    let store = folder.open();
    let _inherited = store.lock.try_clone().unwrap();
    drop(store);
    folder.open();
}

/// Saves, and dies of it.
fn crashes(store: &mut FileStore, session: &Session, step: Step, fault: Fault) {
    inject(step, fault);
    let crash = catch_unwind(AssertUnwindSafe(|| store.save(session)));
    assert!(crash.is_err_and(|payload| payload.is::<Crash>()), "{step:?}");
    assert!(!is_pending());
}

const STEPS: [Step; 5] =
    [Step::Create, Step::Write, Step::SyncFile, Step::Rename, Step::SyncFolder];

/// Whichever step fails, the old session or the new one is there, and nothing else.
///
/// Threat S2. Threat S5.
#[test]
fn each_step_may_fail() {
    for at in STEPS {
        let (folder, [old, new]) = (Folder::new(), sessions());
        let mut store = folder.open();
        store.save(&old).unwrap();
        inject(at, Fault::Error);
        let text = refused(store.save(&new), StorageKind::Write, &folder.file());
        assert!(text.ends_with("could not be written: injected"), "{text}");
        assert!(!is_pending(), "{at:?}");
        // Only bringing the new name to the disk comes after it.
        let there = if at == Step::SyncFolder { &new } else { &old };
        assert!(loaded(&mut store) == read(there), "{at:?}");
        assert_eq!(folder.names(), ["bot.session", "bot.session.lock"], "{at:?}");
        store.save(&new).unwrap();
        assert!(loaded(&mut store) == read(&new));
    }
    let folder = Folder::new();
    let mut store = folder.open();
    let [old, _] = sessions();
    for at in [Step::Remove, Step::SyncFolder] {
        store.save(&old).unwrap();
        inject(at, Fault::Error);
        refused(store.remove(), StorageKind::Remove, &folder.file());
        assert_eq!(store.load().unwrap().is_some(), at == Step::Remove);
    }
}

/// Whichever step is the last, the old session or the new one is there, whole, for whoever opens
/// the store then; and no copy of credentials lies about.
///
/// Threat S2. Threat S5.
#[test]
fn each_step_may_be_the_last() {
    let length = sessions()[1].to_json().len() + 1;
    let cuts = [0, 1, length / 2, length - 1, length].map(|at| (Step::Write, Fault::CutShort(at)));
    let ends = STEPS.map(|at| (at, Fault::Crash)).into_iter().chain(cuts);
    for (at, fault) in ends {
        for first in [true, false] {
            let (folder, [old, new]) = (Folder::new(), sessions());
            let mut store = folder.open();
            if !first {
                store.save(&old).unwrap();
            }
            crashes(&mut store, &new, at, fault);
            drop(store);
            let mut store = folder.open();
            let there = match (at, first) {
                (Step::SyncFolder, _) => read(&new),
                (_, true) => None,
                (_, false) => read(&old),
            };
            assert!(loaded(&mut store) == there, "{at:?} {fault:?}");
            assert!(!folder.names().contains(&"bot.session.new".to_owned()), "{at:?}");
            store.save(&new).unwrap();
            assert!(loaded(&mut store) == read(&new));
        }
    }
}

/// Threat S2.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let mut store = folder.open();
    store.save(&old).unwrap();
    inject(Step::Write, Fault::Full);
    let text = refused(store.save(&new), StorageKind::Write, &folder.file());
    assert!(text.contains("No space left on device"), "{text}");
    assert!(loaded(&mut store) == read(&old));
    assert_eq!(folder.names(), ["bot.session", "bot.session.lock"]);
}

/// Nothing but a session is taken for one, and nothing is taken for "no session"; what is said
/// shows nothing of what is there.
///
/// Threat S1. Threat S2.
#[test]
fn what_is_no_session_is_told() {
    let (folder, [old, _]) = (Folder::new(), sessions());
    let whole = old.to_json();
    let mut store = folder.open();
    let newer = whole.replacen("\"format\":2", "\"format\":3", 1);
    for (bytes, kind) in [
        (&b""[..], StorageKind::Damaged),
        (b"\0\0\0\0", StorageKind::Damaged),
        (b"\xff\xfe{", StorageKind::Damaged),
        (&whole.as_bytes()[..whole.len() / 2], StorageKind::Damaged),
        (&whole.as_bytes()[..whole.len() - 1], StorageKind::Damaged),
        (whole.replacen("@09ed9af3", "@09ed9af4", 1).as_bytes(), StorageKind::Damaged),
        (newer.as_bytes(), StorageKind::Newer),
    ] {
        fs::write(folder.file(), bytes).unwrap();
        refused(store.load(), kind, &folder.file());
        assert_eq!(fs::read(folder.file()).unwrap(), bytes, "it is left as it is");
    }
    // Longer than any session: not read to its end.
    let long = File::create(folder.file()).unwrap();
    long.set_len(LONGEST + 1).unwrap();
    refused(store.load(), StorageKind::Damaged, &folder.file());
    // What is damaged can be replaced by whoever decides so.
    store.save(&old).unwrap();
    assert!(loaded(&mut store) == read(&old));
}

/// Threat S2.
#[test]
fn what_is_no_file_is_told() {
    let (folder, [old, _]) = (Folder::new(), sessions());
    fs::create_dir(folder.file()).unwrap();
    let mut store = folder.open();
    let text = refused(store.load(), StorageKind::Read, &folder.file());
    assert!(text.ends_with("could not be read: it is not a file"), "{text}");
    refused(store.save(&old), StorageKind::Write, &folder.file());
    assert!(folder.file().is_dir());
    assert!(!folder.names().contains(&"bot.session.new".to_owned()));
    drop(store);
    // Something without an end, or without a beginning.
    #[cfg(unix)]
    {
        let odd = folder.0.join("odd");
        let _listener = std::os::unix::net::UnixListener::bind(&odd).unwrap();
        refused(FileStore::open(&odd).unwrap().load(), StorageKind::Read, &odd);
    }
    for path in ["", "/", ".."] {
        let text = told(&FileStore::open(path).unwrap_err()).1;
        assert!(text.contains("it names no file"), "{path}: {text}");
    }
}

/// Threat S2.
#[test]
fn a_folder_that_cannot_be_used_is_told() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let nowhere = folder.0.join("none/bot.session");
    refused(FileStore::open(&nowhere), StorageKind::Lock, &nowhere);
    fs::write(folder.0.join("file"), "").unwrap();
    let below = folder.0.join("file/bot.session");
    refused(FileStore::open(&below), StorageKind::Lock, &below);
    // Nobody, not even the superuser, creates anything here.
    #[cfg(target_os = "linux")]
    refused(FileStore::open("/proc/bot.session"), StorageKind::Lock, Path::new("/proc/bot"));
    // It went away.
    let mut store = folder.open();
    store.save(&old).unwrap();
    let away = folder.0.with_extension("away");
    fs::rename(&folder.0, &away).unwrap();
    refused(store.save(&new), StorageKind::Write, &folder.file());
    assert!(store.load().unwrap().is_none());
    fs::rename(&away, &folder.0).unwrap();
    assert!(loaded(&mut store) == read(&old));
}
