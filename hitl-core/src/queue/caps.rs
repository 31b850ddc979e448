//! How many calls may wait.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many calls may wait for a decision at a time. What is not said is not capped.
///
/// A store judges it in the transaction that enters a call, so that of many that race no more come
/// in than may. What runs at once, and what waits already, is not turned away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caps {
    /// Of one principal in its tenant.
    pub principal: Option<u32>,
    /// Of one tenant.
    pub tenant: Option<u32>,
}

impl Caps {
    /// Whether nothing is capped.
    pub const fn is_none(self) -> bool {
        self.principal.is_none() && self.tenant.is_none()
    }

    /// The cap that one more call would break, when so many wait already.
    pub fn broken(self, own: u64, all: u64) -> Option<Cap> {
        let own = self.principal.filter(|most| own >= u64::from(*most)).map(Cap::Principal);
        own.or(self.tenant.filter(|most| all >= u64::from(*most)).map(Cap::Tenant))
    }
}

/// A cap that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Cap {
    /// So many calls of the principal wait.
    Principal(u32),
    /// So many calls of the tenant wait.
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
