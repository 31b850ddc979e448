//! A page of calls, and the number of calls.

use std::fmt;

use hitl_base::Timestamp;
use hitl_core::queue::CappedCount;
use serde::{Deserialize, Serialize};

use crate::{CallSummary, GrantSummary};

/// A page of the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Listing))]
#[serde(rename_all = "camelCase")]
pub struct CallPage {
    /// The calls, in order. Where a filter leaves many out, a page may hold fewer than were asked
    /// for, or none, and still have a next one.
    pub calls: Vec<CallSummary>,
    /// Where the next page begins: the parameter `after`. Left out on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The number of calls without the filter.
    pub counts: CallCounts,
    /// The tools that are registered at the console.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub tools: Vec<String>,
    /// The grants in force that were given by breaking the glass; left out when there are none.
    #[serde(
        default,
        deserialize_with = "crate::lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub broken_glass: Vec<GrantSummary>,
    /// The present, by the clock that expiry is judged by.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub now: Timestamp,
}

/// The numbers of calls, without the filter.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Counts))]
#[serde(rename_all = "camelCase", default)]
pub struct CallCounts {
    /// All that are pending.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub all: Count,
    /// Of these, past their due time; counted up to 200.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub overdue: Count,
    /// Of these, at the level `quick`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub quick: Count,
    /// Of these, at the level `full`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub full: Count,
    /// Of these, of the priority `urgent`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub urgent: Count,
    /// Of these, of the priority `high`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub high: Count,
    /// Of these, of the priority `medium`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub medium: Count,
    /// Approved, and not started.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub approved: Count,
    /// Running.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub claimed: Count,
    /// Parked, because nobody knows how it ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub unknown: Count,
}

/// A number of calls. Counting stops at a limit, a thousand unless a field says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The number of calls that were counted.
    pub counted: u64,
    /// True if there are, or may be, more.
    pub more: bool,
}

impl From<CappedCount> for Count {
    fn from(tally: CappedCount) -> Self {
        Self { counted: tally.counted, more: tally.more }
    }
}

/// `17`, or `1000+`.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.counted, if self.more { "+" } else { "" })
    }
}
