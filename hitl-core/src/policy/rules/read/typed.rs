//! Typed conditions on text and numbers: `path`, `url`, `number`, `one_of`.

use super::super::Argument;
use super::reader::{Reader, Value};
use crate::policy::matcher::{NumberRange, PathMatcher, UrlMatcher};

const PATH: &[&str] = &["argument", "inside", "any", "except", "from"];
const URL: &[&str] = &["argument", "scheme", "host", "port", "path", "except"];
const NUMBER: &[&str] = &["argument", "min", "max"];
const ONE_OF: &[&str] = &["argument", "values"];

/// Reads `path = { argument = "file", inside = "/srv", any = ["src/**"], except = ["**/.git/**"]
/// }`.
pub(super) fn path<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<Argument> {
    let mut matcher = PathMatcher::default();
    let mut target = None;
    for (key, value) in reader.table(value)? {
        match key.get_ref().as_ref() {
            "argument" => target = Some(reader.text(value)?),
            "inside" => matcher.inside = reader.texts(value),
            "any" => matcher.any = reader.texts(value),
            "except" => matcher.except = reader.texts(value),
            "from" => matcher.from = Some(reader.text(value)?),
            _ => reader.unknown(key, PATH),
        }
    }
    Some(target.map_or_else(Argument::anywhere, |at| Argument::at(&at)).file(matcher))
}

/// Reads `url = { argument = "url", scheme = "https", host = ["docs.rs", "*.rust-lang.org"] }`.
pub(super) fn url<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<Argument> {
    let mut matcher = UrlMatcher::default();
    let mut target = None;
    for (key, value) in reader.table(value)? {
        match key.get_ref().as_ref() {
            "argument" => target = Some(reader.text(value)?),
            "scheme" => matcher.scheme = reader.texts(value),
            "host" => matcher.host = reader.texts(value),
            "path" => matcher.path = reader.texts(value),
            "except" => matcher.except = reader.texts(value),
            "port" => {
                let port = reader.count(value).and_then(|port| u16::try_from(port).ok());
                if port.is_none() {
                    reader.bad_value(value, "a port is a whole number up to 65535");
                }
                matcher.port = Some(port?);
            }
            _ => reader.unknown(key, URL),
        }
    }
    Some(target.map_or_else(Argument::anywhere, |at| Argument::at(&at)).url(matcher))
}

/// Reads `number = { argument = "amount", min = 1, max = 20 }`.
pub(super) fn number<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<Argument> {
    let mut range = NumberRange::default();
    let mut target = None;
    for (key, value) in reader.table(value)? {
        match key.get_ref().as_ref() {
            "argument" => target = Some(reader.text(value)?),
            "min" => range.min = Some(reader.number(value)?),
            "max" => range.max = Some(reader.number(value)?),
            _ => reader.unknown(key, NUMBER),
        }
    }
    Some(named(reader, value, target)?.number(range))
}

/// Reads `one_of = { argument = "status", values = ["draft", "note"] }`.
pub(super) fn one_of<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<Argument> {
    let mut values = None;
    let mut target = None;
    for (key, value) in reader.table(value)? {
        match key.get_ref().as_ref() {
            "argument" => target = Some(reader.text(value)?),
            "values" => {
                let items = reader.list(value).into_iter();
                values = Some(items.filter_map(|item| reader.operand(item)).collect::<Vec<_>>());
            }
            _ => reader.unknown(key, ONE_OF),
        }
    }
    if values.is_none() {
        reader.missing(value.span(), "values", "what the argument may be");
    }
    Some(named(reader, value, target)?.one_of(values?))
}

/// Returns the condition's argument, which must be named.
fn named<'t>(reader: &Reader<'t>, value: &Value<'t>, target: Option<String>) -> Option<Argument> {
    if target.is_none() {
        reader.missing(value.span(), "argument", "which argument is meant, like `amount`");
    }
    target.map(|at| Argument::at(&at))
}
