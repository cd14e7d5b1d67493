//! RFC 3339 dates as orders carry them, with any offset and fraction.

use acmekit_core::time::Timestamp;
use der::DateTime;

/// Reads `2026-01-01T00:00:00Z`, `2026-01-01T09:00:00.5+09:00` and the like.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let base: DateTime = format!("{date_time}Z").parse().ok()?;
    let after_fraction = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return None;
            }
            zone
        }
    };
    let offset = match after_fraction {
        "Z" => 0,
        zone => {
            let sign = match zone.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let number = |digits: &str, limit: i64| -> Option<i64> {
                let is_number = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
                let number = if is_number {
                    digits.parse().ok()?
                } else {
                    return None;
                };
                (number < limit).then_some(number)
            };
            sign * (number(hours, 24)? * 3600 + number(minutes, 60)? * 60)
        }
    };
    let seconds = i64::try_from(base.unix_duration().as_secs()).ok()?;
    Some(Timestamp::from_unix_seconds(seconds - offset))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn offsets_and_fractions_are_read_and_nonsense_is_not() {
        let seconds = |text| parse(text).map(|time| time.unix_seconds());
        assert_eq!(seconds("1970-01-02T00:00:00Z"), Some(86_400));
        assert_eq!(seconds("1970-01-02T09:00:00.125+09:00"), Some(86_400));
        assert_eq!(seconds("1970-01-01T23:30:00-00:30"), Some(86_400));
        for text in [
            "",
            "1970-01-02",
            "1970-01-02T00:00:00",
            "1970-01-02T00:00:00.Z",
            "1970-01-02T00:00:00+9:00",
            "1970-13-02T00:00:00Z",
            "1970-01-02T00:00:00+24:00",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
