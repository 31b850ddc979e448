//! An argument that nobody interprets names no content.

use hitl::hitl_tool;

async fn read(_: &str) -> Result<String, String> {
    Err(String::new())
}

/// Both keys.
#[hitl_tool]
async fn both(
    #[hitl(content_of, inert)] a: String,
    #[hitl(inert, content_of = read)] b: String,
    #[hitl(inert)] c: String,
    #[hitl(content_of)] d: String,
) {
    let _ = (a, b, c, d);
}

fn main() {}
