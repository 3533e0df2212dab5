//! Paths of sessions.

use super::*;

/// Threat S2.
#[cfg(unix)]
#[test]
fn a_link_is_resolved_on_opening() {
    use std::os::unix::fs::symlink;

    let (folder, [old, new]) = (Folder::new(), sessions());
    fs::create_dir(folder.0.join("disk")).unwrap();
    let (target, link) = (folder.0.join("disk/real"), folder.file());
    symlink("disk/real", &link).unwrap();
    // A dangling link is refused, because its disk may not be mounted.
    refused(FileStore::open(&link), StorageKind::Lock, &link);
    fs::write(&target, old.to_json()).unwrap();
    let mut store = FileStore::open(&link).unwrap();
    assert_eq!(store.path(), target);
    assert!(loaded(&mut store) == read(&old));
    store.save(&new).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link stays");
    let stored = Session::from_json(&fs::read_to_string(&target).unwrap()).unwrap();
    assert!(Some(stored.to_json()) == read(&new));
    // Both names share one lock.
    assert!(matches!(FileStore::open(&target), Err(Error::InUse)));
    // Later changes of the link have no effect.
    fs::remove_file(&link).unwrap();
    symlink("/dev/full", &link).unwrap();
    store.save(&old).unwrap();
    assert!(loaded(&mut store) == read(&old));
    assert_eq!(folder.names(), ["bot.session", "disk"]);
}

/// The additional files of a session cannot be opened as another session.
#[test]
fn reserved_names_are_refused() {
    let folder = Folder::new();
    let mut store = FileStore::open(folder.file()).unwrap();
    store.save(&sessions()[0]).unwrap();
    for name in ["bot.session.new", "bot.session.lock", "bot.session.journal", "bot.new"] {
        refused(FileStore::open(folder.0.join(name)), StorageKind::Lock, &folder.0.join(name));
    }
    assert_eq!(folder.names(), ["bot.session", "bot.session.lock"]);
    assert!(FileStore::open(folder.0.join("new")).is_ok());
}

/// A link in place of the lock or the new file is not followed.
///
/// Threat S2.
#[cfg(unix)]
#[test]
fn a_planted_link_is_not_followed() {
    use std::os::unix::fs::symlink;

    let (folder, [old, _]) = (Folder::new(), sessions());
    let victim = folder.0.join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, folder.0.join("bot.session.lock")).unwrap();
    let text = refused(FileStore::open(folder.file()), StorageKind::Lock, &folder.file());
    assert!(text.ends_with("the lock file is not a regular file"), "{text}");
    fs::remove_file(folder.0.join("bot.session.lock")).unwrap();
    let mut store = folder.open();
    symlink(&victim, folder.0.join("bot.session.new")).unwrap();
    store.save(&old).unwrap();
    symlink(&victim, folder.0.join("bot.session.journal")).unwrap();
    store.save(&old).unwrap();
    assert!(loaded(&mut store) == read(&old));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    let names = ["bot.session", "bot.session.journal", "bot.session.lock", "victim"];
    assert_eq!(folder.names(), names);
}

/// The path does not depend on later changes of the working directory.
#[test]
fn the_path_is_absolute() {
    let store = FileStore::open("wechat-file-store-test.session").unwrap();
    assert!(store.path().is_absolute());
    let lock = beside(store.path(), "lock");
    drop(store);
    fs::remove_file(lock).unwrap();
}
