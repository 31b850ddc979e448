//! Freezes: while one is in force, nothing starts. Pure.

use std::fmt;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StoreError, StoreErrorKind};
use crate::approval::KnownBy;
use crate::call::{Principal, Tenant};
use crate::ids::DecisionId;

/// The name under which a store keeps its [`Freezes`] as metadata.
///
/// A store reads this value inside the transaction of each claim: once
/// [`compare_and_set_metadata`](super::Store::compare_and_set_metadata) of it has returned, no
/// claim that was judged by an earlier value is committed. A change of it wakes all watchers.
pub const FREEZES: &str = "freezes";

/// The most scopes that are frozen at a time.
const MOST: usize = 1_000;

/// The reach of a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: a reader of a scope must know how far it reaches.
pub enum FreezeScope {
    /// Every call of the store.
    All,
    /// The calls of one tenant.
    Tenant(Tenant),
}

impl FreezeScope {
    /// Returns whether it reaches the calls of a tenant.
    pub fn reaches(&self, tenant: &Tenant) -> bool {
        match self {
            Self::All => true,
            Self::Tenant(own) => own == tenant,
        }
    }
}

impl fmt::Display for FreezeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all tenants"),
            Self::Tenant(tenant) => write!(f, "the tenant {tenant}"),
        }
    }
}

/// A freeze: from its time until a person thaws it, no call that it reaches starts, in any process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Freeze {
    /// Its reach.
    pub scope: FreezeScope,
    /// The principal who froze.
    pub by: Principal,
    /// The way in which their identity was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The reason, without secrets.
    pub reason: String,
    /// The time, by the store's clock.
    pub at: Timestamp,
}

/// The freezes in force, as one value of the store's metadata. At most one of each scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Freezes {
    in_force: Vec<Freeze>,
    /// Tells this value from every other one, so that of two equal changes one wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<DecisionId>,
}

impl Freezes {
    /// Reads the value that a store keeps under [`FREEZES`].
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Corrupt`] if it is not what this version writes. Until it can be read,
    /// [everything is frozen](is_frozen).
    pub fn parse(kept: Option<&str>) -> Result<Self, StoreError> {
        let Some(kept) = kept else { return Ok(Self::default()) };
        serde_json::from_str(kept).map_err(|_| {
            let why = "the store's freezes cannot be read, so nothing starts: a newer version of \
                       hitl may have written them; thaw with that version";
            StoreError::new(StoreErrorKind::Corrupt, why)
        })
    }

    /// Returns the value to keep. No two are equal.
    pub(crate) fn to_text(&self) -> Result<String, StoreError> {
        let new = Self { change: Some(DecisionId::new()), in_force: self.in_force.clone() };
        serde_json::to_string(&new).map_err(|_| {
            StoreError::new(StoreErrorKind::Other, "the freezes cannot be written as JSON")
        })
    }

    /// Returns the freezes in force, in the order in which they began.
    pub fn iter(&self) -> impl Iterator<Item = &Freeze> {
        self.in_force.iter()
    }

    /// Returns whether nothing is frozen.
    pub fn is_empty(&self) -> bool {
        self.in_force.is_empty()
    }

    /// Returns the freeze of exactly this scope.
    pub fn of(&self, scope: &FreezeScope) -> Option<&Freeze> {
        self.in_force.iter().find(|freeze| freeze.scope == *scope)
    }

    /// Returns the first freeze that reaches the calls of a tenant.
    pub fn reaching(&self, tenant: &Tenant) -> Option<&Freeze> {
        self.in_force.iter().find(|freeze| freeze.scope.reaches(tenant))
    }

    /// Adds a freeze. `None` if its scope is frozen already.
    pub(crate) fn with(&self, freeze: Freeze) -> Option<Result<Self, StoreError>> {
        if self.of(&freeze.scope).is_some() {
            return None;
        }
        if self.in_force.len() >= MOST {
            let why = format!("{MOST} tenants are frozen already; freeze all tenants instead");
            return Some(Err(StoreError::new(StoreErrorKind::Full, why)));
        }
        let mut next = self.clone();
        next.in_force.push(freeze);
        Some(Ok(next))
    }

    /// Removes the freeze of a scope. `None` if there is none.
    pub(crate) fn without(&self, scope: &FreezeScope) -> Option<(Freeze, Self)> {
        let mut next = self.clone();
        let at = next.in_force.iter().position(|freeze| freeze.scope == *scope)?;
        Some((next.in_force.remove(at), next))
    }
}

/// Returns whether nothing of a tenant may start, given the value that a store keeps under
/// [`FREEZES`]. A value that cannot be read freezes everything.
pub fn is_frozen(kept: Option<&str>, tenant: &Tenant) -> bool {
    Freezes::parse(kept).map_or(true, |freezes| freezes.reaching(tenant).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freeze(scope: FreezeScope, reason: &str) -> Freeze {
        let at = Timestamp::from_millis(1);
        Freeze { scope, by: "ann".into(), known_by: None, reason: reason.to_owned(), at }
    }

    fn kept(freezes: &[FreezeScope]) -> String {
        let add = |to: Freezes, scope: &FreezeScope| {
            to.with(freeze(scope.clone(), "why")).expect("new").expect("few")
        };
        freezes.iter().fold(Freezes::default(), add).to_text().unwrap()
    }

    #[test]
    fn a_tenant_is_frozen_by_its_own_freeze_and_by_that_of_all() {
        let (own, other) = (Tenant::new("own"), Tenant::new("other"));
        let tenants = || [FreezeScope::Tenant(own.clone()), FreezeScope::Tenant("x".into())];
        assert!(!is_frozen(None, &own) && !is_frozen(Some(&kept(&[])), &own));
        for (frozen, expected) in [
            (vec![FreezeScope::All], (true, true)),
            (tenants().to_vec(), (true, false)),
            (vec![FreezeScope::Tenant("x".into())], (false, false)),
            ([tenants().to_vec(), vec![FreezeScope::All]].concat(), (true, true)),
        ] {
            let kept = kept(&frozen);
            assert_eq!((is_frozen(Some(&kept), &own), is_frozen(Some(&kept), &other)), expected);
        }
    }

    #[test]
    fn invariant_5_a_value_that_cannot_be_read_freezes_everything() {
        let newer = r#"{"inForce":[{"scope":{"run":"r"},"by":"a","reason":"","at":1}]}"#;
        for text in ["", "{", "null", "[]", "thawed", r#"{"inForce":{}}"#, newer] {
            assert!(is_frozen(Some(text), &Tenant::new("any")), "{text}");
            assert_eq!(Freezes::parse(Some(text)).unwrap_err().kind(), StoreErrorKind::Corrupt);
        }
    }

    #[test]
    fn a_scope_is_frozen_once_and_thawed_once() {
        let once = Freezes::default().with(freeze(FreezeScope::All, "first")).unwrap().unwrap();
        assert!(once.with(freeze(FreezeScope::All, "second")).is_none());
        let read = Freezes::parse(Some(&once.to_text().unwrap())).unwrap();
        assert!(read.iter().eq(once.iter()));
        assert_ne!(once.to_text().unwrap(), once.to_text().unwrap(), "equal changes differ");
        let (was, then) = read.without(&FreezeScope::All).unwrap();
        assert_eq!(was.reason, "first");
        assert!(then.is_empty() && then.without(&FreezeScope::All).is_none());
    }

    #[test]
    fn invariant_13_no_more_than_so_many_are_frozen() {
        let mut freezes = Freezes::default();
        for at in 0..MOST {
            let scope = FreezeScope::Tenant(Tenant::new(format!("t{at}")));
            freezes = freezes.with(freeze(scope, "why")).unwrap().unwrap();
        }
        let error = freezes.with(freeze(FreezeScope::Tenant("more".into()), "why")).unwrap();
        assert_eq!(error.unwrap_err().kind(), StoreErrorKind::Full);
    }
}
