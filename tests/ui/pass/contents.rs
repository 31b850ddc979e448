//! Arguments that name contents.

#![deny(warnings, unused, nonstandard_style, missing_docs, clippy::pedantic)]

use std::path::PathBuf;

use hitl::{RunContext, hitl_tool, hitl_tools};

mod pages {
    /// Would fetch it.
    pub(crate) async fn fetch(url: &str) -> Result<String, std::io::Error> {
        Ok(format!("what is at {url}"))
    }

    /// Would look them up.
    pub(crate) async fn all(ids: &[u64]) -> Result<Vec<u8>, String> {
        Err(format!("{} of them", ids.len()))
    }
}

/// Deploys.
#[hitl_tool]
pub async fn deploy(
    #[hitl(content_of)] script: &str,
    #[hitl(content_of)] config: PathBuf,
    #[hitl(content_of, default)] other: Option<String>,
    #[hitl(content_of)] many: Vec<PathBuf>,
    #[hitl(content_of)] slice: &[String],
    #[hitl(content_of = pages::fetch)] url: &str,
    #[hitl(content_of = crate::pages::all, default)] ids: Vec<u64>,
    #[hitl(context)] cx: &RunContext,
    readers: u8,
) -> usize {
    let _ = (script, config, other, many, slice, url, ids, readers);
    cx.content_of("script").map_or(0, <[u8]>::len)
}

struct Office;

impl Office {
    async fn read(id: &String) -> Result<Vec<u8>, String> {
        Ok(id.clone().into_bytes())
    }
}

#[hitl_tools]
impl Office {
    /// Files it.
    #[hitl_tool]
    async fn file(&self, #[hitl(content_of = Office::read)] id: String) -> usize {
        id.len()
    }
}

fn main() {
    let _ = deploy("a", "b".into(), None, vec![], Vec::<String>::new(), "c", vec![], 1);
    let _ = Office::file("1");
    let _ = Office;
}
