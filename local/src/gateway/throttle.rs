//! The throttle of the template's default route settings: a bucket of tokens for each route.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::template::Throttle;

/// A bucket for each route.
pub(super) struct Throttles {
    limit: Throttle,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Throttles {
    pub(super) fn new(limit: Throttle) -> Self {
        Self {
            limit,
            buckets: Mutex::default(),
        }
    }

    /// Whether one more request may pass on this route.
    pub(super) fn allow(&self, route_key: &str) -> bool {
        self.allow_at(route_key, Instant::now())
    }

    fn allow_at(&self, route_key: &str, now: Instant) -> bool {
        let burst = f64::from(self.limit.burst);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets
            .entry(route_key.to_owned())
            .or_insert_with(|| Bucket {
                tokens: burst,
                filled_at: now,
            });
        let elapsed = now
            .saturating_duration_since(bucket.filled_at)
            .as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * f64::from(self.limit.rate)).min(burst);
        bucket.filled_at = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let throttles = Throttles::new(Throttle { burst: 2, rate: 10 });
        let start = Instant::now();
        let at = |route, ms| throttles.allow_at(route, start + Duration::from_millis(ms));
        assert!(at("a", 0) && at("a", 0));
        assert!(!at("a", 50), "half a token came back");
        assert!(at("b", 50), "another route has its own bucket");
        assert!(at("a", 110));
        assert!(!at("a", 110));
    }
}
