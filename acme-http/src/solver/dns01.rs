//! dns-01 (RFC 8555 §8.4) by an external program: anything that can change a zone. The same for
//! dns-account-01 (draft-ietf-acme-dns-account-label).

use core::time::Duration;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use acmekit_core::action::Offer;
use acmekit_core::challenge::ChallengeType;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Semaphore;

use super::{Solver, SolverError, SolverFuture};
use crate::text::one_line;

/// Time for one run of the program, unless [`Dns01Exec::time_limit`] sets another.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(120);
/// Most runs of the program at once; an order may have a thousand names.
const MAX_RUNS: usize = 16;
/// The key of an external account binding, where programs look for it in their environment.
const EAB_HMAC_KEY_VARIABLE: &str = "ACME_EAB_HMAC_KEY";
/// How much of the end of the program's standard error is kept, in bytes.
const MAX_STDERR: usize = 4096;
/// How long to wait for the rest of standard error when the program has ended but a process it left
/// behind keeps the pipe open.
const STDERR_GRACE: Duration = Duration::from_millis(200);

/// Publishes dns-01 proofs by running a program.
///
/// # Protocol
///
/// ```text
/// PROGRAM present  NAME VALUE      add the TXT record NAME with this value
/// PROGRAM withdraw NAME VALUE      remove it
/// ```
///
/// - The program is run directly, never through a shell. Arguments are passed as they are:
///   `NAME` such as `_acme-challenge.example.org` (a checked DNS name, no trailing dot), `VALUE` 43
///   letters, digits, `-` and `_`. A value may begin with `-`: a program that reads options should
///   take it from the environment, or after `--`.
/// - The same stands in the environment: `ACME_ACTION`, `ACME_RECORD_NAME`, `ACME_RECORD_VALUE`, and
///   `ACME_IDENTIFIER`, the name to be validated without `*.`. The rest of the environment is
///   handed down, except `ACME_EAB_HMAC_KEY`, a secret that is none of its business.
/// - Exit status 0 of `present` means that the CA will see the record: the program waits until every
///   authoritative server has it. Exit status 0 of `withdraw` means that it is gone or was never
///   there.
/// - Several values at one name must be able to exist side by side (a name and its wildcard are
///   validated by two records of one name): `present` adds a value, `withdraw` removes only the
///   value it names. Both may be repeated, and runs for different names, or different values of one
///   name, may overlap (at most 16 at once).
/// - Standard input is closed, standard output ignored. The last line of standard error becomes part
///   of the error message, with control characters escaped.
/// - A run that takes longer than the time limit is ended with all processes it started (Unix: its
///   process group) and counts as failed.
///
/// ```no_run
/// # fn example() -> Result<(), acmekit::Error> {
/// use std::time::Duration;
/// let solver = acmekit::solver::dns01::Dns01Exec::new("/etc/acme/update-zone")?
///     .time_limit(Duration::from_secs(300));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Dns01Exec {
    program: PathBuf,
    kind: ChallengeType,
    time_limit: Duration,
    slots: Arc<Semaphore>,
}

impl Dns01Exec {
    /// Takes a path, or a name that is looked for in `PATH`. It is resolved now, so later changes of
    /// the working directory or of `PATH` do not matter.
    ///
    /// # Errors
    /// [`SolverError`] with the code `program` if there is no such program or it may not be run.
    pub fn new(program: impl AsRef<Path>) -> Result<Self, SolverError> {
        let program = resolve(program.as_ref())?;
        let slots = Arc::new(Semaphore::new(MAX_RUNS));
        Ok(Self { program, kind: ChallengeType::Dns01, time_limit: DEFAULT_TIME_LIMIT, slots })
    }

    /// Meets dns-account-01 instead: the record's name begins with a label of the account, such as
    /// `_ujmmovf2vn55tgye._acme-challenge.example.org`, so that several accounts can validate one
    /// name. Add a solver of each form for CAs that offer only one of them.
    #[must_use]
    pub fn with_account_label(mut self) -> Self {
        self.kind = ChallengeType::DnsAccount01;
        self
    }

    /// Sets the time for one run.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The name of the record; `None` if an account is needed and there is none.
    fn record_name(&self, offer: &Offer) -> Option<String> {
        match self.kind {
            ChallengeType::DnsAccount01 => offer.dns_account01_name(),
            _ => Some(offer.dns01_name()),
        }
    }

    fn command(&self, action: &str, name: &str, offer: &Offer) -> Command {
        let value = offer.dns01_value();
        let mut command = Command::new(&self.program);
        command
            .args([action, name, &value])
            .env_remove(EAB_HMAC_KEY_VARIABLE)
            .env("ACME_ACTION", action)
            .env("ACME_RECORD_NAME", name)
            .env("ACME_RECORD_VALUE", &value)
            .env("ACME_IDENTIFIER", offer.identifier.value())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command
    }

    async fn run(&self, action: &'static str, offer: &Offer) -> Result<(), SolverError> {
        let Some(name) = self.record_name(offer) else {
            return Err(SolverError::new("dns-account-01 needs the URL of the account"));
        };
        let mut command = self.command(action, &name, offer);
        let error = |what: String| {
            let program = self.program.display();
            SolverError::new(format!("{program} {action} {name}: {what}"))
        };
        // The semaphore is never closed; waiting for a slot takes nothing from the time limit.
        let _slot = self.slots.acquire().await.ok();
        let child = command.spawn().map_err(|e| error(format!("it cannot be run: {e}")))?;
        let mut running = Running { child, finished: false };
        let stderr = running.child.stderr.take();
        let mut tail = Tail::default();
        let status = tokio::time::timeout(self.time_limit, finish(&mut running, stderr, &mut tail))
            .await
            .map_err(|_| error(format!("it took longer than {} s", self.time_limit.as_secs_f32())))?
            .map_err(|e| error(format!("it was lost: {e}")))?;
        if status.success() {
            return Ok(());
        }
        let said = tail.last_line();
        Err(error(if said.is_empty() { status.to_string() } else { format!("{said} ({status})") }))
    }
}

/// Waits for the end of the program, reading what it says meanwhile so that it never blocks.
async fn finish(
    running: &mut Running,
    mut stderr: Option<ChildStderr>,
    tail: &mut Tail,
) -> io::Result<ExitStatus> {
    let mut buffer = [0; 1024];
    let status = loop {
        tokio::select! {
            status = running.child.wait() => break status?,
            more = read(&mut stderr, &mut buffer), if stderr.is_some() => {
                if !tail.push(more.and_then(|n| buffer.get(..n))) {
                    stderr = None;
                }
            }
        }
    };
    running.finished = true;
    tokio::time::timeout(STDERR_GRACE, async {
        while stderr.is_some() {
            let more = read(&mut stderr, &mut buffer).await;
            if !tail.push(more.and_then(|n| buffer.get(..n))) {
                stderr = None;
            }
        }
    })
    .await
    .ok();
    Ok(status)
}

async fn read(stderr: &mut Option<ChildStderr>, buffer: &mut [u8]) -> Option<usize> {
    stderr.as_mut()?.read(buffer).await.ok().filter(|n| *n > 0)
}

/// The end of what the program said.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    /// Takes more in; false if there is no more.
    fn push(&mut self, more: Option<&[u8]>) -> bool {
        let Some(more) = more else { return false };
        self.0.extend_from_slice(more);
        self.0.drain(..self.0.len().saturating_sub(MAX_STDERR));
        true
    }

    fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        one_line(text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default())
    }
}

/// A program under way: ended with its process group if it is abandoned.
struct Running {
    child: Child,
    finished: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        // After the end the number may belong to another process.
        if self.finished {
            return;
        }
        #[cfg(unix)]
        if let Some(group) = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
    }
}

fn resolve(program: &Path) -> Result<PathBuf, SolverError> {
    let error = |what: &str| {
        SolverError::with_code("program", format!("the program {}: {what}", program.display()))
    };
    if program.as_os_str().is_empty() {
        return Err(SolverError::with_code("program", "the name of the program is empty"));
    }
    if program.components().count() > 1 || program.is_absolute() {
        // Links are kept: some programs act by the name they are called by.
        let path = std::path::absolute(program).map_err(|e| error(&e.to_string()))?;
        path.metadata().map_err(|e| error(&e.to_string()))?;
        return if is_runnable(&path) { Ok(path) } else { Err(error("it is not executable")) };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| is_runnable(path))
        .ok_or_else(|| error("it is not in PATH; give its path, such as ./NAME"))
}

#[cfg(unix)]
fn is_runnable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_runnable(path: &Path) -> bool {
    path.is_file()
}

impl Solver for Dns01Exec {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == self.kind
            && offer.kind.can_validate(&offer.identifier)
            && self.record_name(offer).is_some()
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(self.run("present", offer))
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(self.run("withdraw", offer))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::time::Instant;

    use super::*;
    use crate::solver::testing::offer;

    const NAME: &str = "_acme-challenge.example.org";

    /// A folder with a shell script in it. The script is written by another process: a file that
    /// this one has open for writing while a test beside forks cannot be run (`ETXTBSY`).
    fn script(body: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook");
        let mut writer = std::process::Command::new("/bin/sh")
            .args(["-c", "cat > \"$1\" && chmod 700 \"$1\"", "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let text = format!("#!/bin/sh\ncd '{}' || exit 99\n{body}\n", folder.path().display());
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        (folder, path)
    }

    fn wildcard() -> Offer {
        offer(ChallengeType::Dns01, "*.example.org")
    }

    #[tokio::test]
    async fn the_program_gets_action_name_and_value_as_arguments_and_environment() {
        let (folder, path) = script(
            r#"{ printf '%s|' "$#" "$@"; printf '%s|' "$ACME_ACTION" "$ACME_RECORD_NAME" \
               "$ACME_RECORD_VALUE" "$ACME_IDENTIFIER"; cat; echo; } >> log; echo ignored"#,
        );
        let solver = Dns01Exec::new(&path).unwrap();
        let offer = wildcard();
        assert!(solver.supports(&offer));
        solver.present(&offer).await.unwrap();
        solver.withdraw(&offer).await.unwrap();
        let value = offer.dns01_value();
        let line = |action: &str| {
            format!("3|{action}|{NAME}|{value}|{action}|{NAME}|{value}|example.org|\n")
        };
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, line("present") + &line("withdraw"));
    }

    #[tokio::test]
    async fn with_the_label_of_the_account_the_record_is_that_of_dns_account_01() {
        let (folder, path) = script(r#"echo "$2" "$ACME_RECORD_NAME" "$3" >> log"#);
        let (plain, solver) =
            (Dns01Exec::new(&path).unwrap(), Dns01Exec::new(&path).unwrap().with_account_label());
        let without_account = offer(ChallengeType::DnsAccount01, "*.example.org");
        assert!(!solver.supports(&without_account), "the label is made of the account's URL");
        let account = "https://example.com/acme/acct/ExampleAccount";
        let offer = without_account.with_members(serde_json::Map::new(), account);
        assert!(solver.supports(&offer) && !plain.supports(&offer));
        assert!(plain.supports(&wildcard()) && !solver.supports(&wildcard()));
        solver.present(&offer).await.unwrap();
        let name = "_ujmmovf2vn55tgye._acme-challenge.example.org";
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, format!("{name} {name} {}\n", offer.dns01_value()));
    }

    #[test]
    fn the_secret_of_an_external_account_binding_is_not_handed_down() {
        let solver = Dns01Exec::new("sh").unwrap();
        let command = solver.command("present", NAME, &wildcard());
        let mut changes = command.as_std().get_envs();
        assert!(changes.any(|(name, value)| name == "ACME_EAB_HMAC_KEY" && value.is_none()));
    }

    #[tokio::test]
    async fn a_failure_is_told_in_the_last_line_of_the_program() {
        let (_folder, path) =
            script(r#"echo first >&2; printf 'zone \033[31mlocked\n\n' >&2; exit 3"#);
        let error = Dns01Exec::new(&path).unwrap().present(&wildcard()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with("zone \\u{1b}[31mlocked (exit status: 3)"), "{text}");
        assert!(text.contains(&format!("present {NAME}: ")) && !text.contains("first"), "{text}");
    }

    #[tokio::test]
    async fn a_talkative_program_neither_blocks_nor_floods() {
        let (_folder, path) = script(
            "i=0; while [ $i -lt 3000 ]; do echo 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' >&2; \
             i=$((i+1)); done; head -c 100000 /dev/zero | tr '\\0' y >&2; exit 1",
        );
        let error = Dns01Exec::new(&path).unwrap().present(&wildcard()).await.unwrap_err();
        assert!(error.to_string().len() < 700, "{}", error.to_string().len());
    }

    #[tokio::test]
    async fn a_run_over_the_time_limit_is_ended_with_its_children() {
        let (folder, path) = script("(sleep 1; echo late > late) & wait; sleep 60");
        let solver = Dns01Exec::new(&path).unwrap().time_limit(Duration::from_millis(200));
        let begun = Instant::now();
        let error = solver.present(&wildcard()).await.unwrap_err();
        assert!(error.to_string().contains("longer than 0.2 s"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!folder.path().join("late").exists(), "a child has survived");
    }

    #[tokio::test]
    async fn a_run_that_is_abandoned_is_ended() {
        let (folder, path) = script("sleep 1; echo late > late");
        let solver = Dns01Exec::new(&path).unwrap();
        let run = tokio::time::timeout(Duration::from_millis(300), async {
            solver.present(&wildcard()).await
        });
        assert!(run.await.is_err());
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert!(!folder.path().join("late").exists(), "the program has survived");
    }

    #[tokio::test]
    async fn a_process_left_in_the_background_does_not_hold_the_run_up() {
        let (_folder, path) = script("sleep 5 & exit 0");
        let begun = Instant::now();
        Dns01Exec::new(&path).unwrap().present(&wildcard()).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_program_that_cannot_be_run_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for program in [file.as_path(), folder.path(), &folder.path().join("none"), Path::new("")] {
            assert_eq!(Dns01Exec::new(program).unwrap_err().code(), "program", "{program:?}");
        }
        let missing = Dns01Exec::new("acmekit-no-such-program").unwrap_err();
        assert!(missing.to_string().contains("not in PATH"), "{missing}");
        assert_eq!(Dns01Exec::new("sh").unwrap().program.file_name().unwrap(), "sh");
    }
}
