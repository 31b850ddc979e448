//! A tool's configuration names arguments that the tool has; otherwise nothing is registered.

use crate::support;

use hitl_base::JsonText;
use hitl_core::dynamic::DynToolErrorKind;
use hitl_core::gate::BuildErrorKind;
use hitl_core::{
    AmountSpec, ApprovalLevel, DynArguments, DynSpec, DynTool, Gate, ParameterSpec, Permit,
    SnapshotError, SnapshotWriter, Submission, Tool, ToolConfig, ToolSpec, Verdict,
};

const SCHEMA: &str = r##"{
    "type": "object",
    "anyOf": [{"$ref": "#/$defs/ByCard"}, {"properties": {"iban": {"type": "string"}}}],
    "properties": {"payment_id": {"type": "string"}, "note": {"type": ["string", "null"]}},
    "required": ["payment_id"],
    "$defs": {"ByCard": {"properties": {"price": {"type": "number"}}}}
}"##;

fn dynamic(config: ToolConfig) -> Result<DynTool, hitl_core::dynamic::DynToolError> {
    let body = |_permit: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    DynTool::new(DynSpec::new("refund", "Refunds.").config(config), SCHEMA, body)
}

const AMOUNTS: &[AmountSpec] = &[AmountSpec::new("price").limit(50)];
const MISSPELT: &[AmountSpec] = &[AmountSpec::new("prize").limit(50)];

#[tokio::test]
async fn names_of_a_run_time_tools_schema_are_accepted_with_optional_ones_and_alternatives() {
    let config = ToolConfig::DEFAULT.base_confidence(85).risk(hitl_core::Risk::Low);
    let config = config.amounts(AMOUNTS).describe("Refund {payment_id} to {iban}: {note}");
    let tool = dynamic(config.effect("refund:{payment_id}")).unwrap();
    let gate = Gate::builder().dyn_tool(tool).build().await.unwrap();
    let large = gate.assess_json("refund", r#"{"payment_id":"a","price":500.5}"#, "ann").unwrap();
    assert_eq!(large.verdict, Verdict::Ask(ApprovalLevel::Full));
    gate.call_json("refund", r#"{"payment_id":"a"}"#, "ann", "run", 0).await.unwrap();
    let again = gate.submit_json("refund", r#"{"payment_id":"a"}"#, "ann", "run", 1).await.unwrap();
    assert!(matches!(again, Submission::Pending(_)), "{again:?}");
}

#[test]
fn a_run_time_tool_with_a_name_that_its_schema_does_not_have_is_refused() {
    let config = ToolConfig::DEFAULT;
    for (config, said) in [
        (
            config.amounts(MISSPELT),
            "the amount `prize` is no argument of it; did you mean `price`?",
        ),
        (config.effect("refund:{paymentid}"), "did you mean `payment_id`?"),
        (config.describe("Refund {payee}"), "known are `payment_id`, `note`, "),
        (config.effect("refund:{payment_id"), "a `{` is alone"),
    ] {
        let error = dynamic(config).unwrap_err();
        assert_eq!(error.kind(), DynToolErrorKind::Argument);
        let text = error.to_string();
        assert!(text.starts_with("the tool `refund`: ") && text.contains(said), "{text}");
    }
}

#[test]
fn invariant_8_an_effect_of_a_run_time_tool_names_no_secret() {
    let body = |_permit: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let config = ToolConfig::DEFAULT.effect("pay:{card}");
    let schema = r#"{"type":"object","properties":{"card":{"properties":{"number":{}}}}}"#;
    let spec = || DynSpec::new("pay", "Pays.").config(config);
    DynTool::new(spec(), schema, body).unwrap();
    let error = DynTool::new(spec().sensitive("card.number"), schema, body).unwrap_err();
    assert_eq!(error.kind(), DynToolErrorKind::Argument);
    let marked = schema.replace(r#""number":{}"#, r#""number":{"writeOnly":true}"#);
    DynTool::new(spec(), &marked, body).unwrap_err();
}

/// Defines a tool by hand, with this spec.
macro_rules! by_hand {
    ($name:ident, $spec:expr) => {
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        struct $name {
            to: String,
            price: f64,
        }

        impl Tool for $name {
            type Output = String;
            type Error = String;
            const SPEC: ToolSpec = $spec;
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|object| {
                    object.field("to", &self.to)?;
                    object.field("price", &self.price)
                })
            }
            async fn run(permit: Permit<Self>) -> Result<String, String> {
                Ok(permit.open().0.to)
            }
        }
    };
}

const SPEC: ToolSpec = ToolSpec::new("order", "Orders.");
by_hand!(Order, SPEC.config(ToolConfig::DEFAULT.amounts(AMOUNTS).effect("order:{to}")));
by_hand!(OrderPrize, SPEC.config(ToolConfig::DEFAULT.amounts(MISSPELT)));
by_hand!(OrderTwo, SPEC.config(ToolConfig::DEFAULT.effect("order:{two}")));
by_hand!(OrderParameter, SPEC.parameters(&[ParameterSpec::sensitive("priec")]));
by_hand!(
    OrderSecret,
    SPEC.parameters(&[ParameterSpec::sensitive("to")])
        .config(ToolConfig::DEFAULT.describe("Order from {to}"))
);

#[tokio::test]
async fn a_hand_written_tool_with_a_name_that_its_schema_does_not_have_is_a_build_error() {
    Gate::builder().tool::<Order>().build().await.unwrap();
    for (builder, said) in [
        (
            Gate::builder().tool::<OrderPrize>(),
            "the amount `prize` is no argument of it; did you mean `price`?",
        ),
        (
            Gate::builder().tool::<OrderTwo>(),
            "`effect` has `{two}`, which is no argument of it; did you mean `to`?",
        ),
        (
            Gate::builder().tool::<OrderParameter>(),
            "the parameter `priec` is no argument of it; did you mean `price`?",
        ),
        (Gate::builder().tool::<OrderSecret>(), "`describe` has `{to}`, which is a secret"),
    ] {
        let error = builder.build().await.unwrap_err();
        assert_eq!(error.kind(), BuildErrorKind::InvalidSpec);
        let text = error.to_string();
        assert!(text.starts_with("the tool `order`: ") && text.contains(said), "{text}");
    }
}

#[tokio::test]
async fn every_tool_of_these_tests_names_arguments_that_it_has() {
    support::bench().await;
}
