//! Every way out of a call, with a secret to block.

use crate::support;

use std::collections::HashMap;

use hitl_base::Sensitive;
use hitl_core::{
    CallKey, GateBuilder, ParameterSpec, Permit, Risk, SnapshotError, SnapshotWriter, Store as _,
    Tool, ToolConfig, ToolSpec,
};
use serde::{Deserialize, Serialize};
use support::bench_with;

const AUTO: ToolConfig = ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low);
const SECRET: &str = "hunter2-hunter2";

/// A tool with one argument that may be shown, and holds a secret somewhere inside.
macro_rules! holds {
    ($name:ident, $tool:literal, $value:ty) => {
        #[derive(Deserialize, schemars::JsonSchema)]
        struct $name {
            #[schemars(skip)]
            value: $value,
        }

        impl Tool for $name {
            type Output = u8;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "A tool for tests.").config(AUTO);
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|fields| fields.field("value", &self.value))
            }
            async fn run(_: Permit<Self>) -> Result<u8, String> {
                Ok(0)
            }
        }
    };
}

#[derive(Serialize, Deserialize)]
struct Login {
    word: String,
}

#[derive(Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    login: Sensitive<Login>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Login(Sensitive<Login>),
}

/// Written as a text that holds JSON.
#[derive(Deserialize)]
struct InText(Sensitive<String>);

impl Serialize for InText {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?)
    }
}

#[derive(Serialize, Deserialize)]
enum Plain {
    Login { by: Option<Sensitive<Login>>, codes: Vec<Sensitive<u32>> },
}

holds!(Flat, "flat", Flattened);
holds!(Tag, "tag", Tagged);
holds!(Text, "text", InText);
holds!(Open, "open", Plain);

fn login() -> Sensitive<Login> {
    Sensitive::new(Login { word: SECRET.to_owned() })
}

#[tokio::test]
async fn invariant_8_a_secret_is_hidden_or_refused_wherever_it_stands_in_an_argument() {
    let b = bench_with(|g| g.tool::<Flat>().tool::<Tag>().tool::<Text>().tool::<Open>()).await;
    // serde removes the mark from these, so they are refused.
    let flat = b.gate.assess(&Flat { value: Flattened { login: login() } }, "ann");
    let tag = b.gate.assess(&Tag { value: Tagged::Login(login()) }, "ann");
    let text = InText(Sensitive::new(SECRET.to_owned()));
    let text = b.gate.assess(&Text { value: text }, "ann");
    for refused in [flat, tag, text] {
        let error = refused.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let codes = vec![Sensitive::new(4711), Sensitive::new(5)];
    let plain = Plain::Login { by: Some(login()), codes };
    let shown = b.gate.assess(&Open { value: plain }, "ann").unwrap().arguments;
    assert_eq!(
        shown.as_str(),
        r#"{"value":{"Login":{"by":"[redacted]","codes":["[redacted]","[redacted]"]}}}"#
    );
}

holds!(Many, "many", HashMap<String, HashMap<String, Sensitive<u32>>>);

/// Maps are written in any order and sorted afterwards, with their hidden values, at every level.
/// Their size does not cost quadratic time.
#[tokio::test]
async fn invariant_8_what_is_hidden_in_maps_stays_hidden_when_they_are_sorted() {
    let b = bench_with(GateBuilder::tool::<Many>).await;
    let inner = |i: u32| -> String {
        let secrets: Vec<_> = (0..40).map(|j| format!("\"k{j}\": {}", 77_000 + i)).collect();
        format!("\"m{i}\": {{{}}}", secrets.join(", "))
    };
    let maps: Vec<_> = (0..500).map(inner).collect();
    let text = format!(r#"{{"value": {{{}}}}}"#, maps.join(", "));
    let shown = b.gate.assess_json("many", &text, "ann").unwrap().arguments;
    assert!(!shown.as_str().contains(":77"));
    assert_eq!(shown.as_str().matches("[redacted]").count(), 20_000);
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Vault {
    secrets: HashMap<String, u8>,
    say: String,
}

/// The failures of `Vault`, by the number of the failure: as arguments, failures that repeat a
/// secret would be asked about.
static FAILURES: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

impl Tool for Vault {
    type Output = u8;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("vault", "A tool for tests.")
        .parameters(&[ParameterSpec::sensitive("secrets"), ParameterSpec::new("say")])
        .config(AUTO);
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| {
            fields.sensitive("secrets", &self.secrets)?;
            fields.field("say", &self.say)
        })
    }
    async fn run(permit: Permit<Self>) -> Result<u8, String> {
        Err(FAILURES.lock().unwrap()[permit.open().0.say.parse::<usize>().unwrap()].clone())
    }
}

#[tokio::test]
async fn invariant_8_what_is_wrong_inside_a_secret_is_said_without_its_keys() {
    let b = bench_with(GateBuilder::tool::<Vault>).await;
    for secrets in [
        r#"{"hunter2": "x"}"#,
        r#"{"hunter2": 1, "hunter2": 2}"#,
        r#"{"hunter2": 1e}"#,
        r#"{"hunter2": 300}"#,
        r#"{"a": 1, "hunter2": [{}]}"#,
    ] {
        let text = format!(r#"{{"secrets": {secrets}, "say": ""}}"#);
        let refused = b.gate.assess_json("vault", &text, "ann").unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused}");
        assert!(refused.to_string().contains("`secrets`"), "{refused}");
    }
}

/// Returns the stored record of a failure with message `said`, from a tool called with these
/// secrets.
async fn kept(secrets: &[&str], said: String) -> String {
    let b = bench_with(GateBuilder::tool::<Vault>).await;
    let secrets = secrets.iter().map(|secret| ((*secret).to_owned(), 1)).collect();
    let say = {
        let mut failures = FAILURES.lock().unwrap();
        failures.push(said);
        (failures.len() - 1).to_string()
    };
    let failed = b.gate.call(Vault { secrets, say }).by("ann").key("r", 0).await;
    assert!(failed.is_err());
    let record = b.store.get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
    format!("{:?} {:?}", record.end_reason(), b.audit.records().last().unwrap().note)
}

#[tokio::test]
async fn invariant_8_a_failure_masks_each_secret_whole() {
    let filler = "x".repeat(1_325);
    let huge = "x".repeat(65_525);
    for (secrets, said) in [
        // A key of a secret map.
        (vec![SECRET], format!("no {SECRET}")),
        // At the point where the message is shortened, and where it is no longer scanned.
        (vec![SECRET], format!("{filler}{SECRET}{filler}")),
        (vec![SECRET], format!("{huge}{SECRET}{huge}")),
        // One secret begins as another does.
        (vec!["abc", "abchunter2"], "no abchunter2".to_owned()),
        // Something inside it has the shape of a secret.
        (vec!["4111 1111 1111 1111 hunter2"], "no 4111 1111 1111 1111 hunter2!".to_owned()),
        // Quoted.
        (vec!["say \"hunter2\""], format!("no {:?}", "say \"hunter2\"")),
    ] {
        let text = kept(&secrets, said).await;
        assert!(!text.contains("hunt") && !text.contains("ter2"), "{secrets:?}");
    }
}

/// Defines a tool that repeats its argument, and has a PIN.
macro_rules! echo {
    ($name:ident, $tool:literal, $config:expr) => {
        #[derive(Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            say: String,
            number: i64,
            pin: String,
        }

        impl Tool for $name {
            type Output = Vec<String>;
            type Error = String;
            const SPEC: ToolSpec = ToolSpec::new($tool, "Says what it is told.")
                .parameters(&[
                    ParameterSpec::new("say"),
                    ParameterSpec::new("number"),
                    ParameterSpec::sensitive("pin"),
                ])
                .config($config.describe("Say {say} to {number}"));
            fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
                to.object(|fields| {
                    fields.field("number", &self.number)?;
                    fields.sensitive("pin", &self.pin)?;
                    fields.field("say", &self.say)
                })
            }
            async fn run(permit: Permit<Self>) -> Result<Vec<String>, String> {
                let call = permit.open().0;
                Ok(vec![call.say, call.pin])
            }
        }
    };
}

echo!(Echo, "echo", AUTO);
echo!(EchoRead, "echo_read", AUTO.read_only());
echo!(EchoAsk, "echo_ask", ToolConfig::DEFAULT);

#[tokio::test]
async fn invariant_8_what_is_secret_in_one_argument_is_secret_in_all_and_in_the_output() {
    let b = bench_with(|builder| builder.tool::<Echo>().tool::<EchoRead>().tool::<EchoAsk>()).await;
    // As it is, and in base64: forms in which a model may repeat it.
    let text = r#"{"say":"pin 97315 or OTczMTU= of order 973151","number":97315,"pin":"97315"}"#;
    let hides = |shown: &str| {
        assert!(!shown.contains("97315 ") && !shown.contains(":97315"), "{shown}");
        assert!(!shown.contains("OTczMTU") && !shown.contains("\"97315\""), "{shown}");
    };
    let preview = b.gate.assess_json("echo", text, "ann").unwrap();
    hides(&preview.title);
    hides(preview.arguments.as_str());
    assert!(preview.arguments.as_str().contains("order 973151"), "another number stays");
    for (tool, key) in [("echo", 1), ("echo_read", 2)] {
        let key = CallKey::new("r", key);
        let submitted =
            b.gate.submit_json(tool, text, "ann", key.run.clone(), key.position).await.unwrap();
        // Text that repeats a secret is hidden too, so nobody would see what runs: a human is
        // asked.
        let hitl_core::Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
        let request = ticket.request();
        assert_eq!(request.level, hitl_core::ApprovalLevel::Full);
        assert!(request.assessment.factors.iter().any(|factor| factor.name == "repeats_a_secret"));
        b.gate.decide(request.approve().by("bob")).await.unwrap();
        let first = ticket.wait().await.unwrap();
        let again =
            b.gate.call_json(tool, text, "ann", key.run.clone(), key.position).await.unwrap();
        for outcome in [first, again] {
            let hitl_core::Outcome::Executed(output) = outcome else { panic!("it runs") };
            hides(&format!("{output:?}"));
        }
    }
    // The host's own call gets the body's return value.
    let call = Echo { say: "x".to_owned(), number: 1, pin: "97315".to_owned() };
    assert_eq!(b.gate.call(call).by("ann").key("r", 3).await.unwrap(), ["x", "97315"]);
    let asked = b.gate.submit_json("echo_ask", text, "ann", "r", 4).await.unwrap();
    hides(&format!("{asked:?}"));
    let record = b.store.get_by_key(&CallKey::new("r", 4)).await.unwrap().unwrap();
    hides(&serde_json::to_string(&record).unwrap());
    hides(&serde_json::to_string(&b.audit.records()).unwrap());
}

#[tokio::test]
async fn invariant_8_a_declared_secret_is_hidden_on_every_way_out_in_every_form() {
    const PIN: &str = "Vex7-qualm_Drift9!Zu";
    let b = bench_with(|builder| builder.tool::<Echo>().tool::<EchoAsk>()).await;
    let coloned: Vec<String> = PIN.bytes().map(|byte| format!("{byte:02x}")).collect();
    let escaped: Vec<String> = PIN.chars().map(|c| format!("&#{};", c as u32)).collect();
    let forms =
        [coloned.join(":"), escaped.concat(), PIN[1..19].to_owned(), PIN[..10].to_uppercase()];
    for (key, form) in forms.iter().enumerate() {
        let text = serde_json::json!({ "say": form, "number": 1, "pin": PIN }).to_string();
        let preview = b.gate.assess_json("echo", &text, "ann").unwrap();
        assert!(preview.arguments.as_str().contains(r#""say":"[redacted]""#), "{form}");
        assert!(!preview.title.contains(form.as_str()));
        let key = CallKey::new("r", u64::try_from(key).unwrap());
        let submitted =
            b.gate.submit_json("echo", &text, "ann", key.run.clone(), key.position).await.unwrap();
        let hitl_core::Submission::Pending(ticket) = submitted else { panic!("it is asked about") };
        // Text that a person types, too.
        let answer = ticket.request().approve().by("bob");
        b.gate.decide(answer).await.unwrap();
        let outcome = ticket.wait().await.unwrap();
        let record = b.store.get_by_key(&key).await.unwrap().unwrap();
        let audit = serde_json::to_string(&b.audit.records()).unwrap();
        for said in [format!("{outcome:?}"), serde_json::to_string(&record).unwrap(), audit] {
            assert!(!said.contains(form.as_str()), "{form} in {said}");
        }
    }
}

#[tokio::test]
async fn invariant_8_a_key_inside_a_secret_is_hidden_elsewhere_unless_it_is_a_name() {
    let b = bench_with(GateBuilder::tool::<Vault>).await;
    let text =
        r#"{"secrets":{"q3zk8rtw1ypv7l":1,"givenName":2},"say":"q3zk8rtw1ypv7l, givenName"}"#;
    let shown = b.gate.assess_json("vault", text, "ann").unwrap().arguments;
    assert!(shown.as_str().contains(r#""say":"[redacted], givenName""#), "{}", shown.as_str());
}
