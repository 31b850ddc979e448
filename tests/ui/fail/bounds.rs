//! The traits that the types of a tool must implement.

use std::rc::Rc;

use hitl::{hitl_tool, hitl_tools};

#[derive(serde::Serialize, serde::Deserialize)]
struct Undescribed {
    name: String,
}

/// Takes what has no schema.
#[hitl_tool]
async fn without_schema(who: Undescribed) -> u8 {
    who.name.len() as u8
}

#[derive(hitl::JsonSchema)]
struct Described {
    name: String,
}

/// Takes what serde does not know.
#[hitl_tool]
async fn without_serde(who: Described) -> u8 {
    who.name.len() as u8
}

/// Keeps what is not `Send`.
#[hitl_tool]
async fn not_send(a: u8) -> u8 {
    let kept = Rc::new(a);
    std::future::ready(()).await;
    *kept
}

struct Desk;

#[hitl_tools]
impl Desk {
    /// Keeps what is not `Send`.
    #[hitl_tool]
    async fn not_send(&self, a: u8) -> Result<u8, String> {
        let kept = Rc::new(a);
        std::future::ready(()).await;
        Ok(*kept)
    }
}

fn main() {}
