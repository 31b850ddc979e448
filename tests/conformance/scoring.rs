//! Scores, levels, priorities, due times and the reviewer's factors.

use hitl::call::{Thresholds, ToolConfig};
use hitl::confidence::{CallView, Signals, assess, reviewer_factors, weighted};
use hitl::policy::{due_after, level_for, priority as priority_of};
use hitl::{ApprovalLevel, CallContext, Risk, Tool};
use serde_json::{Value, json};

use crate::seed_tools::{ApproveExpense, DeleteProject, SendBulkNotification, SignContract};

/// Returns the configuration of a tool by name: the example tools' own, the two others that the
/// reference cases name, and the default for an unknown tool.
fn config(tool: &str) -> ToolConfig {
    let known =
        [SignContract::SPEC, DeleteProject::SPEC, ApproveExpense::SPEC, SendBulkNotification::SPEC];
    match tool {
        "send_notification" => ToolConfig::DEFAULT.base_confidence(80),
        "update_task_status" => ToolConfig::DEFAULT.base_confidence(85),
        other => known
            .iter()
            .find(|spec| spec.name == other)
            .map_or(ToolConfig::DEFAULT, |spec| spec.config),
    }
}

fn context(input: &Value) -> CallContext {
    let mut context = CallContext::new("ann");
    if let Some(role) = input["user_role"].as_str() {
        context = context.role(role);
    }
    if input["workspace_verified"] == json!(true) {
        context = context.workspace_verified();
    }
    if input["time_sensitive"] == json!(true) {
        context = context.time_sensitive();
    }
    context
}

fn risk(input: &Value) -> Risk {
    serde_json::from_value(input["risk"].clone()).unwrap()
}

fn points(value: &Value) -> u8 {
    u8::try_from(value.as_u64().unwrap()).unwrap()
}

pub(crate) fn score(input: &Value) -> Value {
    let tool = input["tool"].as_str().unwrap();
    let arguments = hitl::json::parse_json(&input["args"].to_string()).unwrap();
    let (config, context) = (config(tool), context(&input["context"]));
    json!(
        assess(&CallView::new(tool, &config, &arguments, &context), &Signals::original())
            .confidence
    )
}

pub(crate) fn level(input: &Value) -> Value {
    let thresholds = Thresholds {
        auto: points(&input["auto_threshold"]),
        quick: points(&input["quick_threshold"]),
    };
    let level: ApprovalLevel = level_for(points(&input["confidence"]), thresholds);
    json!(level.to_string())
}

pub(crate) fn priority(input: &Value) -> Value {
    json!(priority_of(risk(input), points(&input["confidence"])).to_string())
}

pub(crate) fn due_hours(input: &Value) -> Value {
    json!(due_after(risk(input)).as_secs() / 3600)
}

pub(crate) fn factors(input: &Value) -> Value {
    let arguments = usize::try_from(input["arg_count"].as_u64().unwrap()).unwrap();
    let factors = reviewer_factors(risk(input), points(&input["confidence"]), arguments);
    json!({
        "scores": factors.map(|factor| factor.score),
        "weights": factors.map(|factor| factor.weight),
        "weighted": weighted(&factors),
    })
}
