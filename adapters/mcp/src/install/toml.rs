//! Servers in TOML. Pure.

use toml_edit::{Document, Item, TableLike, Value};

use super::sites::{ConfigError, Join, Literal, Site};

/// Finds the servers at these places, which have no `*`.
pub(super) fn find(places: &[&[&str]], text: &str) -> Result<Vec<Site>, ConfigError> {
    let document = Document::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |at| text[..at.start].matches('\n').count() + 1);
        ConfigError(format!("the configuration is not TOML: line {line}: {}", error.message()))
    })?;
    let mut sites = Vec::new();
    for place in places {
        let mut table: Option<&dyn TableLike> = Some(document.as_table());
        for key in *place {
            table = table.and_then(|table| table.get(key)).and_then(Item::as_table_like);
        }
        for (name, item) in table.into_iter().flat_map(TableLike::iter) {
            if let Some(server) = item.as_table_like() {
                let join = if item.is_inline_table() { Join::TomlInline } else { Join::TomlLine };
                sites.push(site(name, server, item.span().unwrap_or_default(), join));
            }
        }
    }
    Ok(sites)
}

fn site(name: &str, server: &dyn TableLike, object: std::ops::Range<usize>, join: Join) -> Site {
    let literal =
        |value: &Value| Some(Literal { at: value.span()?, value: value.as_str()?.to_owned() });
    let value = |key: &str| server.get(key).and_then(Item::as_value);
    let arguments = value("args").and_then(Value::as_array).and_then(|array| {
        let items: Option<Vec<_>> = array.iter().map(literal).collect();
        Some((array.span()?, items?))
    });
    Site {
        name: name.to_owned(),
        command: value("command").and_then(literal),
        arguments,
        url: value("url").and_then(literal),
        object,
        keys: server.iter().map(|(key, _)| key.to_owned()).collect(),
        join,
    }
}
