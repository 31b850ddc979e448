//! Return types.

use hitl::hitl_tool;
use serde::{Deserialize, Serialize};

type Ledgered<T> = Result<T, String>;

#[derive(Serialize, Deserialize)]
struct SearchResult;

/// A `Result` in disguise.
#[hitl_tool]
async fn disguised() -> Ledgered<u8> {
    Ok(1)
}

/// A `Result` that is said to be none.
#[hitl_tool(infallible)]
async fn denied() -> Result<u8, String> {
    Ok(1)
}

/// Named like a `Result`.
#[hitl_tool]
async fn search() -> SearchResult {
    SearchResult
}

/// No `Result`.
#[hitl_tool(fallible)]
async fn count() -> u8 {
    1
}

/// Anything.
#[hitl_tool]
async fn anything() -> impl Clone {
    1
}

/// A result of anything.
#[hitl_tool]
async fn result_of_anything() -> Result<impl Clone, String> {
    Ok(1)
}

/// Borrowed.
#[hitl_tool]
async fn borrowed() -> &'static str {
    "a"
}

fn main() {}
