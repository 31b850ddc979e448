//! The card of a call.

use hitl_base::{Json, Timestamp};
use hitl_core::approval::{DecisionChannel, DetailLevel};
use hitl_core::machine::EndReason;
use hitl_core::{
    ApprovalRequest, CallRecord, Gate, Principal, ShownResult, reviewer_factors, weighted,
};
use hitl_wire::call::FactorScore;
use hitl_wire::{CallDetail, CallSummary, EarlierList};

/// The most bytes of a result that a card shows.
const MAX_RESULT: usize = 256 * 1024;

/// Builds the card of a call. `tool_warning` tells a reviewer about the current state of the tool;
/// it becomes one of the warnings.
pub(crate) fn card(
    record: &CallRecord,
    gate: &Gate,
    onlookers: impl IntoIterator<Item = Principal>,
    now: Timestamp,
    tool_warning: Option<String>,
    earlier: EarlierList,
    result: ShownResult,
) -> CallDetail {
    let (result, result_withheld) = describe_result(result);
    let request = record.request();
    let tool = gate.tools().into_iter().find(|tool| tool.name == request.tool);
    let count = match request.arguments.tree() {
        Ok(Json::Object(members)) => members.len(),
        _ => 0,
    };
    let factors = reviewer_factors(request.risk, request.assessment.confidence, count);
    let mut rendered = request.render(now, DetailLevel::Full);
    rendered.warnings.extend(tool_warning.clone());
    CallDetail {
        summary: CallSummary::from(record),
        arguments_text: request.arguments.as_str().to_owned(),
        leading: request.leading_arguments(),
        confirm: request.confirmation(),
        no_grant: no_grant(request),
        grant: record.grant_use().map(|drawn| drawn.grant),
        rendered: Some(rendered),
        tool_warning,
        request: request.clone(),
        schema: tool.map(|tool| tool.schema),
        weighted: weighted(&factors),
        factors: factors
            .iter()
            .map(|factor| FactorScore {
                name: factor.name.to_owned(),
                score: factor.score,
                weight: factor.weight,
            })
            .collect(),
        roles: record.context().roles.clone(),
        workspace_verified: record.context().workspace_verified,
        time_sensitive: record.context().time_sensitive,
        attached: record.is_attached(),
        attempts: record.attempts(),
        ending: record.end_reason().map(|ending| match ending {
            EndReason::Reason(reason) => reason.clone(),
            EndReason::Failure(failure) => failure.message.clone(),
            _ => String::new(),
        }),
        result,
        result_withheld,
        approved_by: record.votes().iter().map(|vote| vote.by.clone()).collect(),
        earlier,
        onlookers: onlookers.into_iter().collect(),
        now,
    }
}

/// Returns why this console can give no grant on a request, on any terms.
fn no_grant(request: &ApprovalRequest) -> Option<String> {
    let granted = request.may_be_granted().map_err(|why| why.to_string());
    let channel = DecisionChannel::CONSOLE;
    let here = || request.may_be_approved_through(&channel).map_err(|why| why.to_string());
    granted.and_then(|()| here()).err()
}

/// Returns the result to show, or why it is not shown.
fn describe_result(result: ShownResult) -> (Option<String>, Option<String>) {
    match result {
        ShownResult::Nothing => (None, None),
        ShownResult::Text(text) if text.as_str().len() <= MAX_RESULT => {
            (Some(text.as_str().to_owned()), None)
        }
        ShownResult::Text(text) => {
            let why = format!("it has {} bytes, too many for a card", text.as_str().len());
            (None, Some(why))
        }
        _ => {
            let why = "it may repeat what the host declared sensitive, or it cannot be read";
            (None, Some(why.to_owned()))
        }
    }
}
