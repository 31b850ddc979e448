//! Names that cannot become a struct or a tool.

use hitl::hitl_tool;

#[derive(serde::Serialize, serde::Deserialize)]
struct Signature;

/// Becomes `Self`.
#[hitl_tool]
async fn self_() {}

/// Becomes nothing.
#[hitl_tool]
async fn __() {}

/// Becomes a number.
#[hitl_tool]
async fn _2() {}

/// Would hide the trait.
#[hitl_tool]
async fn send(text: String) {
    drop(text);
}

/// Would be what it returns.
#[hitl_tool]
async fn signature() -> Vec<Signature> {
    Vec::new()
}

/// Too long.
#[hitl_tool]
async fn a_name_that_no_provider_of_models_would_ever_accept_since_it_is_so_long() {}

/// Not ASCII.
#[hitl_tool]
async fn prüfe() {}

/// Two of one name.
#[hitl_tool]
async fn two(a: u8, a: u8) {}

fn main() {}
