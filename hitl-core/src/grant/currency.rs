//! Currencies of sums: 500 of one currency are not 500 of another. Pure.

use std::collections::BTreeMap;

use hitl_base::Json;

/// Returns the currencies that arguments name, by path: the value of every argument whose name ends
/// in `currency`, `currency_code` or `ccy`, in any spelling. A string as it is, any other value as
/// JSON.
pub(super) fn currencies(arguments: &Json) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    look("", arguments, &mut found);
    found
}

fn look(path: &str, tree: &Json, found: &mut BTreeMap<String, String>) {
    match tree {
        Json::Object(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if is_currency(key) && *value != Json::Null {
                    let said = value.as_str().map_or_else(|| value.to_text(), str::to_owned);
                    found.insert(path, said);
                } else {
                    look(&path, value, found);
                }
            }
        }
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                look(&format!("{path}[{at}]"), item, found);
            }
        }
        _ => {}
    }
}

fn is_currency(key: &str) -> bool {
    let letters = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    let name: String = letters.collect();
    ["currency", "currencycode", "ccy"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_found_wherever_they_stand() {
        let text = r#"{"amount": 1, "Currency": "EUR", "to": {"currency-code": "USD", "name": "x"},
            "parts": [{"ccy": 978}, {"ccy": null}], "currencies": "no", "toCurrency": {"a": 1}}"#;
        let found = currencies(&hitl_base::json::parse_json(text).unwrap());
        let found: Vec<_> = found.iter().map(|(at, is)| (at.as_str(), is.as_str())).collect();
        assert_eq!(
            found,
            [
                ("Currency", "EUR"),
                ("parts[0].ccy", "978"),
                ("to.currency-code", "USD"),
                ("toCurrency", r#"{"a":1}"#),
            ]
        );
        assert!(currencies(&Json::Null).is_empty());
    }
}
