//! The three workloads, and how many requests acmekit may send for each.

/// How many orders are under way at once where there are many.
const IN_FLIGHT: usize = 16;

/// A number of certificates by one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) certificates: usize,
    /// Names in each certificate.
    pub(crate) names: usize,
    pub(crate) in_flight: usize,
    /// How often it is measured; the table shows medians.
    pub(crate) rounds: usize,
}

impl Workload {
    /// All three.
    pub(crate) fn all(short: bool) -> [Self; 3] {
        let single = Self { certificates: 1, names: 1, in_flight: 1, rounds: 1 };
        if short {
            [
                single,
                Self { names: 50, ..single },
                Self { certificates: 40, in_flight: IN_FLIGHT, ..single },
            ]
        } else {
            [
                Self { rounds: 7, ..single },
                Self { names: 50, rounds: 5, ..single },
                Self { certificates: 200, in_flight: IN_FLIGHT, rounds: 3, ..single },
            ]
        }
    }

    /// The most requests, directory and nonces included: 2N + 5 for a certificate of N names
    /// (newOrder, N authorizations, N challenges, a poll, finalize, a poll, the download), and two
    /// to begin with. Orders side by side begin with more nonces; 20 requests are 0.1 for each of
    /// 200 certificates.
    pub(crate) fn budget(&self) -> u64 {
        let each = 2 * self.names + 5;
        let beginning = if self.certificates == 1 { 2 } else { 20 };
        (self.certificates * each + beginning) as u64
    }

    /// The names of one of the certificates.
    pub(crate) fn names_of(names: usize, certificate: usize) -> Vec<String> {
        (1..=names).map(|name| format!("n{name}.c{certificate}.example.org")).collect()
    }
}

impl std::fmt::Display for Workload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        let Self { certificates, names, in_flight, .. } = self;
        write!(
            f,
            "{certificates} certificate{}, {names} name{}",
            plural(*certificates),
            plural(*names)
        )?;
        if *in_flight > 1 { write!(f, ", {in_flight} in flight") } else { Ok(()) }
    }
}
