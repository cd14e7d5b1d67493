//! A server process that is ended when its owner is dropped, and even when its owner is killed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::LaunchError;

/// How long a server may take until it listens.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// How to start a program.
pub(crate) struct Start {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    log: PathBuf,
    resolv_conf: Option<PathBuf>,
}

impl Start {
    /// Runs `program` in `folder`; what it prints goes to a file there.
    pub(crate) fn new(program: &Path, folder: &Path) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: folder.to_owned(),
            log: folder.join("server.log"),
            resolv_conf: None,
        }
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Lets the program, and nobody else, see this file as `/etc/resolv.conf`.
    pub(crate) fn resolv_conf(mut self, file: Option<&Path>) -> Self {
        self.resolv_conf = file.map(Path::to_owned);
        self
    }

    /// Starts the program and waits until it listens on all of `ports`.
    pub(crate) fn run(&self, ports: &[SocketAddr]) -> Result<Process, LaunchError> {
        let child = self.spawn().map_err(|error| {
            LaunchError::io(&format!("cannot start {}", self.program.display()), &error)
        })?;
        let mut process = Process { child, log: self.log.clone() };
        process.wait_until_listening(ports)?;
        Ok(process)
    }

    fn command(&self) -> std::io::Result<Command> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(file) = &self.resolv_conf {
            // Each wrapper replaces itself by the next, so the process id stays that of the server.
            words.extend(["unshare", "--mount", "sh", "-c"].map(OsString::from));
            words.push(r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#.into());
            words.push(file.into());
        }
        if Path::new("/usr/bin/setpriv").is_file() {
            // `Drop` does not run in a test process that is killed; the kernel does this always.
            words.extend(["setpriv", "--pdeathsig", "KILL"].map(OsString::from));
        }
        words.push(self.program.clone().into());
        words.extend(self.arguments.iter().cloned());

        let output = File::create(&self.log)?;
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        Ok(command)
    }

    /// Starts from a thread that lives as long as the child, because the kernel's parent-death
    /// signal follows the thread that started the child, not the process.
    fn spawn(&self) -> std::io::Result<OwnedChild> {
        let mut command = self.command()?;
        let (started, answer) = mpsc::channel();
        let (keep_alive, dropped) = mpsc::channel::<()>();
        thread::spawn(move || {
            let failed = started.send(command.spawn()).is_err();
            if !failed {
                // Ends with an error when the other half is dropped, which is the point.
                let _ = dropped.recv();
            }
        });
        let child = answer.recv().map_err(std::io::Error::other)??;
        Ok(OwnedChild { child, _keep_alive: keep_alive })
    }
}

/// The child, and what keeps the thread that started it alive.
struct OwnedChild {
    child: Child,
    _keep_alive: mpsc::Sender<()>,
}

/// A running server; dropping it kills it by its process id and prints its log if a test panics.
pub(crate) struct Process {
    child: OwnedChild,
    log: PathBuf,
}

impl Process {
    /// Everything the server printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.child.id()
    }

    fn wait_until_listening(&mut self, ports: &[SocketAddr]) -> Result<(), LaunchError> {
        let begin = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.child.try_wait() {
                let log = self.log();
                return Err(LaunchError::Failed(format!("the server ended, {status}:\n{log}")));
            }
            let reachable = |port: &SocketAddr| {
                TcpStream::connect_timeout(port, Duration::from_millis(200)).is_ok()
            };
            if ports.iter().all(reachable) {
                return Ok(());
            }
            if begin.elapsed() > READY_WITHIN {
                let log = self.log();
                return Err(LaunchError::Failed(format!(
                    "the server does not listen on {ports:?} after {READY_WITHIN:?}:\n{log}"
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when the process has ended already.
        let _ = self.child.child.kill();
        let _ = self.child.child.wait();
        if thread::panicking() {
            use std::io::Write;
            let text = format!("---- {} ----\n{}\n", self.log.display(), self.log());
            let _ = std::io::stderr().write_all(text.as_bytes());
        }
    }
}

/// Runs a program to its end and hands out its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<Vec<u8>, LaunchError> {
    output_from(command.stdin(Stdio::null()))
}

/// The same with the standard input that the command has been given.
pub(crate) fn output_from(command: &mut Command) -> Result<Vec<u8>, LaunchError> {
    let output = command
        .output()
        .map_err(|error| LaunchError::io(&format!("cannot run {command:?}"), &error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        let text = String::from_utf8_lossy(&output.stderr);
        Err(LaunchError::Failed(format!("{command:?}: {}: {text}", output.status)))
    }
}
