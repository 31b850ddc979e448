//! A secret that is split over adjacent texts.

use std::ops::Range;

use super::disguise::Disguises;
use super::folded::{Counted, Equals, characters, joined};
use crate::json::Json;
use crate::redact::mask::MASK;

/// The most bytes of all texts together that are searched; there is no reason to split a secret
/// over more.
const LONGEST: usize = 1024 * 1024;

/// The role of a text in a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    Value,
}

/// Masks the parts of a secret that is split: over consecutive values, over keys, and over keys and
/// their values.
pub(super) fn mask(mut tree: Json, disguises: &Disguises) -> Json {
    let (mut texts, mut bytes) = (Vec::new(), 0);
    each(&mut tree, &mut |kind, text| {
        bytes += text.len();
        // A mask does not separate.
        let read = bytes <= LONGEST && text != MASK;
        let chars = if read { characters(text, Equals::Plain) } else { Vec::new() };
        texts.push((kind, chars));
        None
    });
    let mut places: Vec<Vec<Range<usize>>> = vec![Vec::new(); texts.len()];
    let of = |read: &dyn Fn(Kind) -> bool| -> Vec<usize> {
        (0..texts.len()).filter(|at| read(texts[*at].0)).collect()
    };
    let (values, keys) = (of(&|kind| kind == Kind::Value), of(&|kind| kind == Kind::Key));
    let backwards = values.iter().rev().copied().collect();
    for order in [values, backwards, keys, of(&|_| true)] {
        find(&texts, &order, disguises, &mut places);
    }
    if places.iter().all(Vec::is_empty) {
        return tree;
    }
    let mut places = places.into_iter();
    each(&mut tree, &mut |_, text| {
        let here = joined(places.next().unwrap_or_default());
        (!here.is_empty()).then(|| super::replace_places(text, here))
    });
    tree
}

/// Searches these texts as if they were one.
fn find(
    texts: &[(Kind, Vec<Counted>)],
    order: &[usize],
    disguises: &Disguises,
    places: &mut [Vec<Range<usize>>],
) {
    if order.len() < 2 {
        return;
    }
    let all: Vec<(usize, bool, &Counted)> = order
        .iter()
        .flat_map(|number| {
            // The next text continues where the previous one ended.
            let chars = texts[*number].1.iter().enumerate();
            chars.map(move |(first, c)| (*number, c.far && first > 0, c))
        })
        .collect();
    for found in disguises.find(&all, |(_, far, c)| (c.letter, *far)) {
        for part in all[found].chunk_by(|(a, ..), (b, ..)| a == b) {
            let (number, _, first) = part[0];
            places[number].push(first.at..part[part.len() - 1].2.end);
        }
    }
}

/// Passes each key, text and number of a tree to `show`, in order, and replaces it with the result.
fn each(tree: &mut Json, show: &mut dyn FnMut(Kind, &str) -> Option<String>) {
    match tree {
        Json::String(text) => {
            if let Some(other) = show(Kind::Value, text) {
                *text = other;
            }
        }
        Json::Number(number) => {
            if show(Kind::Value, number).is_some() {
                *tree = Json::String(MASK.to_owned());
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| each(item, show)),
        Json::Object(entries) => {
            for (key, value) in entries.iter_mut() {
                if let Some(other) = show(Kind::Key, key) {
                    *key = other;
                }
                each(value, show);
            }
            *entries = crate::redact::tree::apart(std::mem::take(entries));
        }
        Json::Null | Json::Bool(_) => {}
    }
}
