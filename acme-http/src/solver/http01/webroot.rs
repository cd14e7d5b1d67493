//! http-01 by files in the directory of a web server.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use acmekit_core::action::Offer;
use acmekit_core::challenge::ChallengeType;

use crate::solver::http01::holders::Holders;
use crate::solver::{Solver, SolverError, SolverFuture};
use crate::sync::lock;

/// Publishes http-01 proofs as files below the document root of a web server:
/// `DIR/.well-known/acme-challenge/TOKEN`.
///
/// A file appears whole, by renaming, with mode 0644 whatever the umask, since the web server often
/// runs as another user. Its name is the token, which consists of base64url letters only, so it
/// cannot lead elsewhere; a symbolic link of that name is replaced, not followed. The directories
/// are made when needed (0755) and stay.
#[derive(Clone, Debug)]
pub struct Http01Webroot {
    directory: PathBuf,
    /// Locked while a file is written or removed.
    holders: Arc<Mutex<Holders>>,
}

impl Http01Webroot {
    /// Takes the document root, and makes sure that files can be made below it.
    ///
    /// # Errors
    /// [`SolverError`] with the code `webroot` if it is not a directory, or not writable.
    pub fn new(document_root: impl AsRef<Path>) -> Result<Self, SolverError> {
        let root = document_root.as_ref();
        let error = |path: &Path, error: &io::Error| {
            let path = path.display();
            SolverError::with_code("webroot", format!("the webroot {path} cannot be used: {error}"))
        };
        if !fs::metadata(root).map_err(|e| error(root, &e))?.is_dir() {
            return Err(error(root, &io::ErrorKind::NotADirectory.into()));
        }
        // Later changes of the working directory must not move it.
        let root = root.canonicalize().map_err(|e| error(root, &e))?;
        let directory = root.join(".well-known").join("acme-challenge");
        make_directories(&root).map_err(|e| error(&directory, &e))?;
        tempfile::tempfile_in(&directory).map_err(|e| error(&directory, &e))?;
        Ok(Self { directory, holders: Arc::default() })
    }

    fn path(&self, offer: &Offer) -> io::Result<PathBuf> {
        let token = offer.token.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.directory.join(token.as_str()))
    }

    fn write(&self, offer: &Offer) -> io::Result<()> {
        let path = self.path(offer)?;
        let mut file = tempfile::Builder::new().prefix(".acme-").tempfile_in(&self.directory)?;
        file.write_all(offer.http01_body().as_bytes())?;
        set_mode(file.path(), 0o644)?;
        file.persist(path)?;
        Ok(())
    }
}

fn make_directories(root: &Path) -> io::Result<()> {
    let mut path = root.to_owned();
    for part in [".well-known", "acme-challenge"] {
        path.push(part);
        match fs::create_dir(&path) {
            // Only what was made here gets a mode; what was there keeps its own.
            Ok(()) => set_mode(&path, 0o755)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

impl Solver for Http01Webroot {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == ChallengeType::Http01
    }

    // Files of a hundred bytes: writing them takes less time than handing them to another thread.
    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        let mut holders = lock(&self.holders);
        holders.add(offer);
        let result = self.write(offer).map_err(|error| {
            let directory = self.directory.display();
            SolverError::with_code("webroot", format!("cannot write into {directory}: {error}"))
        });
        Box::pin(core::future::ready(result))
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        let mut holders = lock(&self.holders);
        let removed =
            if holders.remove(offer) { self.path(offer).and_then(fs::remove_file) } else { Ok(()) };
        let result = match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let directory = self.directory.display();
                let text = format!("cannot remove a file from {directory}: {error}");
                Err(SolverError::with_code("webroot", text))
            }
            _ => Ok(()),
        };
        Box::pin(core::future::ready(result))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::solver::testing::offer;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_proof_is_a_readable_file_until_it_is_withdrawn() {
        let root = tempfile::tempdir().unwrap();
        let webroot = Http01Webroot::new(root.path()).unwrap();
        let offer = offer(ChallengeType::Http01, "example.org");
        webroot.present(&offer).await.unwrap();
        let path = root.path().join(offer.http01_path().trim_start_matches('/'));
        assert_eq!(fs::read_to_string(&path).unwrap(), offer.http01_body());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o644, 0o755));
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing else is left"
        );

        webroot.withdraw(&offer).await.unwrap();
        assert!(!path.exists());
        webroot.withdraw(&offer).await.expect("what is not there counts as removed");
    }

    #[tokio::test]
    async fn a_proof_that_two_identifiers_share_is_there_until_both_are_withdrawn() {
        let root = tempfile::tempdir().unwrap();
        let webroot = Http01Webroot::new(root.path()).unwrap();
        let [first, second] =
            ["example.org", "www.example.org"].map(|name| offer(ChallengeType::Http01, name));
        let path = root.path().join(first.http01_path().trim_start_matches('/'));
        webroot.present(&first).await.unwrap();
        webroot.clone().present(&second).await.unwrap();
        for (offer, is_left) in [(&first, true), (&first, true), (&second, false)] {
            webroot.withdraw(offer).await.unwrap();
            assert_eq!(path.exists(), is_left);
        }
    }

    #[tokio::test]
    async fn what_an_earlier_process_published_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let offer = offer(ChallengeType::Http01, "example.org");
        Http01Webroot::new(root.path()).unwrap().present(&offer).await.unwrap();
        let webroot = Http01Webroot::new(root.path()).unwrap();
        webroot.withdraw(&offer).await.unwrap();
        assert!(!root.path().join(offer.http01_path().trim_start_matches('/')).exists());
    }

    #[tokio::test]
    async fn a_symbolic_link_in_the_way_is_replaced_and_its_target_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let webroot = Http01Webroot::new(root.path()).unwrap();
        let offer = offer(ChallengeType::Http01, "example.org");
        let target = root.path().join("precious");
        fs::write(&target, "precious").unwrap();
        symlink(&target, webroot.path(&offer).unwrap()).unwrap();
        webroot.present(&offer).await.unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        assert_eq!(fs::read_to_string(webroot.path(&offer).unwrap()).unwrap(), offer.http01_body());
    }

    #[test]
    fn a_root_that_is_missing_or_a_file_is_refused_at_once() {
        let root = tempfile::tempdir().unwrap();
        let missing = Http01Webroot::new(root.path().join("missing")).unwrap_err();
        assert_eq!(missing.code(), "webroot");
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Http01Webroot::new(&file).unwrap_err().to_string().contains("not a directory"));
        fs::write(root.path().join(".well-known"), "").unwrap();
        assert_eq!(Http01Webroot::new(root.path()).unwrap_err().code(), "webroot");
    }
}
