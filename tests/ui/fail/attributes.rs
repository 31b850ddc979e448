//! Attributes below the macro.

use hitl::hitl_tool;

/// Shows a secret.
#[hitl_tool]
#[tracing::instrument(fields(length = pin.len()))]
async fn in_a_field(amount: u64, #[hitl(sensitive)] pin: String) -> u64 {
    amount + pin.len() as u64
}

/// Shows a secret in a text.
#[hitl_tool]
#[tracing::instrument(skip(pin), fields(text = format!("{amount} {pin}")))]
async fn in_a_text(amount: u64, #[hitl(sensitive)] pin: &str) -> u64 {
    amount + pin.len() as u64
}

/// Shows a secret by its sign.
#[hitl_tool]
#[cfg_attr(all(), tracing::instrument(fields(?pin)))]
async fn by_its_sign(#[hitl(sensitive)] pin: &str) -> usize {
    pin.len()
}

/// Starts a runtime.
#[hitl_tool]
#[tokio::main]
async fn starts() {}

/// Is a test.
#[hitl_tool]
#[test]
async fn tests() {}

fn main() {
    let _: (InAField, InAText, ByItsSign) = (in_a_field(1, "2"), in_a_text(1, "2"), by_its_sign(""));
}
