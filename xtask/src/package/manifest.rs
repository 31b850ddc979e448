//! The words of Cargo.toml that crates.io and docs.rs show.

use crate::dependencies::tree::{Kind, Package};

/// The categories that our crates use. Add one only after a look at `crates.io/category_slugs`:
/// crates.io drops one that it does not know.
const CATEGORIES: [&str; 11] = [
    "asynchronous",
    "authentication",
    "command-line-utilities",
    "concurrency",
    "database",
    "development-tools",
    "encoding",
    "text-processing",
    "value-formatting",
    "web-programming",
    "web-programming::http-server",
];

/// The words by which people look for hitl. A search reads names, keywords, descriptions and
/// READMEs.
const SOUGHT: [&str; 6] = ["slack", "openai", "mcp", "langchain", "human in the loop", "approval"];

/// The greatest number of keywords, and of categories, that crates.io takes.
const MAX_KEYWORDS: usize = 5;
/// The greatest number of characters of a keyword.
const MAX_KEYWORD: usize = 20;

/// Says what is missing or wrong in the manifests of these packages; `readmes` are theirs.
pub(super) fn check(packages: &[&Package], readmes: &[String]) -> Vec<String> {
    let mut found: Vec<String> = packages.iter().flat_map(|package| problems(package)).collect();
    for (package, readme) in packages.iter().zip(readmes) {
        if package.name != "hitl" && !readme.contains("https://docs.rs/hitl)") {
            found.push(format!("{}: its README does not lead to hitl", package.name));
        }
    }
    let described = packages.iter().flat_map(|package| {
        package.description.iter().chain(&package.keywords).map(String::as_str)
    });
    let texts: Vec<String> =
        described.chain(readmes.iter().map(String::as_str)).map(str::to_lowercase).collect();
    for word in SOUGHT {
        if !texts.iter().any(|text| text.contains(word)) {
            found.push(format!("a search for \"{word}\" finds none of the packages"));
        }
    }
    found
}

fn problems(package: &Package) -> Vec<String> {
    let mut found = Vec::new();
    let mut require = |sound: bool, wrong: &str| {
        if !sound {
            found.push(format!("{}: {wrong}", package.name));
        }
    };
    require(package.license.as_deref() == Some("MIT OR Apache-2.0"), "its licence");
    require(package.description.as_ref().is_some_and(|it| !it.is_empty()), "no description");
    require(package.repository.is_some(), "no repository");
    require(package.documentation.is_some(), "no documentation");
    require(package.readme.as_deref() == Some("README.md"), "no README");
    let count = |list: &[String]| (1..=MAX_KEYWORDS).contains(&list.len());
    require(count(&package.keywords), "it needs one to five keywords");
    require(count(&package.categories), "it needs one to five categories");
    for keyword in &package.keywords {
        let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let sound = keyword.len() <= MAX_KEYWORD && keyword.chars().all(may);
        require(sound, &format!("crates.io does not take the keyword \"{keyword}\""));
    }
    for category in &package.categories {
        let known = CATEGORIES.contains(&category.as_str());
        require(known, &format!("the category \"{category}\" is not one that is known to exist"));
    }
    let docs = &package.metadata["docs"]["rs"];
    require(docs["all-features"] == true, "docs.rs would not show every feature");
    let cfg =
        docs["rustdoc-args"].as_array().is_some_and(|arguments| *arguments == ["--cfg", "docsrs"]);
    require(cfg, "docs.rs would not say which feature an item needs");
    // With a version cargo looks for it among the published crates, and several such crates make a
    // circle that none can be published out of.
    let own = package.dependencies.iter().filter(|named| named.path.is_some());
    for named in own.filter(|named| named.kind == Kind::Dev && named.req != "*") {
        require(false, &format!("its dev-dependency {} must have a path alone", named.name));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dependencies::tree::Dependency;
    use crate::dependencies::tree::tests::member;

    fn sound() -> Package {
        let text = |text: &str| Some(text.to_owned());
        Package {
            license: text("MIT OR Apache-2.0"),
            description: text("Approval, human in the loop: Slack, OpenAI, MCP, LangChain."),
            documentation: text("https://docs.rs/hitl"),
            repository: text("https://github.com/hitl-rs/hitl"),
            readme: text("README.md"),
            categories: vec!["asynchronous".to_owned()],
            keywords: vec!["human-in-the-loop".to_owned()],
            metadata: json!({"docs": {"rs": {"all-features": true, "rustdoc-args": ["--cfg", "docsrs"]}}}),
            ..member("hitl")
        }
    }

    /// Returns what is found after one change of a sound package.
    fn found(change: impl FnOnce(&mut Package)) -> Vec<String> {
        let mut package = sound();
        change(&mut package);
        check(&[&package], &[String::new()])
    }

    #[test]
    fn a_sound_manifest_passes_and_each_lack_is_found() {
        assert_eq!(found(|_| ()), [""; 0]);
        let changes: [fn(&mut Package); 11] = [
            |package| package.license = None,
            |package| package.documentation = None,
            |package| package.repository = None,
            |package| package.readme = None,
            |package| package.keywords.clear(),
            |package| package.keywords = vec!["a".to_owned(); 6],
            |package| package.keywords = vec!["x".repeat(21)],
            |package| package.keywords = vec!["human in the loop".to_owned()],
            |package| package.categories = vec!["ai".to_owned()],
            |package| package.metadata["docs"]["rs"]["all-features"] = json!(false),
            |package| package.metadata["docs"]["rs"]["rustdoc-args"] = json!(["--cfg", "docs"]),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let found = found(change);
            assert_eq!(found.len(), 1, "change {at}: {found:?}");
        }
    }

    #[test]
    fn a_dev_dependency_on_our_own_has_a_path_alone() {
        let depend = |kind, req: &str| {
            let req = req.to_owned();
            let path = Some("/hitl-b".to_owned());
            found(|package| {
                package.dependencies = vec![Dependency { name: "b".into(), req, kind, path }];
            })
        };
        assert_eq!(depend(Kind::Dev, "*"), [""; 0]);
        assert_eq!(depend(Kind::Normal, "^0.1.0"), [""; 0]);
        assert_eq!(depend(Kind::Dev, "^0.1.0").len(), 1);
    }

    #[test]
    fn searches_find_something_and_other_readmes_lead_to_the_facade() {
        let found = found(|package| package.description = Some("Approval, Slack.".to_owned()));
        assert_eq!(found.len(), 4, "{found:?}");
        let other = Package { name: "hitl-core".to_owned(), ..sound() };
        assert_eq!(check(&[&other], &[String::new()]).len(), 1);
        assert_eq!(check(&[&other], &["[`hitl`](https://docs.rs/hitl)".to_owned()]), [""; 0]);
    }
}
