//! A sample request for tests.

use std::time::Duration;

use hitl_base::{JsonText, Timestamp};

use super::{ApprovalRequest, Choice, Uncovering};
use crate::call::{CallKey, Principal, Risk, Thresholds, ToolAnnotations};
use crate::confidence::{Assessment, Factor};
use crate::ids::RequestId;
use crate::policy::{ApprovalLevel, DecisionChannels, Priority, Quorum};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_767_323_045_000);

pub(crate) fn request(arguments: &str) -> ApprovalRequest {
    let digest = "ab".repeat(32);
    ApprovalRequest {
        id: RequestId::new(),
        key: CallKey::new("task-1/trial-0", 4),
        revision: 1,
        binding: digest.parse().unwrap(),
        binding_version: 2,
        tool: "send_certificate".to_owned(),
        fingerprint: digest.parse().unwrap(),
        build: None,
        title: "Send a certificate of $1500.0 to ann".to_owned(),
        description: "Sends a certificate.\n\nIt is as good as money.".to_owned(),
        arguments: JsonText::new(arguments.to_owned()).unwrap(),
        masks: Vec::new(),
        more_masks: 0,
        contents: Vec::new(),
        preview: None,
        stated_reason: None,
        conversation_url: None,
        tool_call_id: None,
        links: Vec::new(),
        effect: None,
        repeats: None,
        earlier: None,
        uncovering: Uncovering::Allowed,
        principal: Principal::new("agent"),
        agent: None,
        approval_type: "financial".to_owned(),
        risk: Risk::High,
        hints: ToolAnnotations { open_world: true, ..ToolAnnotations::default() },
        level: ApprovalLevel::Quick,
        quorum: Quorum::default(),
        channels: DecisionChannels::ANY,
        assessment: Assessment {
            confidence: 62,
            base: 77,
            factors: vec![Factor::points("large_amount", -15, "An amount is above 1000.")],
        },
        thresholds: Thresholds { auto: 85, quick: 60 },
        reasons: vec!["high risk".to_owned()],
        priority: Priority::Urgent,
        created_at: NOW,
        due_at: NOW.saturating_add(Duration::from_secs(4 * 3600)),
        expires_at: NOW.saturating_add(Duration::from_secs(3 * 86_400 + 60)),
        choices: vec![Choice::Approve, Choice::Reject],
        requires_reason: true,
        approve_label: "Send".to_owned(),
        reject_label: "Keep".to_owned(),
        grace_ms: None,
    }
}
