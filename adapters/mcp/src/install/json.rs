//! Servers in JSON with comments. Pure.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::sites::{ConfigError, Join, Literal, Site};

/// Finds the servers at these places.
pub(super) fn find(places: &[&[&str]], text: &str) -> Result<Vec<Site>, ConfigError> {
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let parsed = parse_to_ast(&text[mark..], &CollectOptions::default(), &ParseOptions::default())
        .map_err(|error| ConfigError(format!("the configuration is not JSON: {error}")))?;
    let mut sites = Vec::new();
    if let Some(Value::Object(root)) = &parsed.value {
        for place in places {
            walk(&mut sites, place, root, mark);
        }
    }
    Ok(sites)
}

fn walk(sites: &mut Vec<Site>, place: &[&str], object: &Object<'_>, mark: usize) {
    let Some((key, rest)) = place.split_first() else {
        for property in &object.properties {
            if let Value::Object(server) = &property.value {
                sites.push(site(property.name.as_str(), server, mark));
            }
        }
        return;
    };
    for property in &object.properties {
        if (*key == "*" || property.name.as_str() == *key)
            && let Value::Object(inner) = &property.value
        {
            walk(sites, rest, inner, mark);
        }
    }
}

fn site(name: &str, server: &Object<'_>, mark: usize) -> Site {
    let value = |key: &str| {
        let found = server.properties.iter().find(|property| property.name.as_str() == key);
        found.map(|property| &property.value)
    };
    let literal = |value: &Value<'_>| match value {
        Value::StringLit(text) => Some(Literal {
            at: text.range.start + mark..text.range.end + mark,
            value: text.value.to_string(),
        }),
        _ => None,
    };
    let arguments = match value("args") {
        Some(Value::Array(array)) => {
            let items: Option<Vec<_>> = array.elements.iter().map(literal).collect();
            let range = array.range();
            items.map(|items| (range.start + mark..range.end + mark, items))
        }
        _ => None,
    };
    Site {
        name: name.to_owned(),
        command: value("command").and_then(literal),
        arguments,
        url: ["url", "httpUrl"].into_iter().find_map(|key| value(key).and_then(literal)),
        object: server.range.start + mark..server.range.end + mark,
        keys: server.properties.iter().map(|it| it.name.as_str().to_owned()).collect(),
        join: Join::Json,
    }
}
