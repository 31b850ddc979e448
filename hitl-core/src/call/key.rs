//! The identity of a call.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use hitl_base::id::{EphemeralIds, Uuid, new_v7};
use serde::{Deserialize, Serialize};

use super::{RunId, Tenant};

/// The identity of a call: tenant, run and position in the run, given by the host.
///
/// A repeated submission of the same key re-attaches to the existing record (same content) or is
/// refused (other content). A provider's call id is only a label and not a key: real agents reuse
/// ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
// Exhaustive: these parts are the identity of a call.
pub struct CallKey {
    /// The tenant that owns the data.
    pub tenant: Tenant,
    /// The run of the agent.
    pub run: RunId,
    /// The position of the call in its run, counted by the host.
    pub position: u64,
}

impl CallKey {
    /// Creates a key in the default tenant.
    pub fn new(run: impl Into<RunId>, position: u64) -> Self {
        Self { tenant: Tenant::default(), run: run.into(), position }
    }

    /// Generates a key that no other call has. Such a call cannot be re-attached to after a
    /// restart.
    pub(crate) fn generate(tenant: Tenant) -> Self {
        Self::from_run(tenant, new_v7())
    }

    /// Does the same for a call that leaves no record: only its audit has this key.
    pub(crate) fn generate_ephemeral(tenant: Tenant, runs: &EphemeralIds) -> Self {
        Self::from_run(tenant, runs.next())
    }

    /// Generates a position that no other call of a run has. It stays below 2^53, so that every
    /// program that reads JSON reads it exactly.
    pub(crate) fn generate_position() -> u64 {
        // The lower bits of the id are random.
        let random = new_v7().as_u128() & ((1 << 53) - 1);
        u64::try_from(random).unwrap_or(0)
    }

    fn from_run(tenant: Tenant, run: Uuid) -> Self {
        let mut text = Uuid::encode_buffer();
        let run: &str = run.hyphenated().encode_lower(&mut text);
        Self { tenant, run: run.into(), position: 0 }
    }
}

/// Returns a name with `separator` escaped, so that two different keys never have the same text:
/// the tenant ends at the first slash, and the position begins after the last `#`.
fn plain(name: &str, separator: Option<char>) -> Cow<'_, str> {
    let is_special = |c: char| c == '%' || Some(c) == separator || c.is_control();
    if !name.contains(is_special) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 8);
    for c in name.chars() {
        if is_special(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tenant, run) =
            (plain(self.tenant.as_str(), Some('/')), plain(self.run.as_str(), None));
        write!(f, "{tenant}/{run}#{}", self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_positions_differ_and_are_exact_in_json() {
        let mut positions: Vec<u64> =
            std::iter::repeat_with(CallKey::generate_position).take(10_000).collect();
        assert!(positions.iter().all(|position| *position < 1 << 53));
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(positions.len(), 10_000);
    }

    #[test]
    fn different_keys_never_read_the_same() {
        let key = |tenant: &str, run: &str| CallKey {
            tenant: Tenant::new(tenant),
            ..CallKey::new(run, 1)
        };
        assert_eq!(key("acme", "task-7/run-7").to_string(), "acme/task-7/run-7#1");
        assert_ne!(key("a", "b/c").to_string(), key("a/b", "c").to_string());
        assert_ne!(key("a", "b#1").to_string(), key("a", "b%231").to_string());
        assert_eq!(key("a", "b\n").to_string(), "a/b%0A#1");
    }
}
