//! Who is signed in, and for how long. Pure: time is an argument.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use hitl_base::{RandomnessError, hex, random_bytes};
use hitl_console::Reviewer;
use sha2::{Digest as _, Sha256};

/// The most sessions at a time.
const MAX_SESSIONS: usize = 10_000;
/// The most sessions of one person; a further one ends the one that was used longest ago.
const MAX_PER_REVIEWER: usize = 20;

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionLimits {
    /// Without a request of the person's.
    pub(super) idle: Duration,
    /// In all.
    pub(super) absolute: Duration,
}

/// The secret that names a session. Only its hash is kept.
pub(super) struct SessionId(String);

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// The person does something.
    Person,
    /// The page follows the events: that keeps no session alive.
    Page,
}

/// The sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: SessionLimits,
    open: HashMap<[u8; 32], Session>,
}

#[derive(Debug)]
struct Session {
    reviewer: Reviewer,
    begun: Instant,
    used: Instant,
}

/// The error when no further session may begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooManySessions;

impl SessionId {
    /// Makes a new one of 256 random bits.
    pub(super) fn generate() -> Result<Self, RandomnessError> {
        let bytes: [u8; 32] = random_bytes()?;
        Ok(Self(hex::encode(&bytes)))
    }

    /// Reads one that a cookie holds.
    pub(super) fn from_cookie(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the secret, for the cookie.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

impl Session {
    fn is_over(&self, limits: SessionLimits, now: Instant) -> bool {
        now.saturating_duration_since(self.used) >= limits.idle
            || now.saturating_duration_since(self.begun) >= limits.absolute
    }
}

impl Sessions {
    pub(super) fn new(limits: SessionLimits) -> Self {
        Self { limits, open: HashMap::new() }
    }

    /// Begins a session.
    pub(super) fn begin(
        &mut self,
        id: &SessionId,
        reviewer: Reviewer,
        now: Instant,
    ) -> Result<(), TooManySessions> {
        let limits = self.limits;
        self.open.retain(|_, session| !session.is_over(limits, now));
        let mut theirs: Vec<_> = self
            .open
            .iter()
            .filter(|(_, session)| {
                let one = &session.reviewer;
                one.principal == reviewer.principal && one.tenant == reviewer.tenant
            })
            .map(|(hash, session)| (session.used, *hash))
            .collect();
        if theirs.len() >= MAX_PER_REVIEWER {
            theirs.sort_unstable();
            for (_, hash) in &theirs[..=theirs.len() - MAX_PER_REVIEWER] {
                self.open.remove(hash);
            }
        }
        if self.open.len() >= MAX_SESSIONS {
            return Err(TooManySessions);
        }
        self.open.insert(id.hash(), Session { reviewer, begun: now, used: now });
        Ok(())
    }

    /// Returns the owner of a session that is not over.
    pub(super) fn find(
        &mut self,
        id: &SessionId,
        activity: Activity,
        now: Instant,
    ) -> Option<Reviewer> {
        let hash = id.hash();
        let session = self.open.get_mut(&hash)?;
        if session.is_over(self.limits, now) {
            self.open.remove(&hash);
            return None;
        }
        if activity == Activity::Person {
            session.used = now;
        }
        Some(session.reviewer.clone())
    }

    /// Ends a session.
    pub(super) fn end(&mut self, id: &SessionId) {
        self.open.remove(&id.hash());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const LIMITS: SessionLimits = SessionLimits {
        idle: Duration::from_secs(30 * 60),
        absolute: Duration::from_secs(8 * 3600),
    };

    fn begun(name: &str, now: Instant) -> (Sessions, SessionId) {
        let mut sessions = Sessions::new(LIMITS);
        let id = SessionId::generate().unwrap();
        sessions.begin(&id, Reviewer::new(name), now).unwrap();
        (sessions, id)
    }

    #[test]
    fn a_session_lasts_while_its_person_does_something_and_not_beyond_its_limit() {
        let start = Instant::now();
        let (mut sessions, id) = begun("ann", start);
        let mut now = start;
        while now < start + LIMITS.absolute {
            assert!(sessions.find(&id, Activity::Person, now).is_some());
            now += MINUTE * 29;
        }
        assert_eq!(sessions.find(&id, Activity::Person, start + LIMITS.absolute), None);
        assert_eq!(sessions.find(&id, Activity::Person, start), None, "what is over stays over");
    }

    #[test]
    fn a_page_that_only_follows_events_keeps_no_session_alive() {
        let start = Instant::now();
        let (mut sessions, id) = begun("ann", start);
        for minute in 1..30 {
            assert!(sessions.find(&id, Activity::Page, start + MINUTE * minute).is_some());
        }
        assert_eq!(sessions.find(&id, Activity::Page, start + LIMITS.idle), None);
    }

    #[test]
    fn invariant_8_a_session_is_kept_by_its_hash_and_ends_at_once() {
        let now = Instant::now();
        let (mut sessions, id) = begun("ann", now);
        let shown = format!("{sessions:?} {id:?}");
        assert!(!shown.contains(id.reveal()));
        assert_eq!(id.reveal().len(), 64);
        let other = SessionId::generate().unwrap();
        assert_eq!(sessions.find(&other, Activity::Person, now), None);
        sessions.end(&other);
        assert!(sessions.find(&id, Activity::Person, now).is_some());
        sessions.end(&id);
        assert_eq!(sessions.find(&id, Activity::Person, now), None);
    }

    #[test]
    fn invariant_13_sessions_are_bounded_by_person_and_in_all() {
        let start = Instant::now();
        let (mut sessions, first) = begun("ann", start);
        for n in 0..30 {
            let id = SessionId::from_cookie(&format!("ann-{n}"));
            sessions.begin(&id, Reviewer::new("ann"), start + MINUTE / 60 * (n + 1)).unwrap();
        }
        assert_eq!(sessions.open.len(), MAX_PER_REVIEWER);
        let now = start + MINUTE;
        assert_eq!(sessions.find(&first, Activity::Person, now), None, "the oldest has ended");
        let last = SessionId::from_cookie("ann-29");
        assert!(sessions.find(&last, Activity::Person, now).is_some());
        for n in sessions.open.len()..MAX_SESSIONS {
            let id = SessionId::from_cookie(&format!("other-{n}"));
            sessions.begin(&id, Reviewer::new(format!("p{n}").as_str()), now).unwrap();
        }
        let id = SessionId::from_cookie("one more");
        assert_eq!(sessions.begin(&id, Reviewer::new("zoe"), now), Err(TooManySessions));
        let later = now + LIMITS.idle;
        assert_eq!(sessions.begin(&id, Reviewer::new("zoe"), later), Ok(()));
        assert_eq!(sessions.open.len(), 1, "what is over is forgotten");
    }
}
