//! The numbers of Rust types, by the `format` that schemars writes into a schema: their ranges, and
//! their spelling.
//!
//! A typed tool reads its arguments with its type. Where only its schema is known, an edit is kept
//! as the type would write it: otherwise the executor would find another text, and ask again.

use hitl_base::json::whole;

use super::schema::{Id, Schema};

/// The formats of integers, with the least and the greatest.
const INTEGERS: [(&str, &str, &str); 10] = [
    ("uint8", "0", "255"),
    ("uint16", "0", "65535"),
    ("uint32", "0", "4294967295"),
    ("uint64", "0", "18446744073709551615"),
    ("uint", "0", "18446744073709551615"),
    ("int8", "-128", "127"),
    ("int16", "-32768", "32767"),
    ("int32", "-2147483648", "2147483647"),
    ("int64", "-9223372036854775808", "9223372036854775807"),
    ("int", "-9223372036854775808", "9223372036854775807"),
];

impl Schema {
    /// Limits integers to the ranges of their Rust types, and makes this schema
    /// [spell](Self::spell_number) numbers as those types do.
    pub(super) fn read_as_rust(&mut self) {
        for node in &mut self.nodes {
            let format = node.format.as_deref();
            let known = INTEGERS.iter().find(|(name, ..)| format == Some(name));
            if let Some((_, least, greatest)) = known {
                node.minimum.get_or_insert_with(|| (*least).into());
                node.maximum.get_or_insert_with(|| (*greatest).into());
            }
        }
        self.spells_as_rust = true;
    }

    /// Returns a number as the type of these nodes writes it; `None` if it stays as it is.
    pub(super) fn spell_number(&self, nodes: &[Id], lexeme: &str) -> Option<String> {
        if !self.spells_as_rust {
            return None;
        }
        let format = nodes.iter().find_map(|id| self.nodes[*id].format.as_deref())?;
        match format {
            // `Debug` of a float is how a snapshot writes it.
            "double" => lexeme.parse::<f64>().ok().map(|number| format!("{number:?}")),
            "float" => lexeme.parse::<f32>().ok().map(|number| format!("{number:?}")),
            _ if is_integer(format) => whole(lexeme).map(|number| {
                let sign = if number.negative && number.magnitude > 0 { "-" } else { "" };
                format!("{sign}{}", number.magnitude)
            }),
            _ => None,
        }
    }
}

fn is_integer(format: &str) -> bool {
    INTEGERS.iter().any(|(name, ..)| *name == format)
}

#[cfg(test)]
mod tests {
    use hitl_base::json::parse_json;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::arguments::encode;

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Numbers {
        byte: u8,
        count: i64,
        price: f64,
        rate: Option<f32>,
        inner: Vec<Inner>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Inner {
        at: f64,
    }

    fn schema() -> Schema {
        let text = serde_json::to_string(&schemars::schema_for!(Numbers)).unwrap();
        Schema::read_typed(&text, &[]).unwrap()
    }

    #[test]
    fn numbers_are_spelled_as_the_type_spells_them() {
        let schema = schema();
        for (byte, count, price, rate) in [
            ("5", "-1", "80", "0.5"),
            ("5.0", "1e3", "80.50", "1"),
            ("255", "-0", "1e300", "null"),
            ("0", "9007199254740993", "0.1", "16777217"),
        ] {
            let text = format!(
                r#"{{"byte":{byte},"count":{count},"price":{price},"rate":{rate},"inner":[{{"at":{price}}}]}}"#
            );
            let tree = parse_json(&text).unwrap();
            schema.check(&tree).unwrap();
            let ours = schema.snapshot(&tree).unwrap();
            let whole = |n: &str| n.parse::<f64>().unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let value = Numbers {
                byte: whole(byte) as u8,
                count: count.parse().unwrap_or(whole(count) as i64),
                price: whole(price),
                rate: rate.parse().ok(),
                inner: vec![Inner { at: whole(price) }],
            };
            assert_eq!(ours.text(), encode(&value).unwrap().as_str(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_the_type_is_refused() {
        let schema = schema();
        for (byte, count) in [("256", "0"), ("-1", "0"), ("0", "9223372036854775808"), ("0.5", "0")]
        {
            let text =
                format!(r#"{{"byte":{byte},"count":{count},"price":0,"rate":null,"inner":[]}}"#);
            assert!(schema.check(&parse_json(&text).unwrap()).is_err(), "{text}");
        }
    }
}
