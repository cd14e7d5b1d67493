//! The file store as other processes see it: modes whatever the umask, locking, refusals. One test
//! function, since the umask belongs to the whole process.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use acmekit::store::{AccountId, FileStore};
use acmekit::{Account, KeyType, PrivateKey, SystemEntropy};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn account(id: &str) -> Account {
    serde_json::from_value(serde_json::json!({
        "directory_url": id,
        "url": "https://ca.example/account/1",
        "key_thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "status": "valid",
    }))
    .unwrap()
}

/// Every file and folder below, with its mode.
fn walk(path: &Path, found: &mut Vec<(String, u32)>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.file_name().unwrap().to_str().unwrap().to_owned(), mode(&path)));
        if path.is_dir() {
            walk(&path, found);
        }
    }
}

#[test]
fn secrets_are_closed_to_others_whatever_the_umask() {
    for umask in [0o000, 0o022, 0o077] {
        let place = tempfile::tempdir().unwrap();
        let before = rustix::process::umask(rustix::fs::Mode::from_bits_truncate(umask));
        let directory = place.path().join("a/b");
        let store = FileStore::open(&directory).unwrap();
        let id = AccountId::new("https://ca.example/directory");
        let key = store.account_key(&id, KeyType::P256).unwrap();
        store.save_account(&account("https://ca.example/directory")).unwrap();
        store.save_pending_key(&key).unwrap();
        rustix::process::umask(before);

        assert_eq!(mode(&place.path().join("a")), 0o700);
        assert_eq!(mode(&directory), 0o700);
        let mut found = Vec::new();
        walk(&directory, &mut found);
        assert_eq!(found.len(), 6, "{found:?}");
        for (name, mode) in found {
            let folder = name == "account" || name.starts_with("ca.example");
            assert_eq!(mode, if folder { 0o700 } else { 0o600 }, "{name} under umask {umask:o}");
        }
    }

    a_key_that_was_open_to_others_is_closed_when_it_is_read();
    a_directory_in_use_is_refused_until_it_is_free();
    a_place_that_cannot_be_written_to_is_refused_and_left_alone();
    links_and_pipes_in_the_place_of_files_are_refused_and_not_followed();
    a_link_in_the_place_of_the_lock_is_refused_and_its_target_not_made();
}

fn a_key_that_was_open_to_others_is_closed_when_it_is_read() {
    let place = tempfile::tempdir().unwrap();
    let store = FileStore::open(place.path()).unwrap();
    store
        .save_pending_key(&PrivateKey::generate(KeyType::P256, &mut SystemEntropy).unwrap())
        .unwrap();
    let path = place.path().join("key.pem.pending");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(store.load_pending_key().unwrap().is_some());
    assert_eq!(mode(&path), 0o600);
}

fn a_directory_in_use_is_refused_until_it_is_free() {
    let place = tempfile::tempdir().unwrap();
    let store = FileStore::open(place.path()).unwrap();
    let clone = store.clone();
    drop(store);
    let error = FileStore::open(place.path()).unwrap_err();
    assert_eq!(error.code(), "store-locked");
    assert!(error.to_string().contains("another process"), "{error}");
    drop(clone);
    FileStore::open(place.path()).unwrap();
}

fn a_place_that_cannot_be_written_to_is_refused_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "mine").unwrap();
    for directory in [file.clone(), file.join("below"), Path::new("/proc/acmekit").to_owned()] {
        let error = FileStore::open(&directory).unwrap_err();
        assert_eq!(error.code(), "store-not-writable", "{}", directory.display());
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

/// What another user may put into a directory that they can write to: links that lead to a file of
/// the victim's, and a pipe that blocks whoever opens it.
fn links_and_pipes_in_the_place_of_files_are_refused_and_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let victim = place.path().join("victim");
    let key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy).unwrap();
    fs::write(&victim, key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o644)).unwrap();
    let directory = place.path().join("store");
    let store = FileStore::open(&directory).unwrap();
    let pending = directory.join("key.pem.pending");

    std::os::unix::fs::symlink(&victim, &pending).unwrap();
    let error = store.load_pending_key().unwrap_err();
    assert_eq!(error.code(), "store-damaged");
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert_eq!(mode(&victim), 0o644, "the mode of the target was changed");

    fs::remove_file(&pending).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&pending).status().unwrap();
    assert!(made.success());
    let (done, result) = std::sync::mpsc::channel();
    let blocked = store.clone();
    std::thread::spawn(move || done.send(blocked.load_pending_key().unwrap_err().code()));
    let code = result.recv_timeout(std::time::Duration::from_secs(5));
    assert_eq!(code.expect("reading waits for the pipe"), "store-damaged");

    // Writing takes the place of what stands there.
    store.save_pending_key(&key).unwrap();
    assert!(store.load_pending_key().unwrap().is_some());
}

fn a_link_in_the_place_of_the_lock_is_refused_and_its_target_not_made() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("target");
    let directory = place.path().join("store");
    fs::create_dir(&directory).unwrap();
    std::os::unix::fs::symlink(&target, directory.join(".lock")).unwrap();
    let error = FileStore::open(&directory).unwrap_err();
    assert_eq!(error.code(), "store-damaged");
    assert!(!target.exists());
}
