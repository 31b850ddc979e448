//! A text that a relaxing rule accepts means the same to every reader.

use std::sync::LazyLock;

use hitl_base::Json;
use hitl_core::policy::{RuleEffect, RuleSet};
use hitl_core::{CallContext, CallView, ToolConfig};

pub(crate) const SEEDS: &[&str] = &[
    "/srv/data/x",
    "/srv/../etc/passwd",
    "/srv/%2e%2e/x",
    "https://docs.rs/x",
    "https://docs.rs@evil.example/",
    "trip to Berlin",
    "trip; id",
];

static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let text = "schema = 1\nversion = '1'\n\
        [[rule]]\nname = 'p'\neffect = 'auto'\npath = { argument = 'p', inside = '/srv' }\n\
        [[rule]]\nname = 'u'\neffect = 'auto'\nurl = { argument = 'u', host = 'docs.rs' }\n\
        [[rule]]\nname = 'm'\neffect = 'auto'\nargument = { path = 'm', matches = '.*' }\n\
        [[rule]]\nname = 'd'\neffect = 'deny'\npath = { argument = 'd', any = '/etc/**' }\n";
    RuleSet::parse(text).unwrap()
});

/// Reads the bytes as a text under each of the matchers.
pub fn matchers(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let decided = |key: &str| {
        let arguments = Json::Object(vec![(key.to_owned(), Json::String(text.clone()))]);
        let cx = CallContext::new("ann");
        let call = CallView::new("t", &ToolConfig::DEFAULT, &arguments, &cx);
        RULES.deciding(&call).map(hitl_core::policy::Rule::effect)
    };
    let interpreted = "\\%;&|<>$`~'\"*?[]{}()#!^\0\n\r\t\u{202E}\u{200B}\u{FF0E}\u{FF0F}\u{2215}";
    let plain = !text.contains(|c| interpreted.contains(c));
    if decided("p") == Some(RuleEffect::Auto) {
        assert!(plain && text.starts_with("/srv/") && !text.contains("//"), "{text:?}");
        assert!(
            text.split('/').all(|step| step != ".." && !step.ends_with([' ', '\u{A0}'])),
            "{text:?}"
        );
    }
    if decided("m") == Some(RuleEffect::Auto) {
        assert!(plain && !text.contains('/') && !text.contains(".."), "{text:?}");
    }
    if decided("u") == Some(RuleEffect::Auto) {
        let lower = text.to_ascii_lowercase();
        let after = lower.strip_prefix("https://docs.rs").unwrap();
        assert!(
            text.is_ascii() && (after.is_empty() || after.starts_with(['/', '?', '#', ':'])),
            "{text:?}"
        );
        assert!(!after.starts_with(':') || after.starts_with(":443"), "{text:?}");
    }
    if plain && text.starts_with("/etc/x") {
        assert_eq!(decided("d"), Some(RuleEffect::Deny), "{text:?}");
    }
}
