//! GETs over TLS by `curl`, so that a test can look at a server without the code under test.

use std::path::Path;
use std::process::Command;

use super::LaunchError;
use super::process::output_of;

/// GETs `url`, trusting `root` alone.
pub(crate) fn fetch(url: &str, root: &Path) -> Result<String, LaunchError> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--fail", "--max-time", "10", "--noproxy", "*"])
        .arg("--cacert")
        .arg(root)
        .arg(url);
    Ok(String::from_utf8_lossy(&output_of(&mut command)?).into_owned())
}
