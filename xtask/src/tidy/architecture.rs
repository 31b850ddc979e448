//! Every file that ARCHITECTURE.md names exists.

use super::Text;
use crate::cargo::root;

const PAGE: &str = "ARCHITECTURE.md";
/// The folder of the map's paths that name no crate.
const CORE: &str = "hitl-core/src";

pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let missing = |path: &String| {
        let below = [path.clone(), format!("{CORE}/{path}")];
        !below.iter().any(|path| root().join(path).exists())
    };
    let named = paths(super::text(texts, PAGE));
    named.into_iter().filter(missing).map(|path| format!("{PAGE}: {path} does not exist")).collect()
}

/// Returns the paths in back ticks, with `{a,b}` expanded.
fn paths(page: &str) -> Vec<String> {
    let quoted = page.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| {
        let file = [".rs", ".py", ".md", "/"].iter().any(|end| text.ends_with(end));
        file && text.contains('/') && !text.contains([' ', '<', ':', '('])
    };
    quoted.filter(is_path).flat_map(written_out).collect()
}

fn written_out(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((names, after)) = rest.split_once('}') else { return vec![path.to_owned()] };
    names.split(',').map(|name| format!("{before}{}{after}", name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_and_written_out() {
        let page = "`gate/{claim,run}.rs` and `docs/` but not `Store::apply` nor `a / b.rs`";
        assert_eq!(paths(page), ["gate/claim.rs", "gate/run.rs", "docs/"]);
    }
}
