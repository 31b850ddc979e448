//! Checks that a typed value still contains everything that the model's text contained.

use std::cmp::Reverse;
use std::collections::HashMap;

use hitl_base::Json;
use hitl_base::json::{same_number, whole};

use super::collection::item_order;
use super::nearest::nearest;
use super::places::{PlaceId, Places};
use super::text::keeps_text;
use super::unwritten::{Step, Unwritten};
use super::{ArgumentError, ArgumentErrorKind};

/// The limit on comparisons while the items of sets are matched: each counts 1, and 1 more for
/// every 64 bytes of the item.
const MAX_MATCHING: usize = 100_000;

/// Compares the given arguments with those that will be shown and run. A number must be the same
/// number, and nothing may be lost: a nested type that drops unknown fields, accepts them under an
/// alias, or keeps fewer items would show less than the model asked for. A list that the type
/// itself has put into the order of sets is compared as a set.
///
/// `clear` is the kept value without its secrets: inside a secret, an error names no keys.
///
/// Returns the fields that were given and not written. The schema knows them, and they may be
/// defaults that the type leaves out: the caller checks that.
pub(super) fn check<'t>(
    given: &'t Json,
    kept: &Json,
    clear: &Json,
    places: Option<&Places>,
) -> Result<Vec<Unwritten<'t>>, ArgumentError> {
    let place = places.map(|_| Places::ROOT);
    let mut comparison = Comparison {
        places,
        path: Vec::new(),
        secret: None,
        unwritten: Vec::new(),
        left: MAX_MATCHING,
    };
    comparison.value(given, (kept, clear), place)?;
    Ok(comparison.unwritten)
}

struct Comparison<'c, 't> {
    places: Option<&'c Places>,
    path: Vec<Step<'t>>,
    /// The length of the path at which a secret began.
    secret: Option<usize>,
    unwritten: Vec<Unwritten<'t>>,
    left: usize,
}

type Checked = Result<(), ArgumentError>;

impl<'t> Comparison<'_, 't> {
    fn value(
        &mut self,
        given: &'t Json,
        (kept, clear): (&Json, &Json),
        place: Option<PlaceId>,
    ) -> Checked {
        if kept != &Json::Null && clear == &Json::Null && self.secret.is_none() {
            self.secret = Some(self.path.len());
            let compared = self.compare(given, (kept, kept), place);
            self.secret = None;
            return compared.map_err(ArgumentError::without_path);
        }
        self.compare(given, (kept, clear), place)
    }

    fn compare(
        &mut self,
        given: &'t Json,
        (kept, clear): (&Json, &Json),
        place: Option<PlaceId>,
    ) -> Checked {
        match (given, kept) {
            (Json::Number(a), Json::Number(b)) if same_number(a, b) => Ok(()),
            // A type may name numbers by words; if it keeps digits, they must be those of the
            // number.
            (Json::Number(a), Json::String(b)) if !has_digits(b) || same_number(a, b) => Ok(()),
            (Json::String(a), Json::Number(b)) if !has_digits(a) || same_number(a, b) => Ok(()),
            (Json::Number(_), Json::Number(_) | Json::String(_))
            | (Json::String(_), Json::Number(_)) => Err(changed()),
            (Json::String(a), Json::String(b)) => keeps_text(a, b),
            (Json::Bool(a), Json::Bool(b)) if a != b => Err(ArgumentError::new(
                ArgumentErrorKind::Inexact,
                "the tool keeps the opposite of this",
            )),
            (Json::Array(given), Json::Array(_)) => self.items(given, (kept, clear), place),
            (Json::Object(given), Json::Object(_)) => self.entries(given, (kept, clear), place),
            (given, Json::Null) if says_something(given) => {
                let why = "the tool does not keep this value";
                Err(ArgumentError::new(ArgumentErrorKind::Inexact, why))
            }
            _ => Ok(()),
        }
    }

    fn entries(
        &mut self,
        given: &'t [(String, Json)],
        (kept, clear): (&Json, &Json),
        place: Option<PlaceId>,
    ) -> Checked {
        let entries = kept.entries();
        for (key, value) in given {
            // We wrote the kept value, with its keys in order: a hostile object of many keys costs
            // no quadratic time.
            let at = entries.binary_search_by(|(k, _)| k.as_bytes().cmp(key.as_bytes())).ok();
            let held = at.and_then(|at| Some((&entries.get(at)?.1, clear.entries().get(at))));
            let inner = self.places.zip(place).and_then(|(places, at)| places.entry(at, key));
            self.path.push(Step::Key(key));
            let compared = match held {
                Some((kept, clear)) => {
                    let clear = clear.map_or(kept, |(_, clear)| clear);
                    self.value(value, (kept, clear), inner)
                }
                None if *value == Json::Null => Ok(()),
                None => self.not_written(key, value, place),
            };
            self.path.pop();
            compared.map_err(|error| error.inside(key))?;
        }
        Ok(())
    }

    /// Handles a field that the type did not write: it is unknown, an alias, or a default that the
    /// type leaves out.
    fn not_written(&mut self, key: &str, value: &'t Json, place: Option<PlaceId>) -> Checked {
        let field = self.places.zip(place).and_then(|(places, at)| places.field(at, key));
        match field {
            Some(field) if !(field.required || field.write_only) => {
                self.unwritten.push(Unwritten {
                    path: self.path.clone(),
                    secret: self.secret,
                    value,
                    place: field.place,
                });
                Ok(())
            }
            _ => {
                let why = self.not_kept(key, place);
                Err(ArgumentError::new(ArgumentErrorKind::UnknownField, why))
            }
        }
    }

    /// Returns why a field cannot be taken, with the one that may be meant.
    fn not_kept(&self, key: &str, place: Option<PlaceId>) -> String {
        let why = "the tool does not keep this field: it is unknown or another name for one";
        let known = self.places.zip(place).map(|(places, at)| places.names(at));
        match known.and_then(|known| nearest(key, known)) {
            Some(name) if self.secret.is_none() && name != key => {
                format!("{why}; did you mean `{name}`?")
            }
            _ => why.to_owned(),
        }
    }

    fn items(
        &mut self,
        given: &'t [Json],
        (kept, clear): (&Json, &Json),
        place: Option<PlaceId>,
    ) -> Checked {
        let (kept, clear) = (kept.as_array().unwrap_or_default(), clear.as_array());
        if given.len() != kept.len() {
            let why = "the tool keeps another number of items; \
                       a set holds each item once, so leave out what stands here twice";
            return Err(ArgumentError::new(ArgumentErrorKind::Inexact, why));
        }
        let clear = clear.filter(|clear| clear.len() == kept.len()).unwrap_or(kept);
        let inner = self.places.zip(place).and_then(|(places, at)| places.items(at));
        let before = self.unwritten.len();
        let in_order = self.in_order(given, (kept, clear), inner);
        let Err(error) = in_order else { return Ok(()) };
        let texts: Vec<String> = kept.iter().map(Json::to_text).collect();
        if !texts.is_sorted_by(|a, b| item_order(a, b).is_le()) {
            return Err(error);
        }
        self.unwritten.truncate(before);
        self.as_set(given, (kept, clear, texts), inner)
    }

    fn in_order(
        &mut self,
        given: &'t [Json],
        (kept, clear): (&[Json], &[Json]),
        inner: Option<PlaceId>,
    ) -> Checked {
        for (index, (given, held)) in given.iter().zip(kept.iter().zip(clear)).enumerate() {
            self.item(index, given, held, inner)?;
        }
        Ok(())
    }

    fn item(
        &mut self,
        index: usize,
        given: &'t Json,
        held: (&Json, &Json),
        inner: Option<PlaceId>,
    ) -> Checked {
        self.path.push(Step::Item(index));
        let compared = self.value(given, held, inner);
        self.path.pop();
        compared.map_err(|error| error.inside_item(index))
    }

    /// Finds the counterpart of each item: first the equal ones, then the others, the longest
    /// first.
    fn as_set(
        &mut self,
        given: &'t [Json],
        (kept, clear, texts): (&[Json], &[Json], Vec<String>),
        inner: Option<PlaceId>,
    ) -> Checked {
        let mut equal: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, item) in kept.iter().enumerate().rev() {
            equal.entry(normal(item)).or_default().push(at);
        }
        let mut taken = vec![false; texts.len()];
        let mut rest = Vec::new();
        for (index, item) in given.iter().enumerate() {
            let text = normal(item);
            match equal.get_mut(&text).and_then(Vec::pop) {
                Some(at) => taken[at] = true,
                None => rest.push((index, item, text)),
            }
        }
        rest.sort_by(|(_, _, a), (_, _, b)| {
            Reverse(a.len()).cmp(&Reverse(b.len())).then_with(|| item_order(a, b))
        });
        let mut open: Vec<usize> = (0..kept.len()).filter(|at| !taken[*at]).collect();
        for (index, item, text) in rest {
            let mut first_error = None;
            let mut found = None;
            for (nth, at) in open.iter().enumerate() {
                self.left = self.left.checked_sub(1 + text.len() / 64).ok_or_else(too_long)?;
                let before = self.unwritten.len();
                match self.item(index, item, (&kept[*at], &clear[*at]), inner) {
                    Ok(()) => {
                        found = Some(nth);
                        break;
                    }
                    Err(error) if error.kind() == ArgumentErrorKind::TooLarge => return Err(error),
                    Err(error) => {
                        self.unwritten.truncate(before);
                        first_error.get_or_insert(error);
                    }
                }
            }
            match found {
                Some(nth) => drop(open.remove(nth)),
                None => return Err(first_error.unwrap_or_else(changed)),
            }
        }
        Ok(())
    }
}

fn too_long() -> ArgumentError {
    let why = "comparing the items of this set takes too long; spell out their defaults";
    ArgumentError::new(ArgumentErrorKind::TooLarge, why)
}

/// Returns a text that is equal for values that differ only in spelling.
fn normal(value: &Json) -> String {
    fn write(value: &Json, out: &mut String) {
        match value {
            Json::Number(lexeme) => match whole(lexeme) {
                Some(whole) => {
                    if whole.negative {
                        out.push('-');
                    }
                    out.push_str(&whole.magnitude.to_string());
                }
                None => out.push_str(lexeme),
            },
            Json::Array(items) => {
                out.push('[');
                for item in items {
                    write(item, out);
                    out.push(',');
                }
                out.push(']');
            }
            Json::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                out.push('{');
                for (key, value) in entries {
                    hitl_base::json::write_string(out, key);
                    write(value, out);
                    out.push(',');
                }
                out.push('}');
            }
            plain => plain.write(out),
        }
    }
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Returns whether a value is more than an empty one of its kind.
fn says_something(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(entries) => !entries.is_empty(),
        Json::Bool(_) | Json::Number(_) => true,
    }
}

fn has_digits(text: &str) -> bool {
    text.chars().any(char::is_numeric)
}

fn changed() -> ArgumentError {
    let why = "this number would be changed by the tool; write one that fits it exactly";
    ArgumentError::new(ArgumentErrorKind::Inexact, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::parse_json;

    fn checked(given: &str, kept: &str) -> Result<(), ArgumentError> {
        let (given, kept) = (parse_json(given).unwrap(), parse_json(kept).unwrap());
        check(&given, &kept, &kept, None).map(|unwritten| assert!(unwritten.is_empty()))
    }

    #[test]
    fn what_says_the_same_is_kept() {
        for (given, kept) in [
            ("5000", "5000.0"),
            ("5e3", r#""5000""#),
            (r#""5e3""#, "5000"),
            ("1", r#""low""#),
            (r#""low""#, "1"),
            ("[1,2]", "[1.0,2.0]"),
            (r#"{"a":null}"#, r#"{"b":1}"#),
            (r#""""#, "null"),
        ] {
            assert_eq!(checked(given, kept), Ok(()), "{given} {kept}");
        }
    }

    #[test]
    fn invariant_2_what_a_type_changes_or_drops_is_refused() {
        for (given, kept, path) in [
            ("9007199254740993", "9007199254740992", ""),
            ("5000", r#""5000 EUR""#, ""),
            (r#""5000 EUR""#, "5000", ""),
            (r#""5,000""#, "5", ""),
            (r#"{"ids":[1,1]}"#, r#"{"ids":[1]}"#, "ids"),
            (r#"{"ids":["a"]}"#, r#"{"ids":["a","b"]}"#, "ids"),
            (r#"[["a",1],["b",2]]"#, r#"[["a",1],["b",3]]"#, "[1][1]"),
            (r#"{"to":"bob"}"#, r#"{"to":null}"#, "to"),
            (r#"{"all":true}"#, r#"{"all":null}"#, "all"),
            (r#"{"x":1}"#, "{}", "x"),
        ] {
            let error = checked(given, kept).unwrap_err();
            assert_eq!(error.path(), path, "{given} {kept}");
        }
    }

    #[test]
    fn what_the_type_has_put_into_the_order_of_sets_is_compared_as_a_set() {
        for (given, kept) in [
            ("[3,1,2]", "[1,2,3]"),
            ("[10,2.0,-1]", "[-1,2,10]"),
            (r#"["b","a"]"#, r#"["a","b"]"#),
            (r#"[{"id":2},{"id":1,"x":null}]"#, r#"[{"id":1,"n":0},{"id":2,"n":0}]"#),
            (r#"[{"id":1},{"id":1,"n":5}]"#, r#"[{"id":1,"n":1},{"id":1,"n":5}]"#),
            ("[[4,3],[2,1]]", "[[1,2],[3,4]]"),
            ("[2,2,1]", "[1,2,2]"),
        ] {
            assert_eq!(checked(given, kept), Ok(()), "{given} {kept}");
        }
    }

    #[test]
    fn a_set_that_is_not_kept_is_refused_at_the_item_that_is_lost() {
        for (given, kept, path) in [
            ("[3,1,2]", "[1,2,4]", "[0]"),
            ("[1,1,2]", "[1,2]", ""),
            ("[1.5,3,2]", "[1,2,3]", "[0]"),
            ("[1,1,2]", "[1,2,2]", "[1]"),
            (r#"[{"id":2},{"id":1,"y":1}]"#, r#"[{"id":1},{"id":2}]"#, "[1].y"),
            // Not in the order of sets, so it is a list whose order was changed.
            ("[1,2,3]", "[3,2,1]", "[0]"),
        ] {
            let error = checked(given, kept).unwrap_err();
            assert_eq!(error.path(), path, "{given} {kept}: {error}");
        }
        let error = checked("[1,1,2]", "[1,2]").unwrap_err();
        assert!(error.to_string().contains("a set holds each item once"), "{error}");
    }

    #[test]
    fn matching_the_items_of_a_set_is_bounded() {
        let given: Vec<String> = (0..2000).map(|n| format!(r#"{{"b":0,"id":{n}}}"#)).collect();
        let mut kept: Vec<String> =
            (0..2000).map(|n| format!(r#"{{"a":0,"b":0,"id":"{}x"}}"#, 9000 - n)).collect();
        kept.sort();
        let (given, kept) = (format!("[{}]", given.join(",")), format!("[{}]", kept.join(",")));
        assert!(checked(&given, &kept).is_err());
    }

    #[test]
    fn invariant_8_what_is_wrong_inside_a_secret_names_no_keys() {
        let given = parse_json(r#"{"login":{"hunter2":1,"user":"u"}}"#).unwrap();
        let kept = parse_json(r#"{"login":{"user":"u"}}"#).unwrap();
        let clear = parse_json(r#"{"login":null}"#).unwrap();
        assert_eq!(check(&given, &kept, &kept, None).unwrap_err().path(), "login.hunter2");
        assert_eq!(check(&given, &kept, &clear, None).unwrap_err().path(), "login");
    }
}
