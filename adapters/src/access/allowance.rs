//! How much a principal may ask for: a bucket of tokens, one for each command or read, that fills at a steady rate.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};

/// More than any machine can do; larger rates are slips of the pen.
const COUNT_MAX: u32 = 100_000_000;
/// How long an empty bucket may take to be full: longer is no rate any more, and no number to reckon with.
const WINDOW_MAX: Duration = Duration::from_secs(31 * 24 * 3_600);

/// How fast the bucket fills, such as `100/s`, `600/m` or `20/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many tokens.
    count: NonZeroU32,
    /// In what time.
    per: Per,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Per {
    const ALL: [(Self, &'static str, u64); 3] = [
        (Self::Second, "s", 1),
        (Self::Minute, "m", 60),
        (Self::Hour, "h", 3_600),
    ];

    const fn row(self) -> (Self, &'static str, u64) {
        Self::ALL[self as usize]
    }
}

impl Rate {
    /// How many tokens come in the time that the rate names.
    #[must_use]
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// How long one token takes.
    fn period(self) -> Duration {
        let (_, _, seconds) = self.per.row();
        Duration::from_secs(seconds) / self.count.get()
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "must be a number of commands in a second, minute or hour, such as 100/s, 600/m or 20/h";
        let (count, unit) = text.split_once('/').ok_or(EXPECTED)?;
        let known = Per::ALL.into_iter().find(|(_, word, _)| *word == unit);
        let (per, _, _) = known.ok_or(EXPECTED)?;
        let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits.then(|| count.parse().ok()).flatten();
        let count = count.filter(|count: &NonZeroU32| count.get() <= COUNT_MAX);
        let count = count.ok_or(EXPECTED)?;
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, unit, _) = self.per.row();
        write!(f, "{}/{unit}", self.count)
    }
}

/// How much a principal may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How fast the bucket fills.
    pub rate: Rate,
    /// How many tokens it holds: so many may be taken at once.
    pub burst: NonZeroU32,
}

impl Limit {
    /// A bucket that holds what comes in the time that the rate names, unless `burst` says otherwise; `None` if it would
    /// take more than a month to fill.
    #[must_use]
    pub fn new(rate: Rate, burst: Option<NonZeroU32>) -> Option<Self> {
        let burst = burst.unwrap_or(rate.count);
        let window = rate.period().checked_mul(burst.get())?;
        (window <= WINDOW_MAX).then_some(Self { rate, burst })
    }

    /// How long an empty bucket takes to be full, in whole seconds.
    #[must_use]
    pub fn window_seconds(&self) -> u64 {
        whole_seconds(self.rate.period().saturating_mul(self.burst.get()))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rate)?;
        if self.burst == self.rate.count() {
            return Ok(());
        }
        write!(f, ", {} at once", self.burst)
    }
}

/// How a bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is to be.
    pub limit: Limit,
    /// How many tokens are in it.
    pub left: u32,
    /// In how many seconds it is full again.
    pub full_in_seconds: u64,
}

/// More was asked for than there is; nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// How the bucket stands.
    pub standing: Standing,
    /// How many tokens were asked for.
    pub asked: u32,
    /// When so many will be there; for more than the bucket holds, when it is full.
    pub wait: Duration,
}

impl Exceeded {
    /// Whether so much can never be taken at once.
    #[must_use]
    pub const fn is_too_much(&self) -> bool {
        self.asked > self.standing.limit.burst.get()
    }

    /// What to wait before asking again, in whole seconds.
    #[must_use]
    pub fn retry_after_seconds(&self) -> u64 {
        whole_seconds(self.wait).max(1)
    }
}

/// A principal's bucket. Full at first.
pub struct Allowance<C: Clock = DefaultClock> {
    limit: Limit,
    clock: C,
    bucket: RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>,
}

impl Allowance {
    /// A bucket by the clock of this machine.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self::by_clock(limit, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Allowance<C> {
    fn by_clock(limit: Limit, clock: C) -> Self {
        let quota = Quota::with_period(limit.rate.period()).expect("COUNT_MAX leaves nanoseconds");
        let bucket = RateLimiter::direct_with_clock(quota.allow_burst(limit.burst), clock.clone());
        Self {
            limit,
            clock,
            bucket: bucket.with_middleware(),
        }
    }
}

impl<C: Clock> Allowance<C> {
    /// What it is to be.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Takes so many tokens, all or none.
    pub fn take(&self, asked: NonZeroU32) -> Result<Standing, Exceeded> {
        let period = self.limit.rate.period();
        let exceeded = |wait: Duration, left| Exceeded {
            standing: self.standing(left),
            asked: asked.get(),
            wait,
        };
        match self.bucket.check_n(asked) {
            Ok(Ok(state)) => Ok(self.standing(state.remaining_burst_capacity())),
            Ok(Err(later)) => {
                let wait = later.wait_time_from(self.clock.now());
                let missing = wait.as_nanos().div_ceil(period.as_nanos());
                let missing = u32::try_from(missing).unwrap_or(u32::MAX);
                Err(exceeded(wait, asked.get().saturating_sub(missing)))
            }
            // What is in the bucket is not told, and makes no difference.
            Err(_) => Err(exceeded(period.saturating_mul(self.limit.burst.get()), 0)),
        }
    }

    fn standing(&self, left: u32) -> Standing {
        let missing = self.limit.burst.get().saturating_sub(left);
        Standing {
            limit: self.limit,
            left,
            full_in_seconds: whole_seconds(self.limit.rate.period().saturating_mul(missing)),
        }
    }
}

/// Rounded up: who waits so long has waited long enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limit(rate: &str, burst: Option<u32>) -> Limit {
        Limit::new(rate.parse().unwrap(), burst.and_then(NonZeroU32::new)).unwrap()
    }

    fn tokens(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn a_rate_is_a_count_and_a_time() {
        for (text, window) in [("100/s", 1), ("600/m", 60), ("20/h", 3_600), ("7/s", 1)] {
            let limit = limit(text, None);
            assert_eq!(limit.rate.to_string(), text);
            assert_eq!(limit.to_string(), text);
            assert_eq!(limit.window_seconds(), window, "{text}");
        }
        assert_eq!(limit("10/s", Some(25)).to_string(), "10/s, 25 at once");
        assert_eq!(limit("10/s", Some(25)).window_seconds(), 3);
        for text in [
            "",
            "5",
            "/s",
            "0/s",
            "-1/s",
            "+1/s",
            "1/d",
            "1.5/s",
            "5 /s",
            "100000001/s",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        assert!(Limit::new("1/h".parse().unwrap(), Some(tokens(1_000))).is_none());
        assert!(Limit::new("1/h".parse().unwrap(), Some(tokens(u32::MAX))).is_none());
    }

    #[test]
    fn tokens_are_taken_whole_and_come_back_in_time() {
        let clock = FakeRelativeClock::default();
        let bucket = Allowance::by_clock(limit("2/s", Some(10)), clock.clone());
        assert_eq!(bucket.take(tokens(4)).unwrap().left, 6);
        let standing = bucket.take(tokens(3)).unwrap();
        assert_eq!((standing.left, standing.full_in_seconds), (3, 4));
        // What is refused takes nothing.
        for _ in 0..5 {
            let exceeded = bucket.take(tokens(5)).unwrap_err();
            assert_eq!(exceeded.standing.left, 3);
            assert_eq!(exceeded.wait, Duration::from_secs(1));
            assert_eq!(exceeded.retry_after_seconds(), 1);
            assert!(!exceeded.is_too_much());
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(bucket.take(tokens(5)).unwrap().left, 0);
        clock.advance(Duration::from_secs(60));
        assert_eq!(bucket.take(tokens(1)).unwrap().left, 9);
    }

    #[test]
    fn more_than_the_bucket_holds_never_comes() {
        let clock = FakeRelativeClock::default();
        let bucket = Allowance::by_clock(limit("2/s", Some(10)), clock);
        let exceeded = bucket.take(tokens(11)).unwrap_err();
        assert!(exceeded.is_too_much());
        assert_eq!(exceeded.retry_after_seconds(), 5);
        assert_eq!(bucket.take(tokens(10)).unwrap().left, 0);
    }
}
