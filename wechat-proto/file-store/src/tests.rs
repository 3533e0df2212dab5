use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tempfile::TempDir;
use wechat_proto::Timestamp;

use super::*;
use crate::files::LONGEST;
use crate::steps::faults::{Crash, Fault, inject, is_pending};

mod journal;
mod paths;

/// A separate folder for each test, by its path without links.
struct Folder(PathBuf, #[expect(dead_code, reason = "removes the folder")] TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self(fs::canonicalize(&folder).unwrap(), folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("bot.session")
    }

    fn open(&self) -> FileStore {
        FileStore::open(self.file()).unwrap()
    }

    /// Returns the names of its entries.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

const SAMPLE: &str = include_str!("../../src/session/samples/session-2.json");

/// Returns the session of a sample, and a later state of it.
pub(crate) fn sessions() -> [Session; 2] {
    let old = Session::from_json(SAMPLE).unwrap();
    let mut new = old.clone();
    new.next_client_msg_id(Timestamp::from_secs(2_000_000_000));
    assert_ne!(old.to_json(), new.to_json());
    [old, new]
}

/// Returns a session as it is loaded, with an advanced generator.
fn read(session: &Session) -> Option<String> {
    Some(Session::from_json(&session.to_json()).unwrap().to_json())
}

/// Returns the session that a store loads.
fn loaded(store: &mut FileStore) -> Option<String> {
    store.load().unwrap().map(|session| session.to_json())
}

/// Returns the kind and the text of a storage error, with its sources.
fn described(error: &Error) -> (StorageKind, String) {
    let Error::Storage(failure) = error else { panic!("{error:?}") };
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // Neither `Display` nor `Debug` shows stored data.
    for secret in ["@crypt", "kByRoJSUlD7S2pif", "752650838"] {
        assert!(!text.contains(secret) && !format!("{error:?}").contains(secret), "{text}");
    }
    (failure.kind, text)
}

/// Asserts that the result is an error of this kind that names this path, and returns its text.
#[track_caller]
fn refused<T>(result: Result<T, Error>, kind: StorageKind, path: &Path) -> String {
    let Err(error) = result else { panic!("expected an error") };
    let (found, text) = described(&error);
    assert_eq!(found, kind, "{text}");
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    text
}

#[test]
fn a_session_is_stored_and_removed() {
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

/// Copies may be saved in any order: the newest one of a login is kept. Another login replaces it.
#[test]
fn older_copy_does_not_replace_a_newer_one() {
    let (folder, [mut session, _]) = (Folder::new(), sessions());
    let mut store = folder.open();
    let (older, newer) = (session.snapshot(), session.snapshot());
    for saved in [&older, &newer, &older, &newer] {
        store.save(saved).unwrap();
    }
    store.save(&older).unwrap();
    assert!(loaded(&mut store) == read(&newer));
    let mut text = older.to_json();
    text = text[text.find("\"session\":").unwrap() + 10..text.len() - 1].to_owned();
    let other = Session::from_json(&text.replace("\"sid\":\"", "\"sid\":\"other")).unwrap();
    store.save(&other).unwrap();
    assert!(loaded(&mut store) == read(&other));
    // After the session was removed, any copy can be stored.
    store.save(&newer).unwrap();
    store.remove().unwrap();
    store.save(&older).unwrap();
    assert!(loaded(&mut store) == read(&older));
}

/// Only the owner can read the file from its first byte on, regardless of the mode of an existing file.
///
/// Threat S2.
#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file() {
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
    store.save(&old).unwrap();
    for name in ["bot.session.lock", "bot.session.journal"] {
        assert_eq!(mode(&folder.0.join(name)), 0o600, "{name}");
    }
}

/// Threat S2.
#[test]
fn a_second_holder_is_refused() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let mut store = folder.open();
    store.save(&old).unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    // The lock also holds after the file was replaced, and after it was removed.
    store.save(&new).unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    store.remove().unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    // A failed attempt to open does not remove the new file.
    fs::write(&store.new, "x").unwrap();
    assert!(matches!(FileStore::open(folder.file()), Err(Error::InUse)));
    assert!(store.new.exists());
    // The lock also holds under another name of the file.
    let detour = folder.0.join("../").join(folder.0.file_name().unwrap()).join("bot.session");
    assert!(matches!(FileStore::open(detour), Err(Error::InUse)));
    drop(store);
    folder.open();
}

/// A child process that another thread is starting has the lock open for a moment.
#[test]
fn dropping_the_store_releases_the_lock() {
    let folder = Folder::new();
    let store = folder.open();
    let _inherited = store.lock.try_clone().unwrap();
    drop(store);
    folder.open();
}

/// Saves a session with an injected crash.
fn crashes(store: &mut FileStore, session: &Session, step: Step, fault: Fault) {
    inject(step, fault);
    let crash = catch_unwind(AssertUnwindSafe(|| store.save(session)));
    assert!(crash.is_err_and(|payload| payload.is::<Crash>()), "{step:?}");
    assert!(!is_pending());
}

/// Threat S2.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let mut store = folder.open();
    store.save(&old).unwrap();
    // A line, then the whole session.
    for _ in 0..2 {
        inject(Step::Write, Fault::Full);
        let text = refused(store.save(&new), StorageKind::Write, &folder.file());
        assert!(text.contains("No space left on device"), "{text}");
        assert!(loaded(&mut store) == read(&old));
        assert!(!folder.names().contains(&"bot.session.new".to_owned()));
    }
}

/// Any other content is an error, neither a session nor `None`, and the error does not quote it.
///
/// Threat S1. Threat S2.
#[test]
fn other_content_is_an_error() {
    let (folder, [old, _]) = (Folder::new(), sessions());
    let whole = old.to_json();
    let mut store = folder.open();
    let newer = whole.replacen("\"format\":2", "\"format\":4", 1);
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
        assert_eq!(fs::read(folder.file()).unwrap(), bytes, "the file must not change");
    }
    // The file is longer than the limit.
    let long = File::create(folder.file()).unwrap();
    long.set_len(LONGEST + 1).unwrap();
    refused(store.load(), StorageKind::Damaged, &folder.file());
    // A damaged session can be replaced explicitly.
    store.save(&old).unwrap();
    assert!(loaded(&mut store) == read(&old));
}

/// Threat S2.
#[test]
fn other_kinds_of_files_are_refused() {
    let (folder, [old, _]) = (Folder::new(), sessions());
    fs::create_dir(folder.file()).unwrap();
    let mut store = folder.open();
    let text = refused(store.load(), StorageKind::Read, &folder.file());
    assert!(text.ends_with("could not be read: not a regular file"), "{text}");
    refused(store.save(&old), StorageKind::Write, &folder.file());
    assert!(folder.file().is_dir());
    assert!(!folder.names().contains(&"bot.session.new".to_owned()));
    drop(store);
    // A socket.
    #[cfg(unix)]
    {
        let odd = folder.0.join("odd");
        let _listener = std::os::unix::net::UnixListener::bind(&odd).unwrap();
        refused(FileStore::open(&odd).unwrap().load(), StorageKind::Read, &odd);
    }
    for path in ["", "/", ".."] {
        let text = described(&FileStore::open(path).unwrap_err()).1;
        assert!(text.contains("the path has no file name"), "{path}: {text}");
    }
}

/// Threat S2.
#[test]
fn an_unusable_folder_is_reported() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let nowhere = folder.0.join("none/bot.session");
    refused(FileStore::open(&nowhere), StorageKind::Lock, &nowhere);
    fs::write(folder.0.join("file"), "").unwrap();
    let below = folder.0.join("file/bot.session");
    refused(FileStore::open(&below), StorageKind::Lock, &below);
    // Even the superuser cannot create files here.
    #[cfg(target_os = "linux")]
    refused(FileStore::open("/proc/bot.session"), StorageKind::Lock, Path::new("/proc/bot"));
    // The folder was moved away.
    let mut store = folder.open();
    store.save(&old).unwrap();
    let away = folder.0.with_extension("away");
    fs::rename(&folder.0, &away).unwrap();
    refused(store.save(&new), StorageKind::Write, &folder.file());
    refused(store.load(), StorageKind::Read, &folder.file());
    refused(store.remove(), StorageKind::Remove, &folder.file());
    // An empty folder takes its place, as after an unmount.
    fs::create_dir(&folder.0).unwrap();
    #[cfg(unix)]
    for _ in 0..2 {
        refused(store.load(), StorageKind::Read, &folder.file());
        refused(store.save(&new), StorageKind::Write, &folder.file());
        fs::write(folder.0.join("bot.session.lock"), "").unwrap();
    }
    fs::remove_dir_all(&folder.0).unwrap();
    fs::rename(&away, &folder.0).unwrap();
    assert!(loaded(&mut store) == read(&old));
}

/// Without a stored session, only the lock file shows the holder.
///
/// Threat S2.
#[cfg(unix)]
#[test]
fn a_holder_without_a_lock_file_cannot_replace_another_session() {
    let (folder, [old, new]) = (Folder::new(), sessions());
    let mut first = folder.open();
    fs::remove_file(folder.0.join("bot.session.lock")).unwrap();
    let mut second = folder.open();
    refused(first.save(&new), StorageKind::Write, &folder.file());
    second.save(&old).unwrap();
    refused(first.save(&new), StorageKind::Write, &folder.file());
    refused(first.remove(), StorageKind::Remove, &folder.file());
    assert!(loaded(&mut second) == read(&old));
}
