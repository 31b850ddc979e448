//! The judgement whether reviewers can be served. Pure.

use serde::Serialize;
use utoipa::ToSchema;

/// The answer whether reviewers can be served, and what is in the way. It names no call, no person
/// and no file, because anybody may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Readiness {
    /// True if nothing is in the way.
    ready: bool,
    store: StoreHealth,
    audit: AuditHealth,
    policy: PolicyHealth,
}

/// The answer of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StoreHealth {
    /// It answered.
    Ok,
    /// It answered with an error.
    Failing,
    /// It did not answer in time.
    Late,
}

/// The state of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AuditHealth {
    /// No record is owed.
    Ok,
    /// Records are owed, and cannot be written.
    Failing,
}

/// The state of the rule files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PolicyHealth {
    /// There are no rule files, or an accepted version of each is in force.
    Ok,
    /// No version of a rule file is in force: every call is denied.
    NotInForce,
}

impl Readiness {
    /// Judges the parts: one that is not in order is in the way.
    pub(crate) fn new(store: StoreHealth, audit: AuditHealth, policy: PolicyHealth) -> Self {
        let ready =
            store == StoreHealth::Ok && audit == AuditHealth::Ok && policy == PolicyHealth::Ok;
        Self { ready, store, audit, policy }
    }

    pub(crate) fn is_ready(self) -> bool {
        self.ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_5_it_is_ready_only_if_every_part_is() {
        let mut ready = Vec::new();
        for store in [StoreHealth::Ok, StoreHealth::Failing, StoreHealth::Late] {
            for audit in [AuditHealth::Ok, AuditHealth::Failing] {
                for policy in [PolicyHealth::Ok, PolicyHealth::NotInForce] {
                    let found = Readiness::new(store, audit, policy);
                    if found.is_ready() {
                        ready.push((store, audit, policy));
                    }
                    let json = serde_json::to_value(found).unwrap();
                    assert_eq!(json["ready"], found.is_ready());
                    assert_eq!(json.as_object().unwrap().len(), 4, "{json}");
                }
            }
        }
        assert_eq!(ready, [(StoreHealth::Ok, AuditHealth::Ok, PolicyHealth::Ok)]);
    }
}
