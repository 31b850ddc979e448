//! Keywords of a schema that match names, choose between schemas or exclude values: secrets,
//! places of errors, and bounds.

use crate::support;

use hitl_base::JsonText;
use hitl_core::call::InvalidSpec;
use hitl_core::dynamic::{AnnotationTrust, DynToolError, DynToolErrorKind, McpAnnotations};
use hitl_core::policy::Stage;
use hitl_core::{
    ArgumentErrorKind, DynArguments, DynSpec, DynTool, GateErrorKind, Permit, Submission,
    ToolConfig,
};
use support::{Bench, bench_with};

fn tool_of(spec: DynSpec, schema: &str) -> Result<DynTool, DynToolError> {
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    DynTool::new(spec, schema, body)
}

async fn gate_of(spec: DynSpec, schema: &str) -> Bench {
    let tool = tool_of(spec, schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
    bench_with(|gate| gate.dyn_tool(tool)).await
}

fn t() -> DynSpec {
    DynSpec::new("t", "T.")
}

#[tokio::test]
async fn invariant_8_a_secret_is_hidden_under_every_keyword_that_describes_it() {
    let secret = r#"{"writeOnly":true}"#;
    for (schema, text) in [
        (format!(r#"{{"patternProperties":{{"^x-":{secret}}}}}"#), r#"{"x-a":"hunter2","y":1}"#),
        (
            format!(r#"{{"properties":{{"x-a":{{}}}},"patternProperties":{{"^x-":{secret}}}}}"#),
            r#"{"x-a":"hunter2"}"#,
        ),
        (
            format!(r#"{{"if":{{"required":["k"]}},"then":{{"properties":{{"p":{secret}}}}}}}"#),
            r#"{"k":1,"p":"hunter2"}"#,
        ),
        // Whether it applies or not: one place too many is better than one too few.
        (
            format!(r#"{{"if":{{"required":["k"]}},"then":{{"properties":{{"p":{secret}}}}}}}"#),
            r#"{"p":"hunter2"}"#,
        ),
        (
            format!(r#"{{"if":{{"required":["k"]}},"else":{{"properties":{{"p":{secret}}}}}}}"#),
            r#"{"p":"hunter2"}"#,
        ),
        (format!(r#"{{"then":{{"properties":{{"p":{secret}}}}}}}"#), r#"{"p":"hunter2"}"#),
        (format!(r#"{{"if":{{"properties":{{"p":{secret}}}}}}}"#), r#"{"p":"hunter2"}"#),
        (
            format!(r#"{{"not":{{"properties":{{"p":{secret}}},"required":["q"]}}}}"#),
            r#"{"p":"hunter2"}"#,
        ),
        (
            format!(r#"{{"dependentSchemas":{{"k":{{"properties":{{"p":{secret}}}}}}}}}"#),
            r#"{"k":1,"p":"hunter2"}"#,
        ),
        (
            format!(r#"{{"dependencies":{{"k":{{"properties":{{"p":{secret}}}}}}}}}"#),
            r#"{"k":1,"p":"hunter2"}"#,
        ),
        (format!(r#"{{"properties":{{"l":{{"contains":{secret}}}}}}}"#), r#"{"l":["hunter2"]}"#),
        (
            r##"{"properties":{"p":{"$ref":"#pin"}},"$defs":{"P":{"$anchor":"pin","writeOnly":true}}}"##
                .to_owned(),
            r#"{"p":"hunter2"}"#,
        ),
        (
            format!(
                r#"{{"properties":{{"m":{{"patternProperties":{{"k$":{{"additionalProperties":{secret}}}}}}}}}}}"#
            ),
            r#"{"m":{"k":{"any":"hunter2"}}}"#,
        ),
    ] {
        let b = gate_of(t(), &schema).await;
        let assessed = b.gate.assess_json("t", text, "ann");
        let shown = assessed.unwrap_or_else(|error| panic!("{schema}: {error}")).arguments;
        let hidden = shown.as_str().matches("[redacted]").count();
        assert_eq!((shown.as_str().contains("hunter2"), hidden), (false, 1), "{schema} {shown:?}");
        // Nor does a mistake inside of it show its keys.
        let wrong = text.replace("\"hunter2\"", r#"{"hunter2":1,"hunter2":2}"#);
        let error = b.gate.assess_json("t", &wrong, "ann").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{schema}: {error:?}");
    }
}

#[tokio::test]
async fn invariant_8_a_path_of_the_host_hides_what_an_expression_names() {
    let schema = r#"{"properties":{"h":{"patternProperties":{"^x-":{"type":"string"}},
        "properties":{"accept":{"type":"string"}}}}}"#;
    let b = gate_of(t().sensitive("h.*"), schema).await;
    let text = r#"{"h":{"accept":"hunter2-a","other":"hunter2-b","x-key":"hunter2-c"}}"#;
    let shown = b.gate.assess_json("t", text, "ann").unwrap().arguments;
    assert!(!shown.as_str().contains("hunter2"), "{shown:?}");
    assert_eq!(
        tool_of(t().sensitive("h.none"), schema).unwrap_err().kind(),
        DynToolErrorKind::Sensitive
    );
}

#[tokio::test]
async fn invariant_8_what_is_left_unchecked_hides_as_much_as_it_may() {
    // The expression may match any name.
    let schema = r#"{"additionalProperties":false,"properties":{"a":{"type":"string"}},
        "patternProperties":{"^(?=x)":{"writeOnly":true}}}"#;
    let b = gate_of(t().unchecked("patternProperties"), schema).await;
    let shown = b.gate.assess_json("t", r#"{"xy":"hunter2"}"#, "ann").unwrap().arguments;
    assert_eq!(shown.as_str(), r#"{"xy":"[redacted]"}"#);
    // A secret in a keyword that is not understood would be shown.
    let schema = r#"{"unevaluatedProperties":{"writeOnly":true}}"#;
    let error = tool_of(t().unchecked("unevaluatedProperties"), schema).unwrap_err();
    assert_eq!(error.kind(), DynToolErrorKind::Schema);
    assert!(error.to_string().contains("marks a secret"), "{error}");
    tool_of(t().unchecked("unevaluatedProperties"), r#"{"unevaluatedProperties":false}"#).unwrap();
}

#[test]
fn invariant_8_no_template_shows_a_secret_that_an_expression_names() {
    let schema = r#"{"properties":{"x-known":{},"plain":{}},
        "patternProperties":{"^x-":{"writeOnly":true},"^n":{}},"if":{"properties":{"plain2":{}}}}"#;
    for (template, ok) in
        [("{plain}", true), ("{note}", true), ("{x-a}", false), ("{x-known}", false)]
    {
        for spec in [t().describe(template), t().effect(template)] {
            assert_eq!(tool_of(spec, schema).is_ok(), ok, "{template}");
        }
    }
}

#[tokio::test]
async fn a_mistake_is_told_to_the_model_with_its_place() {
    use ArgumentErrorKind::{Invalid, Missing, UnknownField, WrongType};
    let schema = r#"{"type":"object",
        "properties":{
            "id":{"pattern":"^[A-Z]+-\\d+$"},
            "mode":{"enum":["card","cash"]},
            "half":{"multipleOf":0.5},
            "tags":{"type":"array","contains":{"const":"x"},"minContains":2,"maxContains":3},
            "no":{"not":{"type":"string"}}
        },
        "patternProperties":{"^n_":{"type":"integer"}},
        "additionalProperties":false,
        "dependentRequired":{"half":["mode"]},
        "if":{"properties":{"mode":{"const":"card"}},"required":["mode"]},
        "then":{"required":["number"],"properties":{"number":{"maxLength":3}}},
        "propertyNames":{"maxLength":9}
    }"#;
    let schema = schema.replace(r#""no":"#, r#""number":{"type":"string"},"no":"#);
    let b = gate_of(t(), &schema).await;
    for (text, kind, path, says) in [
        (r#"{"id":"a-1"}"#, Invalid, "id", r#"matches the regular expression "^[A-Z]+-\\d+$""#),
        (r#"{"n_a":"x"}"#, WrongType, "n_a", "a whole number"),
        (r#"{"other":1}"#, UnknownField, "other", ""),
        (r#"{"half":0.25,"mode":"cash"}"#, Invalid, "half", "a multiple of 0.5"),
        (r#"{"half":1}"#, Missing, "mode", ""),
        (r#"{"mode":"card"}"#, Missing, "number", ""),
        (r#"{"mode":"card","number":"1234"}"#, Invalid, "number", "0 to 3 characters"),
        (r#"{"tags":["x"]}"#, Invalid, "tags", "2 to 3 items that fit `contains`"),
        (r#"{"no":"x"}"#, Invalid, "no", "excludes (`not`)"),
        (r#"{"n_very_long":1}"#, Invalid, "n_very_long", "characters"),
    ] {
        let error = b.gate.assess_json("t", text, "ann").unwrap_err();
        let error = error.arguments().unwrap();
        assert_eq!((error.kind(), error.path()), (kind, path), "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
    let fits =
        r#"{"id":"A-1","n_a":1,"half":1.5,"mode":"card","number":"123","tags":["x","x"],"no":1}"#;
    b.gate.assess_json("t", fits, "ann").unwrap();
}

/// Returns a schema with `count` definitions, each of which is the next one.
fn chain(count: usize, wrap: impl Fn(&str) -> String) -> String {
    let link = |n: usize| {
        let next = if n + 1 == count {
            "{}".to_owned()
        } else {
            format!(r##"{{"$ref":"#/$defs/{}"}}"##, n + 1)
        };
        format!(r#""{n}":{}"#, wrap(&next))
    };
    let links: Vec<String> = (0..count).map(link).collect();
    format!(r##"{{"properties":{{"a":{{"$ref":"#/$defs/0"}}}},"$defs":{{{}}}}}"##, links.join(","))
}

#[tokio::test]
async fn invariant_13_a_schema_has_bounds() {
    let refused = |schema: &str, says: &str| {
        let error = tool_of(t(), schema).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    refused(&chain(70, str::to_owned), "describe one value");
    refused(&chain(20_000, str::to_owned), "more than 10000 schemas");
    refused(&format!(r#"{{"description":"{}"}}"#, "x".repeat(2 << 20)), "longer than");
    let deep = format!("{}true{}", r#"{"items":"#.repeat(100), "}".repeat(100));
    refused(&format!(r#"{{"properties":{{"a":{deep}}}}}"#), "not JSON");
    let many: Vec<String> = (0..9).map(|n| format!(r#""^x{{{n}9999}}$":{{}}"#)).collect();
    refused(&format!(r#"{{"patternProperties":{{{}}}}}"#, many.join(",")), "unfold to more than");
    // A long chain of different values is fine, and so is its check on the stack of a thread.
    let long = chain(300, |next| format!(r#"{{"items":{next}}}"#));
    let b = gate_of(t(), &long).await;
    let text = format!(r#"{{"a":{}1{}}}"#, "[".repeat(60), "]".repeat(60));
    b.gate.assess_json("t", &text, "ann").unwrap();
}

#[tokio::test]
async fn invariant_13_a_check_has_bounds() {
    let nested = |wrapped: &str| {
        format!(r##"{{"properties":{{"a":{{"$ref":"#/$defs/N"}}}},"$defs":{{"N":{wrapped}}}}}"##)
    };
    let r = r##"{"$ref":"#/$defs/N"}"##;
    let array = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let long = format!("\"{}!\"", "a".repeat(1 << 20));
    let many: Vec<String> = (0..10_000).map(|n| format!("\"k{n}\":1")).collect();
    let many = format!("{{{}}}", many.join(","));
    for (schema, value) in [
        (
            nested(&format!(r#"{{"type":"array","anyOf":[{{"items":{r}}},{{"items":{r}}}]}}"#)),
            &array,
        ),
        (nested(&format!(r#"{{"not":{{"items":{r}}},"if":{{"items":{r}}}}}"#)), &array),
        (nested(&format!(r#"{{"contains":{r},"items":{r}}}"#)), &array),
        (nested(r#"{"pattern":"^(?:a{1,90}){1,90}$"}"#), &long),
        (nested(r#"{"patternProperties":{"^(?:a{1,90}){1,90}$":{}}}"#), &many),
    ] {
        let b = gate_of(t(), &schema).await;
        let began = std::time::Instant::now();
        let error =
            b.gate.assess_json("t", &format!(r#"{{"a":{value}}}"#), "ann").map(drop).unwrap_err();
        assert_eq!(error.arguments().unwrap().kind(), ArgumentErrorKind::TooLarge, "{schema}");
        // In a build without optimisations and on a machine that is busy.
        assert!(began.elapsed().as_secs() < 60, "{schema}");
    }
}

#[tokio::test]
async fn names_have_up_to_128_characters_with_dots() {
    let schema = r#"{"type":"object"}"#;
    let long = "a.b-c_D9".repeat(16);
    for name in ["a", "files.read", "..", &long] {
        let b = gate_of(DynSpec::new(name, "T."), schema).await;
        let submitted = b.gate.submit_json(name, "{}", "ann", "run", 0).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("{name}: it is asked about") };
        assert_eq!(ticket.request().tool, name);
        assert_eq!(ticket.request().title, format!("Run {name}"));
        let unknown = b.gate.assess_json(&format!("{long}x"), "{}", "ann").unwrap_err();
        assert_eq!(unknown.kind(), GateErrorKind::UnknownTool);
    }
    for name in ["", "a b", "a/b", "é", "a\n", &format!("{long}x")] {
        let error = tool_of(DynSpec::new(name, "T."), schema).unwrap_err();
        assert_eq!(error.kind(), DynToolErrorKind::Spec(InvalidSpec::DynName), "{name}");
    }
}

#[tokio::test]
async fn words_that_are_made_at_run_time_count_as_those_of_a_constant() {
    let schema =
        r#"{"type":"object","properties":{"to":{"type":"string"},"sum":{"type":"number"}}}"#;
    let spec = |name: String| {
        DynSpec::new(name, "Pays.")
            .config(ToolConfig::DEFAULT.base_confidence(50).describe("static").labels("A", "B"))
            .describe("Pay {sum} to {to}".to_owned())
            .labels("Send".to_owned(), "Keep".to_owned())
            .approval_type("financial".to_owned())
            .stages([Stage::role("lead".to_owned(), 2), Stage::people(1)])
            .escalate(Some("boss".to_owned()), std::time::Duration::from_secs(60))
            .amounts([("sum".to_owned(), 10)])
            .effect("pay:{to}".to_owned())
            .inert(["to".to_owned()])
            .decisions([hitl_core::approval::Choice::Approve, hitl_core::approval::Choice::Reject])
    };
    let b = gate_of(spec("pay".to_owned() + "2"), schema).await;
    let text = r#"{"to":"bob","sum":5000}"#;
    let submitted = b.gate.submit_json("pay2", text, "ann", "run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
    let request = ticket.request();
    assert_eq!(request.title, r#"Pay 5000 to "bob""#);
    assert_eq!((&*request.approve_label, &*request.reject_label), ("Send", "Keep"));
    assert_eq!(request.approval_type, "financial");
    assert_eq!(request.quorum.stages, [Stage::role("lead", 2), Stage::people(1)]);
    assert_eq!(request.choices.len(), 2);
    assert_eq!(request.effect.as_deref(), Some("pay:bob"));
    let factors = format!("{:?}", request.assessment);
    assert!(factors.contains("amount"), "an amount that is far over its limit: {factors}");
    // The same mistakes are refused.
    for (wrong, kind) in [
        (spec("t".into()).stages([Stage::people(0)]), InvalidSpec::Stages),
        (
            spec("t".into()).decisions([hitl_core::approval::Choice::Approve]),
            InvalidSpec::Decisions,
        ),
        (
            spec("t".into()).escalate(None::<String>, std::time::Duration::ZERO),
            InvalidSpec::ZeroDuration,
        ),
        (spec("t".into()).config(ToolConfig::DEFAULT.read_only()), InvalidSpec::Effect),
    ] {
        let error = tool_of(wrong, schema).unwrap_err();
        assert_eq!(error.kind(), DynToolErrorKind::Spec(kind), "{error}");
    }
    for wrong in [spec("t".into()).describe("{too}"), spec("t".into()).amounts([("amonut", 1)])] {
        assert_eq!(tool_of(wrong, schema).unwrap_err().kind(), DynToolErrorKind::Argument);
    }
}

#[tokio::test]
async fn a_title_is_shown_in_quotes_beside_the_name_and_is_part_of_what_was_shown() {
    let schema = r#"{"type":"object"}"#;
    let claimed = || McpAnnotations::new().title("Write file").read_only(false);
    let spec =
        || DynSpec::new("write_file", "Writes.").config(ToolConfig::DEFAULT.base_confidence(50));
    let annotated = || spec().annotations(claimed(), AnnotationTrust::OnlyTighten);
    let b = gate_of(annotated(), schema).await;
    let submitted = b.gate.submit_json("write_file", "{}", "ann", "run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
    assert_eq!(ticket.request().title, r#"Run "Write file" (write_file)"#);
    let tools = b.gate.tools();
    let info = tools.iter().find(|tool| tool.name == "write_file").unwrap();
    assert_eq!(info.title.as_deref(), Some("Write file"));
    // The tool's own title comes before that of its annotations, in either order.
    for spec in [
        annotated().title("Own"),
        spec().title("Own").annotations(claimed(), AnnotationTrust::Believe),
    ] {
        let gate = gate_of(spec, schema).await.gate;
        let tools = gate.tools();
        let info = tools.iter().find(|tool| tool.name == "write_file").unwrap();
        assert_eq!(info.title.as_deref(), Some("Own"));
    }
    b.gate
        .replace_dyn_tools(vec![tool_of(annotated().title("Read file"), schema).unwrap()])
        .await
        .unwrap();
    let error = b.gate.decide(ticket.request().approve().by("bob")).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::ToolChanged);
}
