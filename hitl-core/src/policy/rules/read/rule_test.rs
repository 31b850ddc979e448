//! The file's own tests.

use hitl_base::Json;
use hitl_base::json::parse_json;
use toml::de::DeValue;

use super::super::RuleTest;
use super::channels::channels;
use super::conditions::{HINTS, instant};
use super::effects::EFFECTS;
use super::reader::{Reader, Value};
use crate::call::{CallContext, ToolAnnotations};

const TEST: &[&str] = &[
    "name",
    "tool",
    "arguments",
    "risk",
    "hints",
    "principal",
    "roles",
    "tenant",
    "at",
    "expect",
    "rule",
    "channels",
];

pub(super) fn test<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<RuleTest> {
    let table = value.get_ref().as_table()?;
    let get = |name: &str| {
        table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value)
    };
    for (key, _) in table {
        if !TEST.contains(&key.get_ref().as_ref()) {
            reader.unknown(key, TEST);
        }
    }
    let needed = |key: &str, what: &str| {
        let found = get(key);
        if found.is_none() {
            reader.missing(value.span(), key, what);
        }
        found
    };
    let tool = needed("tool", "which tool is called").and_then(|value| reader.text(value));
    let expected =
        needed("expect", "`deny`, `full`, `quick`, `auto` or `none`").and_then(|value| {
            let words = EFFECTS.map(|(word, effect)| (word, Some(effect)));
            let words: Vec<_> = words.into_iter().chain([("none", None)]).collect();
            reader.word(value, "effect", &words)
        });
    let place = reader.place(&value.span());
    let word = |key: &str| get(key).and_then(|value| reader.text(value));
    let name = word("name").unwrap_or_else(|| format!("line {}", place.0));
    let mut context = CallContext::new(word("principal").unwrap_or_else(|| "somebody".to_owned()));
    context.roles = get("roles").map(|value| reader.texts(value)).unwrap_or_default();
    if let Some(tenant) = word("tenant") {
        context = context.tenant(tenant);
    }
    let arguments = get("arguments").and_then(|value| arguments(reader, value));
    let risk = get("risk").and_then(|value| reader.risk(value));
    let at = get("at").and_then(|value| instant(reader, value));
    let hints = get("hints").map(|value| hints(reader, value)).unwrap_or_default();
    // Mistakes were noted; a set with mistakes is never built.
    let mut test = RuleTest::new(name, tool?).by(context).hints(hints);
    test.arguments = arguments.unwrap_or(test.arguments);
    if let Some(risk) = risk {
        test = test.risk(risk);
    }
    test.at = at;
    test.rule = word("rule");
    test.channels = get("channels").map(|value| channels(reader, value));
    test.expected = expected?;
    test.place = Some(place);
    Some(test)
}

/// Reads a table, or JSON text for values that TOML cannot express.
fn arguments(reader: &Reader<'_>, value: &Value<'_>) -> Option<Json> {
    let DeValue::String(text) = value.get_ref() else { return json(reader, value) };
    match parse_json(text) {
        Ok(tree) => Some(tree),
        Err(error) => {
            reader.bad_value(value, format!("these arguments are not JSON: {error}"));
            None
        }
    }
}

fn json(reader: &Reader<'_>, value: &Value<'_>) -> Option<Json> {
    Some(match value.get_ref() {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Boolean(yes) => Json::Bool(*yes),
        DeValue::Integer(_) | DeValue::Float(_) => Json::Number(reader.number(value)?.into()),
        DeValue::Datetime(time) => Json::String(time.to_string()),
        DeValue::Array(items) => {
            Json::Array(items.iter().map(|item| json(reader, item)).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => Json::Object(
            table
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), json(reader, value)?)))
                .collect::<Option<_>>()?,
        ),
    })
}

fn hints<'t>(reader: &Reader<'t>, value: &Value<'t>) -> ToolAnnotations {
    let mut hints = ToolAnnotations::default();
    for (key, value) in reader.table(value).into_iter().flatten() {
        let hint = match key.get_ref().as_ref() {
            "read_only" => &mut hints.read_only,
            "destructive" => &mut hints.destructive,
            "idempotent" => &mut hints.idempotent,
            "open_world" => &mut hints.open_world,
            _ => {
                reader.unknown(key, HINTS);
                continue;
            }
        };
        *hint = reader.yes_or_no(value).unwrap_or_default();
    }
    hints
}
