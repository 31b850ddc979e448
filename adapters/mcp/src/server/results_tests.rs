use rmcp::model::CallToolResult;
use serde_json::json;

use super::super::features::ToolsOnly;
use super::*;

/// A gateway's features: outputs are whole results.
struct Whole;

impl ServerFeatures for Whole {
    fn whole_result(&self, _tool: &str, output: &str) -> Option<CallToolResult> {
        serde_json::from_str(output).ok()
    }
}

fn result(
    features: &dyn ServerFeatures,
    version: &ProtocolVersion,
    json: &str,
    told: &str,
) -> Value {
    let result = ResultFor { tool: "t", version: Some(version), features }.executed(json, told);
    serde_json::to_value(result).unwrap()
}

const NEW: &ProtocolVersion = &ProtocolVersion::V_2026_07_28;

#[test]
fn a_text_is_not_quoted_and_an_object_is_structured_where_that_is_known() {
    let plain = |json: &str| result(&ToolsOnly, NEW, json, json);
    assert_eq!(
        plain(r#""sent \"hi\"\n""#),
        json!({"resultType": "complete", "isError": false, "content": [{"type": "text", "text": "sent \"hi\"\n"}]})
    );
    let object = r#"{"id": 7}"#;
    let structured = plain(object);
    assert_eq!(structured["structuredContent"], json!({"id": 7}));
    assert_eq!(structured["content"][0]["text"], object);
    for version in [&ProtocolVersion::V_2024_11_05, &ProtocolVersion::V_2025_03_26] {
        assert_eq!(result(&ToolsOnly, version, object, object).get("structuredContent"), None);
    }
    for version in [&ProtocolVersion::V_2025_06_18, &ProtocolVersion::V_2025_11_25] {
        assert!(result(&ToolsOnly, version, object, object).get("structuredContent").is_some());
    }
    for other in ["[1, 2]", "7", "true", "123456789012345678901234567890"] {
        let result = plain(other);
        assert_eq!(result["content"][0]["text"], other);
        assert_eq!(result.get("structuredContent"), None, "{other}");
    }
    assert_eq!(plain("null")["content"][0]["text"], NO_OUTPUT);
}

#[test]
fn a_note_about_an_edit_comes_before_the_output() {
    let told = "A human reviewer changed this call before it ran: `a` from 1 to 2. This is what the tool gave:\n\"done\"";
    let result = result(&ToolsOnly, NEW, "\"done\"", told);
    let texts: Vec<&str> = result["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "A human reviewer changed this call before it ran: `a` from 1 to 2. This is what the tool gave:",
            "done"
        ]
    );
}

#[test]
fn a_whole_result_is_passed_on_and_completed() {
    let upstream = r#"{"content":[{"type":"image","data":"aGk=","mimeType":"image/png"}],"structuredContent":[1],"isError":true}"#;
    let passed = result(&Whole, NEW, upstream, upstream);
    assert_eq!(
        passed,
        json!({"resultType": "complete", "isError": true, "structuredContent": [1],
               "content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]})
    );
    let noted = result(&Whole, NEW, upstream, &format!("It was changed.\n{upstream}"));
    assert_eq!(noted["content"][0], json!({"type": "text", "text": "It was changed."}));
    assert_eq!(noted["content"][1]["type"], "image");
}

#[test]
fn what_did_not_run_is_an_error_with_the_models_text() {
    let result = ResultFor { tool: "t", version: Some(NEW), features: &ToolsOnly };
    for outcome in [
        Outcome::Rejected { reason: Some("no".to_owned()) },
        Outcome::Responded { message: "use 7".to_owned() },
        Outcome::Expired,
        Outcome::Cancelled { reason: String::new() },
        Outcome::Aborted { reason: String::new() },
        Outcome::Denied { reason: "rule".to_owned() },
    ] {
        let result = result.of_outcome(&outcome);
        assert_eq!(result.is_error, Some(true));
        assert_eq!(result.structured_content, None);
        let text = result.content[0].as_text().unwrap();
        assert_eq!(text.text, outcome.for_model().text);
    }
}
