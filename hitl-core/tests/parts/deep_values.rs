//! Excessively nested typed values are refused before anything recurses into them.

use hitl_core::{Gate, Permit, SnapshotError, SnapshotWriter, Tool, ToolSpec};

/// A list within a list within a list.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Nest(Vec<Nest>);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Deep {
    nest: Nest,
}

impl Tool for Deep {
    type Output = ();
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("deep", "A tool for tests.");
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("nest", &self.nest))
    }
    async fn run(_: Permit<Self>) -> Result<(), String> {
        Ok(())
    }
}

#[tokio::test]
async fn a_value_that_is_nested_too_deeply_is_refused() {
    let gate = Gate::builder().tool::<Deep>().build().await.unwrap();
    let nest = |depth: usize| Deep {
        nest: (0..depth).fold(Nest(Vec::new()), |inner, _| Nest(vec![inner])),
    };
    gate.assess(&nest(40), "ann").unwrap();
    let error = gate.submit(nest(1_000)).by("ann").await.unwrap_err();
    assert!(error.to_string().contains("nested too deeply"), "{error}");
}
