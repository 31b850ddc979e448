//! Calls that are assigned to a reviewer, and reviewers who are away.

use hitl_base::Timestamp;
use hitl_core::Principal;
use hitl_core::machine::Assignment;
use hitl_core::queue::Absence;
use serde::{Deserialize, Serialize};

use crate::CallSummary;

/// The reviewer whose attention a call is to have. It gives no right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AssignmentView))]
#[serde(rename_all = "camelCase")]
pub struct AssignmentSummary {
    /// The reviewer.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub to: Principal,
    /// Who assigned it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: Principal,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// The reviewer's absence, while they are away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<AbsenceSummary>,
}

impl From<&Assignment> for AssignmentSummary {
    fn from(assigned: &Assignment) -> Self {
        let Assignment { to, by, at, .. } = assigned;
        Self { to: to.clone(), by: by.clone(), at: *at, away: None }
    }
}

impl CallSummary {
    /// Adds the absence of the reviewer to whom it is assigned, if they are away.
    #[must_use]
    pub fn with_absences(mut self, absences: &[Absence]) -> Self {
        if let Some(assigned) = &mut self.assigned {
            let away = absences.iter().find(|absence| absence.is_of(&assigned.to));
            assigned.away = away.map(AbsenceSummary::from);
        }
        self
    }
}

/// A reviewer who is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AbsenceView))]
#[serde(rename_all = "camelCase")]
pub struct AbsenceSummary {
    /// The reviewer.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub who: Principal,
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub until: Timestamp,
    /// Who is shown their calls meanwhile. They gain no right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub deputy: Option<Principal>,
}

impl From<&Absence> for AbsenceSummary {
    fn from(absence: &Absence) -> Self {
        let Absence { who, until, deputy, .. } = absence;
        Self { who: who.clone(), until: *until, deputy: deputy.clone() }
    }
}

/// Everybody who is away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AbsenceListView))]
#[serde(rename_all = "camelCase")]
pub struct AbsenceList {
    /// In the order in which they come back.
    pub away: Vec<AbsenceSummary>,
}

/// To whom a call is assigned.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignBody {
    /// The reviewer; left out, nobody any more.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub to: Option<Principal>,
}

/// A call that was assigned.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AssignedView))]
#[serde(rename_all = "camelCase")]
pub struct AssignedCall {
    /// The call.
    pub call: CallSummary,
    /// What to know: that a role is needed, or that the reviewer is away.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The absence of the reviewer who sends it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwayBody {
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub until: Timestamp,
    /// Who is shown their calls meanwhile.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub deputy: Option<Principal>,
}
