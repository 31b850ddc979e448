//! Caps on the number of waiting calls.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Caps on the number of calls that may wait for a decision at a time. `None` is no cap.
///
/// A store checks them in the transaction that inserts a call, so that racing calls never exceed
/// them. A call that runs at once, or waits already, is not refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caps {
    /// The cap for one principal in its tenant.
    pub principal: Option<u32>,
    /// The cap for one tenant.
    pub tenant: Option<u32>,
}

impl Caps {
    /// Returns whether there is no cap.
    pub const fn is_none(self) -> bool {
        self.principal.is_none() && self.tenant.is_none()
    }

    /// Returns the cap that one more call would exceed, given the numbers of waiting calls.
    pub fn broken(self, own: u64, all: u64) -> Option<Cap> {
        let own = self.principal.filter(|most| own >= u64::from(*most)).map(Cap::Principal);
        own.or(self.tenant.filter(|most| all >= u64::from(*most)).map(Cap::Tenant))
    }
}

/// A cap that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Cap {
    /// The principal has this many waiting calls.
    Principal(u32),
    /// The tenant has this many waiting calls.
    Tenant(u32),
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(most) => write!(f, "{most} calls of this principal"),
            Self::Tenant(most) => write!(f, "{most} calls of this tenant"),
        }
    }
}
