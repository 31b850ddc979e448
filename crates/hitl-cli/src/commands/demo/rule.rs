//! Somebody widens the rule that allows a call.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hitl_base::JsonText;
use hitl_core::{
    ArgumentError, DynArguments, DynSpec, DynTool, Gate, Permit, RuleFile, Submission, ToolConfig,
};
use serde::Deserialize;

use super::bank::quiet_builder;
use super::run::failed;
use super::scene::{Scene, Side};
use crate::args::SceneName;
use crate::commands::folder::TemporaryFolder;
use crate::exit::Failure;

/// The rules, as a person wrote them.
const RULES: &str = r#"schema = 1
version = "1"
[[rule]]
name = "small exports"
effect = "auto"
tool = "export_customers"
number = { argument = "rows", max = 100 }
"#;

/// The most rows that the person allowed.
const ALLOWED: u64 = 100;
/// The number of rows that the agent wants.
const WANTED: u64 = 50_000;

const SCHEMA: &str = r#"{"type": "object", "required": ["rows"], "additionalProperties": false,
    "properties": {"rows": {"type": "integer", "minimum": 1}}}"#;

pub(super) async fn scene() -> Result<Scene, Failure> {
    let folder = TemporaryFolder::new("demo")?;
    Ok(Scene {
        name: SceneName::Rule,
        title: "rule: the agent rewrites the rule that allows its calls",
        story: format!(
            "\"Exports of at most {ALLOWED} rows need nobody.\" The agent, which can write files, makes \
             it {WANTED}."
        ),
        without: without(&folder.file("without.toml"))?,
        with: with(&folder.file("policy.toml")).await?,
        stopped_by: "a rule file that may relax something waits until a person or a signature accepts it.",
        limit: "an agent that can write as the host (its key, its program) is not held by a file.",
    })
}

/// The rules, as the agent wants them.
fn widened() -> String {
    let (from, to) = (format!("max = {ALLOWED}"), format!("max = {WANTED}"));
    RULES.replace(&from, &to).replace("version = \"1\"", "version = \"2\"")
}

/// A loop that believes the file.
fn without(path: &Path) -> Result<Side, Failure> {
    let most = |text: String| {
        let number = text.split("max = ").nth(1)?.split(' ').next()?;
        number.parse::<u64>().ok()
    };
    let mut exported = 0;
    let mut steps = Vec::new();
    for (rules, rows) in [(RULES.to_owned(), ALLOWED), (widened(), WANTED)] {
        fs::write(path, rules)?;
        if most(fs::read_to_string(path)?).is_some_and(|most| rows <= most) {
            exported += rows;
            steps.push(format!("export of {rows} rows: runs"));
        }
    }
    Ok(Side { steps, loss: loss(exported) })
}

fn loss(exported: u64) -> Option<String> {
    (exported > ALLOWED).then(|| format!("{} rows that nobody allowed", exported - ALLOWED))
}

/// The host, and the number of rows that left it.
struct Host {
    rules: RuleFile,
    gate: Gate,
    exported: Arc<AtomicU64>,
}

impl Host {
    async fn new(path: &Path) -> Result<Self, Failure> {
        fs::write(path, RULES)?;
        let rules = RuleFile::open(path);
        let exported = Arc::new(AtomicU64::new(0));
        let tool = export_tool(Arc::clone(&exported))?;
        let gate = quiet_builder().dyn_tool(tool).policy(rules.clone()).build().await?;
        Ok(Self { rules, gate, exported })
    }

    async fn export(&self, rows: u64, position: u64) -> Result<String, Failure> {
        let arguments = format!(r#"{{"rows": {rows}}}"#);
        let call = self.gate.submit_json("export_customers", &arguments, "agent", "run", position);
        Ok(match call.await? {
            Submission::Done { .. } => format!("export of {rows} rows: runs"),
            Submission::Pending(_) => format!("export of {rows} rows: waits for a person"),
        })
    }
}

async fn with(path: &Path) -> Result<Side, Failure> {
    let host = Host::new(path).await?;
    let mut steps = vec![host.export(ALLOWED, 0).await?];
    fs::write(path, widened())?;
    host.rules.reload().map_err(failed)?;
    let waiting = host.rules.status().waiting;
    let waiting = waiting.ok_or_else(|| failed("the rule file does not wait"))?;
    let relaxation = waiting.relaxations.first().map(ToString::to_string).unwrap_or_default();
    steps.push(format!("version {} waits: {relaxation}", waiting.version.version()));
    steps.push(host.export(WANTED, 1).await?);
    Ok(Side { steps, loss: loss(host.exported.load(Ordering::SeqCst)) })
}

/// Returns a tool that needs a person, unless a rule says otherwise.
fn export_tool(exported: Arc<AtomicU64>) -> Result<DynTool, Failure> {
    #[derive(Deserialize)]
    struct Export {
        rows: u64,
    }
    let body = move |permit: Permit<DynArguments>| {
        let export = permit.open().0.parse::<Export>();
        let done = export.map(|export| exported.fetch_add(export.rows, Ordering::SeqCst));
        async move { done.map(|_| JsonText::null()) as Result<_, ArgumentError> }
    };
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let spec = DynSpec::new("export_customers", "Sends rows of customers.").config(config);
    DynTool::new(spec, SCHEMA, body).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is the acceptance that holds the call back: once a person has accepted, it runs.
    #[tokio::test]
    async fn once_the_wider_rule_is_accepted_the_call_runs() -> Result<(), Failure> {
        let folder = TemporaryFolder::new("demo")?;
        let path = folder.file("policy.toml");
        let host = Host::new(&path).await?;
        fs::write(&path, widened())?;
        host.rules.reload().map_err(failed)?;
        assert!(host.export(WANTED, 0).await?.ends_with("waits for a person"));
        let waiting = host.rules.status().waiting.ok_or_else(|| failed("it waits"))?;
        host.rules.accept(waiting.version.digest(), "dora").map_err(failed)?;
        assert!(host.export(WANTED, 1).await?.ends_with("runs"));
        assert!(loss(host.exported.load(Ordering::SeqCst)).is_some());
        Ok(())
    }
}
