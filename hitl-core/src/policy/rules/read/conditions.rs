//! The conditions of a rule file.

use hitl_base::Timestamp;

use toml::de::DeValue;

use super::super::{AnnotationTest, Argument, Comparison, RuleConditions, TimeWindow, Weekday};
use super::reader::{Key, Reader, Value};

/// The keys allowed in a rule and its `unless`.
pub(super) const CONDITIONS: &[&str] = &[
    "tool",
    "risk_at_least",
    "risk_at_most",
    "hints",
    "principal",
    "role",
    "tenant",
    "argument",
    "path",
    "url",
    "number",
    "one_of",
    "time",
];
const ARGUMENT: &[&str] = &[
    "path", "eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "matches", "length", "exists",
    "inert",
];
const LENGTH: &[&str] = &["eq", "ne", "lt", "le", "gt", "ge"];
const TIME: &[&str] = &["days", "from", "to", "offset", "zone", "after", "before"];
pub(super) const HINTS: &[&str] = &["read_only", "destructive", "idempotent", "open_world"];

/// Reads one condition into `when`. Returns `false` if the key is no condition.
pub(super) fn condition<'t>(
    reader: &Reader<'t>,
    when: &mut RuleConditions,
    key: &Key<'t>,
    value: &Value<'t>,
) -> bool {
    let so_far = std::mem::take(when);
    let names = |so_far, add: fn(RuleConditions, &str) -> RuleConditions| {
        reader.texts(value).iter().fold(so_far, |when, name| add(when, name))
    };
    let mut known = true;
    *when = match key.get_ref().as_ref() {
        "tool" => names(so_far, RuleConditions::or_tool),
        "principal" => names(so_far, RuleConditions::principal),
        "role" => names(so_far, RuleConditions::role),
        "tenant" => names(so_far, RuleConditions::tenant),
        "risk_at_least" => match reader.risk(value) {
            Some(risk) => so_far.risk_at_least(risk),
            None => so_far,
        },
        "risk_at_most" => match reader.risk(value) {
            Some(risk) => so_far.risk_at_most(risk),
            None => so_far,
        },
        "hints" => hints(reader, value).into_iter().fold(so_far, RuleConditions::hint),
        "argument" => reader
            .list(value)
            .into_iter()
            .filter_map(|item| argument(reader, item))
            .fold(so_far, RuleConditions::argument),
        "path" | "url" | "number" | "one_of" => {
            let read = match key.get_ref().as_ref() {
                "path" => super::typed::path,
                "url" => super::typed::url,
                "number" => super::typed::number,
                _ => super::typed::one_of,
            };
            let found = reader.list(value).into_iter().filter_map(|item| read(reader, item));
            found.fold(so_far, RuleConditions::argument)
        }
        "time" => reader
            .list(value)
            .into_iter()
            .filter_map(|item| time(reader, item))
            .fold(so_far, RuleConditions::time),
        // Refused because, although easy to write, it does not tell whether higher risks are
        // included.
        "risk" => {
            reader.wrong(
                super::super::RuleErrorKind::UnknownKey,
                key.span(),
                "write `risk_at_least` in a rule that tightens, `risk_at_most` in one that relaxes",
            );
            so_far
        }
        _ => {
            known = false;
            so_far
        }
    };
    known
}

fn hints<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Vec<AnnotationTest> {
    let mut found = Vec::new();
    for (key, value) in reader.table(value).into_iter().flatten() {
        let (set, unset) = match key.get_ref().as_ref() {
            "read_only" => (AnnotationTest::ReadOnly, AnnotationTest::NotReadOnly),
            "destructive" => (AnnotationTest::Destructive, AnnotationTest::NotDestructive),
            "idempotent" => (AnnotationTest::Idempotent, AnnotationTest::NotIdempotent),
            "open_world" => (AnnotationTest::OpenWorld, AnnotationTest::NotOpenWorld),
            _ => {
                reader.unknown(key, HINTS);
                continue;
            }
        };
        found.extend(reader.yes_or_no(value).map(|yes| if yes { set } else { unset }));
    }
    found
}

fn compare(key: &str) -> Option<Comparison> {
    Some(match key {
        "eq" => Comparison::Eq,
        "ne" => Comparison::Ne,
        "lt" => Comparison::Lt,
        "le" => Comparison::Le,
        "gt" => Comparison::Gt,
        "ge" => Comparison::Ge,
        _ => return None,
    })
}

fn argument<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<Argument> {
    let table = reader.table(value)?;
    let path = table.iter().find(|(key, _)| key.get_ref().as_ref() == "path");
    let Some((_, path)) = path else {
        reader.missing(value.span(), "path", "which argument is meant, like `amount`");
        return None;
    };
    let mut argument = Argument::at(&reader.text(path)?);
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        argument = match name {
            "path" => argument,
            "in" => argument
                .one_of(reader.list(value).into_iter().filter_map(|item| reader.operand(item))),
            "contains" => match reader.operand(value) {
                Some(what) => argument.contains(what),
                None => argument,
            },
            "matches" => match reader.text(value) {
                Some(expression) => argument.matches(&expression),
                None => argument,
            },
            "exists" => match reader.yes_or_no(value) {
                Some(true) => argument.exists(),
                Some(false) => argument.missing(),
                None => argument,
            },
            "length" => length(reader, argument, value),
            "inert" => match reader.yes_or_no(value) {
                Some(true) => argument.inert(),
                _ => argument,
            },
            _ => match (compare(name), reader) {
                (Some(compare), reader) => match reader.operand(value) {
                    Some(with) => argument.is(compare, with),
                    None => argument,
                },
                (None, reader) => {
                    reader.unknown(key, ARGUMENT);
                    argument
                }
            },
        };
    }
    Some(argument)
}

fn length<'t>(reader: &Reader<'t>, mut argument: Argument, value: &Value<'t>) -> Argument {
    for (key, value) in reader.table(value).into_iter().flatten() {
        match compare(key.get_ref()) {
            None => reader.unknown(key, LENGTH),
            Some(compare) => {
                if let Some(items) = reader.count(value) {
                    argument = argument.length(compare, items);
                }
            }
        }
    }
    argument
}

fn time<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<TimeWindow> {
    let table = reader.table(value)?;
    let get = |name: &str| {
        table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value)
    };
    for (key, _) in table {
        if !TIME.contains(&key.get_ref().as_ref()) {
            reader.unknown(key, TIME);
        }
    }
    let mut window = match get("days") {
        None => TimeWindow::always(),
        Some(value) => {
            let words = Weekday::ALL.map(|day| (day.name(), day));
            let days = reader.list(value).into_iter();
            TimeWindow::on(days.filter_map(|item| reader.word(item, "day", &words)))
        }
    };
    match (get("from"), get("to")) {
        (None, None) => {}
        (Some(from), Some(to)) => {
            if let (Some(from), Some(to)) = (clock(reader, from), clock(reader, to)) {
                window = window.between(&from, &to);
            }
        }
        _ => reader.missing(value.span(), "from` or `to", "a stretch of the day has both"),
    }
    if let Some(offset) = get("offset").and_then(|value| reader.text(value)) {
        window = window.offset(&offset);
    }
    if let Some(zone) = get("zone").and_then(|value| reader.text(value)) {
        window = window.zone(&zone);
    }
    if let Some(instant) = get("after").and_then(|value| instant(reader, value)) {
        window = window.after(instant);
    }
    if let Some(instant) = get("before").and_then(|value| instant(reader, value)) {
        window = window.before(instant);
    }
    Some(window)
}

/// Reads a time of day, as text or as a TOML time.
fn clock(reader: &Reader<'_>, value: &Value<'_>) -> Option<String> {
    match value.get_ref() {
        // Windows have whole minutes; other seconds are refused with the text as written.
        DeValue::Datetime(time) => {
            let text = time.to_string();
            let minute = text.strip_suffix(":00").filter(|minute| minute.len() == 5);
            Some(minute.unwrap_or(&text).to_owned())
        }
        _ => reader.text(value),
    }
}

/// Reads an instant, as text or as a TOML date-time.
pub(super) fn instant(reader: &Reader<'_>, value: &Value<'_>) -> Option<Timestamp> {
    let text = match value.get_ref() {
        DeValue::Datetime(instant) => instant.to_string(),
        _ => reader.text(value)?,
    };
    let parsed = text.parse();
    if parsed.is_err() {
        reader.bad_value(value, "an instant is written like `2026-01-02T03:04:05Z`");
    }
    parsed.ok()
}
