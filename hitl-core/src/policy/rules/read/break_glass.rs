//! `[break_glass]`: what a person may let run in an emergency.

use std::time::Duration;

use super::super::RuleErrorKind;
use super::reader::{Reader, Value};
use crate::grant::Envelope;

const KEYS: &[&str] =
    &["tools", "people", "roles", "longest", "uses", "sum", "currency", "tenants"];

/// Reads an envelope.
pub(super) fn envelope<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<Envelope> {
    let table = value.get_ref().as_table()?;
    let mut envelope = Envelope::new(Vec::<String>::new());
    let (mut longest, mut uses) = (None, None);
    let mut tools = Vec::new();
    let mut whole = true;
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "tools" => tools = reader.texts(value),
            "people" => {
                envelope = reader.texts(value).into_iter().fold(envelope, Envelope::person);
            }
            "roles" => envelope = reader.texts(value).into_iter().fold(envelope, Envelope::role),
            "tenants" => {
                envelope = reader.texts(value).into_iter().fold(envelope, Envelope::tenant);
            }
            "longest" => longest = Some(length(reader, value)),
            "uses" => uses = Some(reader.count(value)),
            "sum" => match amount(reader, value) {
                Some(sum) => envelope = envelope.sum(sum),
                None => whole = false,
            },
            "currency" => match reader.text(value) {
                Some(currency) => envelope = envelope.currency(currency),
                None => whole = false,
            },
            _ => {
                whole = false;
                reader.unknown(key, KEYS);
            }
        }
    }
    let span = value.span();
    if longest.is_none() {
        reader.missing(span.clone(), "longest", "the longest time, like `\"1h\"`");
    }
    if uses.is_none() {
        reader.missing(span.clone(), "uses", "the most uses of one grant");
    }
    let envelope = envelope.of_tools(tools).longest(longest??).uses(uses??);
    if let Err(why) = envelope.check() {
        reader.wrong(RuleErrorKind::Value, span, why.to_string());
        return None;
    }
    whole.then_some(envelope)
}

fn amount(reader: &Reader<'_>, value: &Value<'_>) -> Option<crate::grant::Amount> {
    let amount = reader.number(value)?.parse().ok();
    if amount.is_none() {
        reader.bad_value(value, "a sum is a number that is not negative, of at most 30 digits");
    }
    amount
}

/// Reads a length of time: a whole number and its unit.
fn length(reader: &Reader<'_>, value: &Value<'_>) -> Option<Duration> {
    let text = reader.text(value)?;
    let seconds = [("s", 1), ("m", 60), ("h", 3600)].into_iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?.parse::<u64>().ok()?;
        number.checked_mul(seconds)
    });
    if seconds.is_none() {
        reader.bad_value(value, "a time is written like `\"30m\"`, with `s`, `m` or `h`");
    }
    seconds.map(Duration::from_secs)
}
