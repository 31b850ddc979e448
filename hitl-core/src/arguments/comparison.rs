//! The differences between two trees of arguments. Pure.
//!
//! Reviewers see them exactly ([`ArgumentChange`](crate::approval::ArgumentChange)); models read
//! them in words ([`ArgumentChanges`](super::ArgumentChanges)).

use std::collections::HashMap;

use hitl_base::Json;
use hitl_base::display::{clip, quoted};
use hitl_base::json::same_number;

/// The most characters of a key in a place.
const MAX_KEY: usize = 64;

/// One step from a value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: JSON has two kinds of containers.
pub enum PathPart {
    /// The entry of an object with this key.
    Key(String),
    /// The item of a list at this index, from 0. Of an item that was removed, the index before; of
    /// one that was added, the index after.
    Item(usize),
}

/// A place at which two trees differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference<'t> {
    pub(crate) path: Vec<PathPart>,
    /// `None` if there was no value.
    pub(crate) before: Option<&'t Json>,
    /// `None` if there is no value.
    pub(crate) after: Option<&'t Json>,
}

/// Returns the differences between two trees, in the order of the first one and then of what was
/// added. A number that is spelled in another way differs; the order of an object's keys means
/// nothing. Of two lists, what stands before and after the part that differs is the same.
pub(crate) fn differences<'t>(before: &'t Json, after: &'t Json) -> Vec<Difference<'t>> {
    let mut comparison = Comparison { path: Vec::new(), found: Vec::new() };
    comparison.compare(Some(before), Some(after));
    comparison.found
}

struct Comparison<'t> {
    path: Vec<PathPart>,
    found: Vec<Difference<'t>>,
}

impl<'t> Comparison<'t> {
    fn compare(&mut self, before: Option<&'t Json>, after: Option<&'t Json>) {
        match (before, after) {
            (Some(Json::Object(old)), Some(Json::Object(new))) => self.entries(old, new),
            (Some(Json::Array(old)), Some(Json::Array(new))) => self.items(old, new),
            _ if before == after => {}
            _ => self.found.push(Difference { path: self.path.clone(), before, after }),
        }
    }

    fn inside(&mut self, part: PathPart, before: Option<&'t Json>, after: Option<&'t Json>) {
        self.path.push(part);
        self.compare(before, after);
        self.path.pop();
    }

    fn entries(&mut self, old: &'t [(String, Json)], new: &'t [(String, Json)]) {
        let (before, after) = (by_key(old), by_key(new));
        for (key, was) in old {
            let is = after.get(&**key).copied();
            self.inside(PathPart::Key(key.clone()), Some(was), is);
        }
        for (key, is) in new.iter().filter(|(key, _)| !before.contains_key(&**key)) {
            self.inside(PathPart::Key(key.clone()), None, Some(is));
        }
    }

    fn items(&mut self, old: &'t [Json], new: &'t [Json]) {
        let same = |(was, is): &(&Json, &Json)| alike(was, is, &|a, b| a == b);
        let front = old.iter().zip(new).take_while(same).count();
        let (old, new) = (&old[front..], &new[front..]);
        let back = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
        let (old, new) = (&old[..old.len() - back], &new[..new.len() - back]);
        let item = |offset: usize| PathPart::Item(front + offset);
        if old.len() == new.len() {
            for (offset, (was, is)) in old.iter().zip(new).enumerate() {
                self.inside(item(offset), Some(was), Some(is));
            }
            return;
        }
        for (offset, was) in old.iter().enumerate() {
            self.inside(item(offset), Some(was), None);
        }
        for (offset, is) in new.iter().enumerate() {
            self.inside(item(offset), None, Some(is));
        }
    }
}

/// An index of an object, because objects may be large.
fn by_key(entries: &[(String, Json)]) -> HashMap<&str, &Json> {
    entries.iter().map(|(key, value)| (&**key, value)).collect()
}

/// Returns whether two values are the same for every reader of JSON: numbers by value, and objects
/// in any order of their keys.
pub(crate) fn same_value(a: &Json, b: &Json) -> bool {
    alike(a, b, &|a, b| a == b || same_number(a, b))
}

fn alike(a: &Json, b: &Json, numbers: &dyn Fn(&str, &str) -> bool) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => numbers(a, b),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b, numbers))
        }
        (Json::Object(a), Json::Object(b)) => {
            let others = by_key(b);
            let has = |(key, value): &(String, Json)| {
                others.get(&**key).is_some_and(|other| alike(value, other, numbers))
            };
            a.len() == b.len() && a.iter().all(has)
        }
        _ => a == b,
    }
}

/// Returns a path in words: `items[2].price`, or `rates["a b"]` where a key is no plain name. With
/// everything invisible escaped, and long keys clipped.
pub(crate) fn place(path: &[PathPart]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    let mut place = String::new();
    for part in path {
        let (seam, part) = match part {
            PathPart::Item(index) => ("", format!("[{index}]")),
            PathPart::Key(key) if is_long(key) || !key.chars().all(plain) => {
                ("", format!("[{}]", quoted(&clip(key, MAX_KEY))))
            }
            PathPart::Key(key) => (if place.is_empty() { "" } else { "." }, key.clone()),
        };
        place.push_str(seam);
        place.push_str(&part);
    }
    place
}

fn is_long(key: &str) -> bool {
    key.is_empty() || key.len() > MAX_KEY
}

#[cfg(test)]
mod tests {
    use hitl_base::json::parse_json;
    use proptest::prelude::*;

    use super::*;
    use crate::arguments::changes::tests::tree;

    fn found(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let (before, after) = (parse_json(before).unwrap(), parse_json(after).unwrap());
        let text = |tree: Option<&Json>| tree.map(Json::to_text);
        let found = differences(&before, &after).into_iter();
        found.map(|of| (place(&of.path), text(of.before), text(of.after))).collect()
    }

    #[test]
    fn a_difference_is_as_deep_as_it_can_be() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            found(
                r#"{"a":{"b c":[1,{"d":2}]},"n":1,"gone":[1]}"#,
                r#"{"n":1.0,"a":{"b c":[1,{"d":3}]},"new":{}}"#
            ),
            [
                (r#"a["b c"][1].d"#.to_owned(), some("2"), some("3")),
                ("n".to_owned(), some("1"), some("1.0")),
                ("gone".to_owned(), some("[1]"), None),
                ("new".to_owned(), None, some("{}")),
            ]
        );
        assert_eq!(found("[1,2,3]", "[1,3]"), [("[1]".to_owned(), some("2"), None)]);
        assert_eq!(found("[1,3]", "[1,2,3]"), [("[1]".to_owned(), None, some("2"))]);
        assert_eq!(found(r#"[{"a":1,"b":2}]"#, r#"[{"b":2,"a":1}]"#), []);
        assert_eq!(found("1", "[]"), [(String::new(), some("1"), some("[]"))]);
    }

    /// Puts the later values of all differences into the earlier tree.
    fn patched(tree: &Json, path: &[PathPart], of: &[Difference<'_>]) -> Option<Json> {
        if let Some(here) = of.iter().find(|one| one.path == path) {
            return here.after.cloned();
        }
        let below = |part: PathPart| path.iter().cloned().chain([part]).collect::<Vec<_>>();
        Some(match tree {
            Json::Object(entries) => {
                let kept = entries.iter().filter_map(|(key, value)| {
                    let value = patched(value, &below(PathPart::Key(key.clone())), of)?;
                    Some((key.clone(), value))
                });
                let mut entries: Vec<_> = kept.collect();
                let added = of.iter().filter(|one| one.before.is_none());
                for one in added {
                    if let (Some((PathPart::Key(key), before)), Some(value)) =
                        (one.path.split_last(), one.after)
                        && before == path
                    {
                        entries.push((key.clone(), value.clone()));
                    }
                }
                Json::Object(entries)
            }
            Json::Array(items) => {
                let inside = |one: &&Difference<'_>| {
                    one.path.len() == path.len() + 1 && one.path.starts_with(path)
                };
                let resized = |one: &Difference<'_>| one.before.is_none() || one.after.is_none();
                let changed: Vec<_> = of.iter().filter(inside).collect();
                if changed.iter().any(|one| resized(one)) {
                    let at = |one: &Difference<'_>| match one.path.last() {
                        Some(PathPart::Item(index)) => *index,
                        _ => 0,
                    };
                    let gone: Vec<usize> = changed
                        .iter()
                        .filter(|one| one.after.is_none())
                        .map(|one| at(one))
                        .collect();
                    let kept = items.iter().enumerate().filter(|(index, _)| !gone.contains(index));
                    let mut items: Vec<Json> = kept.map(|(_, item)| item.clone()).collect();
                    for one in changed.iter().filter(|one| one.before.is_none()) {
                        items.insert(at(one), one.after.cloned()?);
                    }
                    return Some(Json::Array(items));
                }
                let item = |(index, item)| patched(item, &below(PathPart::Item(index)), of);
                Json::Array(items.iter().enumerate().map(item).collect::<Option<_>>()?)
            }
            other => other.clone(),
        })
    }

    proptest! {
        #[test]
        fn invariant_9_the_differences_lead_from_one_tree_to_the_other(a in tree(), b in tree()) {
            let differences = differences(&a, &b);
            let led = patched(&a, &[], &differences);
            let exact = |a: &Json, b: &Json| alike(a, b, &|a, b| a == b);
            prop_assert!(led.is_some_and(|led| exact(&led, &b)), "{differences:?}");
            prop_assert_eq!(differences.is_empty(), exact(&a, &b));
        }

        #[test]
        fn the_same_value_has_no_difference_but_in_spelling(a in tree()) {
            prop_assert!(same_value(&a, &a) && differences(&a, &a).is_empty());
        }
    }
}
