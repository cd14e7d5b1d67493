//! The session's copy of the directory, and for how long it may be used (RFC 9111).

use core::time::Duration;

use http::HeaderMap;

use crate::header;
use crate::policy::Policy;
use crate::time::Timestamp;
use crate::types::Directory;

/// The directory as it was read last. All times are steady times of the session.
#[derive(Default)]
pub(crate) struct DirectoryCache {
    copy: Option<Copy>,
}

struct Copy {
    directory: Directory,
    read: Timestamp,
    fresh_until: Timestamp,
}

impl DirectoryCache {
    /// The copy, fresh or not.
    pub(crate) fn directory(&self) -> Option<&Directory> {
        self.copy.as_ref().map(|copy| &copy.directory)
    }

    /// Whether an operation may begin with the copy.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.copy.as_ref().is_some_and(|copy| now < copy.fresh_until)
    }

    /// Takes over a directory that was just read, with the headers it came with.
    pub(crate) fn replace(
        &mut self,
        directory: Directory,
        headers: &HeaderMap,
        now: Timestamp,
        policy: &Policy,
    ) {
        let lifetime = lifetime(headers, policy);
        let fresh_until = now.saturating_add(lifetime);
        self.copy = Some(Copy { directory, read: now, fresh_until });
    }

    /// The server has nothing at a URL of the copy: it is to be read again, unless that was done
    /// only just now. Tells whether it will be.
    pub(crate) fn distrust(&mut self, now: Timestamp, policy: &Policy) -> bool {
        let Some(copy) = &mut self.copy else { return false };
        let is_recent = now.saturating_since(copy.read) < policy.min_directory_age;
        if !is_recent {
            copy.fresh_until = copy.read;
        }
        !is_recent
    }

    /// The directory cannot be read again; the copy has to serve a while longer.
    pub(crate) fn keep(&mut self, now: Timestamp, policy: &Policy) {
        if let Some(copy) = &mut self.copy {
            copy.fresh_until = now.saturating_add(policy.min_directory_age);
        }
    }
}

/// How long a directory with these headers is used.
fn lifetime(headers: &HeaderMap, policy: &Policy) -> Duration {
    let longest = policy.max_directory_age;
    let allowed = header::cache_lifetime(headers).unwrap_or(longest);
    allowed.max(policy.min_directory_age).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.saturating_add(Duration::from_secs(seconds))
    }

    fn cached(cache_control: Option<&str>) -> DirectoryCache {
        let mut headers = HeaderMap::new();
        if let Some(text) = cache_control {
            headers.insert("cache-control", text.parse().unwrap());
        }
        let mut cache = DirectoryCache::default();
        cache.replace(Directory::default(), &headers, NOW, &Policy::default());
        cache
    }

    /// The second at which a directory with this Cache-Control is stale.
    fn stale_after(cache_control: Option<&str>) -> u64 {
        let cache = cached(cache_control);
        let mut seconds = [60, 300, 301, 600, 3600, 86_400, 86_401].into_iter();
        seconds.find(|seconds| !cache.is_fresh(after(*seconds))).unwrap()
    }

    #[test]
    fn a_directory_is_used_for_a_bounded_time_whatever_the_server_allows() {
        assert_eq!(stale_after(None), 86_400);
        assert_eq!(stale_after(Some("max-age=31536000")), 86_400);
        assert_eq!(stale_after(Some("max-age=99999999999999999999")), 86_400);
        assert_eq!(stale_after(Some("max-age=600")), 600);
        for forbidden in ["no-store", "public, max-age=0, no-cache", "max-age=0"] {
            assert_eq!(stale_after(Some(forbidden)), 300, "{forbidden}: for a burst of orders");
        }
    }

    #[test]
    fn a_distrusted_copy_is_stale_but_not_right_after_it_was_read() {
        let policy = Policy::default();
        let mut cache = cached(None);
        assert!(!cache.distrust(after(299), &policy) && cache.is_fresh(after(299)));
        assert!(cache.distrust(after(300), &policy) && !cache.is_fresh(after(300)));
        assert!(cache.directory().is_some(), "it still serves what is under way");
        cache.keep(after(300), &policy);
        assert!(cache.is_fresh(after(599)) && !cache.is_fresh(after(600)));
        assert!(!DirectoryCache::default().distrust(NOW, &policy));
    }
}
