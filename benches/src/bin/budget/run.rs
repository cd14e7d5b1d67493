//! Runs the workloads: each client and round with a new server, a new account and a new process.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use acmekit::{Account, Client, KeyType, PrivateKey, Registration, SystemEntropy};
use acmekit_testing::{LogEntry, RequestKind};

use crate::Failure;
use crate::interop::LaunchError;
use crate::job::{Job, Library, Report};
use crate::target::{Counts, Kind, Target};
use crate::workload::Workload;

/// Rounds added as long as the budget was kept in none: it is for servers that answer at once, and
/// when the machine stalls, an order is polled once more or a nonce is fetched early.
const MORE_ROUNDS: usize = 3;

/// One workload, done by one client in one process.
pub(crate) struct Round {
    pub(crate) report: Report,
    /// Requests as the server counted them.
    pub(crate) counts: Counts,
    pub(crate) waiting: Waiting,
}

impl Round {
    pub(crate) fn requests(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// How often orders were polled and how long validations took; empty where the server does not
/// tell.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Number of orders, by the number of times each was polled.
    pub(crate) polls: BTreeMap<u64, usize>,
    /// Milliseconds from the answer to a challenge until the server fetched the proof, ascending.
    pub(crate) fetched_after: Vec<i64>,
}

/// All rounds of one workload by one client.
pub(crate) struct Measured {
    pub(crate) workload: Workload,
    pub(crate) library: Library,
    pub(crate) rounds: Vec<Round>,
}

impl Measured {
    /// The least and the most requests of a round.
    pub(crate) fn requests(&self) -> (u64, u64) {
        let requests = || self.rounds.iter().map(Round::requests);
        (requests().min().unwrap_or(0), requests().max().unwrap_or(0))
    }

    /// Whether a round of acmekit has kept to the budget; the other client has none.
    pub(crate) fn keeps_budget(&self) -> bool {
        self.library != Library::Acmekit || self.requests().0 <= self.workload.budget()
    }
}

/// Runs everything on one kind of server. The inner error says why the server cannot be started.
pub(crate) fn on_target(
    kind: Kind,
    short: bool,
) -> Result<Result<Vec<Measured>, LaunchError>, Failure> {
    let mut all = Vec::new();
    for workload in Workload::all(short) {
        let mut measured =
            Library::ALL.map(|library| Measured { workload, library, rounds: Vec::new() });
        // In turn, so that a slow moment of the machine meets both.
        for number in 0..workload.rounds + MORE_ROUNDS {
            for measured in &mut measured {
                if number >= workload.rounds && measured.keeps_budget() {
                    continue;
                }
                let target = match Target::start(kind) {
                    Ok(target) => target,
                    Err(error) => return Ok(Err(error)),
                };
                let name = measured.library.name();
                let round = round(&target, workload, measured.library)
                    .map_err(|error| format!("{workload} from {kind} by {name}: {error}"))?;
                measured.rounds.push(round);
            }
        }
        all.extend(measured);
    }
    Ok(Ok(all))
}

fn round(target: &Target, workload: Workload, library: Library) -> Result<Round, Failure> {
    let (account, account_key) = register(target)?;
    let before = target.counts();
    let seen = target.log().len();
    let report = in_a_process(&Job {
        library,
        certificates: workload.certificates,
        names: workload.names,
        in_flight: workload.in_flight,
        root_pem_file: target.root_pem_file(),
        http01: target.http01(),
        account,
        account_key,
    })?;
    let mut counts = target.counts();
    for (name, count) in &mut counts {
        *count -= before.get(name).copied().unwrap_or(0);
    }
    counts.retain(|_, count| *count > 0);
    let waiting = waiting(target.log().get(seen..).unwrap_or_default(), &report);
    let round = Round { report, counts, waiting };
    if library == Library::Acmekit {
        let (sent, arrived) = (round.report.own_count, round.requests());
        if sent != Some(arrived) {
            return Err(format!("the client counts {sent:?} requests, the server {arrived}").into());
        }
        let violations = target.violations();
        if !violations.is_empty() {
            return Err(format!("the protocol was violated: {violations:?}").into());
        }
    }
    Ok(round)
}

/// Registers a new key; what either client finds is the same.
fn register(target: &Target) -> Result<(Account, Vec<u8>), Failure> {
    let key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy)?;
    let der = key.to_pkcs8_der()?.to_vec();
    let client = Client::builder(target.directory_url())
        .account_key(key)
        .add_root_certificate_pem(&std::fs::read(target.root_pem_file())?)?
        .build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let registration = Registration::new().agree_to_terms(true);
    Ok((runtime.block_on(client.register(registration))?, der))
}

fn in_a_process(job: &Job) -> Result<Report, Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("child")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("the process has no standard input")?;
    input.write_all(serde_json::to_string(job)?.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(text.trim().to_owned().into());
    }
    Ok(serde_json::from_str(&text)?)
}

fn waiting(log: &[LogEntry], report: &Report) -> Waiting {
    let mut of_order: BTreeMap<&str, u64> = BTreeMap::new();
    let mut answered: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in log {
        match entry.kind {
            RequestKind::Order => *of_order.entry(&entry.url).or_default() += 1,
            RequestKind::Challenge => {
                answered.insert(&entry.url, entry.at.unix_millis());
            }
            _ => {}
        }
    }
    let mut waiting = Waiting::default();
    for polls in of_order.into_values() {
        *waiting.polls.entry(polls).or_default() += 1;
    }
    waiting.fetched_after = report
        .fetched
        .iter()
        .filter_map(|(url, at)| Some(at - answered.get(url.as_str())?))
        .collect();
    waiting.fetched_after.sort_unstable();
    waiting
}
