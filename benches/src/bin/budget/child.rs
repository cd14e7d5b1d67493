//! The measured process: does one job and reports what it cost.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Failure;
use crate::job::{Job, Library, Report};
use crate::listener::Proofs;
use crate::workload::Workload;
use crate::{with_acmekit, with_instant_acme};

/// Longest time for one job; a server that hangs must not hang the comparison.
const PATIENCE: Duration = Duration::from_secs(180);

/// Reads the job, does it, prints the report.
pub(crate) fn run() -> Result<(), Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let job: Job = serde_json::from_str(&text)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = runtime.block_on(measure(&job))?;
    report.processor_micros = processor_micros();
    report.peak_memory_kib = peak_memory_kib();
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn measure(job: &Job) -> Result<Report, Failure> {
    let proofs = Proofs::listen(job.http01).await?;
    let begin = Instant::now();
    let work = async {
        match job.library {
            Library::Acmekit => with_acmekit::issue_all(job, &proofs).await.map(Some),
            Library::InstantAcme => with_instant_acme::issue_all(job, &proofs).await.map(|()| None),
        }
    };
    let own_count = tokio::time::timeout(PATIENCE, work)
        .await
        .map_err(|_| format!("{} did not finish in {PATIENCE:?}", job.library.name()))??;
    Ok(Report {
        wall_micros: u64::try_from(begin.elapsed().as_micros())?,
        processor_micros: None,
        peak_memory_kib: None,
        own_count,
        fetched: proofs.fetched(),
    })
}

/// Issues all certificates of a job, so many at once as it wants; stops at the first failure.
pub(crate) async fn side_by_side<F>(
    job: &Job,
    issue: impl Fn(Vec<String>) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(job.in_flight));
    let mut orders = JoinSet::new();
    for certificate in 1..=job.certificates {
        let (slots, order) =
            (Arc::clone(&slots), issue(Workload::names_of(job.names, certificate)));
        orders.spawn(async move {
            let _slot = slots.acquire_owned().await?;
            order.await
        });
    }
    while let Some(result) = orders.join_next().await {
        result??;
    }
    Ok(())
}

/// User and system time of this process so far.
#[cfg(unix)]
fn processor_micros() -> Option<u64> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1000).ok()
}

#[cfg(not(unix))]
fn processor_micros() -> Option<u64> {
    None
}

/// The most memory this process has occupied. Not `getrusage`: that counts the process it was
/// started from as well.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
