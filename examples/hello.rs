//! The smallest gated tool: `cargo run --example hello`, and answer `y`.
use hitl::prelude::*;

/// Greets somebody.
#[hitl_tool(risk = "medium", describe = "Greet {name}")]
async fn greet(name: String) -> String {
    format!("Hello, {name}!")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let you = TerminalApprover::new("you");
    let gate = Gate::builder().tool::<Greet>().approver(you).build().await?;
    match gate.call(greet("world".to_owned())).by("agent").await {
        Ok(greeting) => println!("{greeting}"),
        Err(refused) => println!("It did not run: {refused}"),
    }
    Ok(())
}
