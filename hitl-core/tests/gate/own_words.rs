//! What a type says about a value that it refuses reaches the model where no secret can be in it.

use hitl_base::Sensitive;
use hitl_core::{
    ArgumentErrorKind, Gate, GateErrorKind, Permit, SnapshotError, SnapshotWriter, Tool, ToolSpec,
};
use serde::Deserialize;

/// An account, with words of its own for what is none.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
struct Account(String);

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let text = String::deserialize(from)?;
        match text.len() {
            22 => Ok(Self(text)),
            length => Err(D::Error::custom(format!(
                "`{text}` is no account: it has {length} characters and not 22\u{202e}; ask at https://bank:hunter2@bank.example"
            ))),
        }
    }
}

macro_rules! pay_to {
    ($name:ident, $tool:literal, $more:ty) => {
        #[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
        struct $name {
            to: Vec<Account>,
            more: $more,
        }

        impl Tool for $name {
            type Output = String;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "Pays.");
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|object| {
                    object.field("to", &self.to)?;
                    object.field("more", &self.more)
                })
            }
            async fn run(permit: Permit<Self>) -> Result<String, String> {
                let (Self { more, .. }, _cx) = permit.open();
                drop(more);
                Ok(String::new())
            }
        }
    };
}

pay_to!(Pay, "pay", String);
pay_to!(PayWithPin, "pay_with_pin", Sensitive<String>);

#[tokio::test]
async fn a_model_reads_why_a_type_refuses_a_value_and_no_value_is_quoted() {
    let gate = Gate::builder().tool::<Pay>().tool::<PayWithPin>().build().await.unwrap();
    let text = r#"{"more":"later","to":["DE89370400440532013000","DE-4711-0815"]}"#;
    let refused = async |tool: &str| {
        let error = gate.submit_json(tool, text, "ann", "run", 0).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::InvalidArguments);
        let argument = error.arguments().unwrap();
        let place = (argument.kind(), argument.path());
        assert_eq!(place, (ArgumentErrorKind::Invalid, "to[1]"));
        let model = error.for_model().to_string();
        let all = format!("{model} {error} {error:?} {argument:?}");
        assert!(!all.contains("4711") && !all.contains("hunter2"), "{all}");
        assert!(!all.contains('\u{202e}'), "{all}");
        model
    };
    let said = refused("pay").await;
    let why = "at `to[1]`: the tool does not accept this value: `";
    assert!(said.contains(why) && said.contains("12 characters and not 22"), "{said}");
    // Of a tool that takes a secret, the type's words are not passed on.
    let said = refused("pay_with_pin").await;
    assert!(said.contains("does not accept this value") && !said.contains("characters"), "{said}");
}
