//! A secret that is split over texts which stand beside one another.

use super::disguise::{Counted, Disguise, characters};
use crate::json::Json;

/// So much of all texts together is looked through, in bytes; there is no reason to split a secret
/// over more.
const LONGEST: usize = 1024 * 1024;

/// Masks each part of a secret that only together make one.
pub(super) fn mask(mut tree: Json, disguises: &[Disguise]) -> Json {
    let mut all: Vec<(usize, Counted)> = Vec::new();
    let (mut number, mut bytes) = (0, 0);
    each(&mut tree, &mut |text| {
        bytes += text.len();
        if bytes <= LONGEST {
            all.extend(characters(text).into_iter().enumerate().map(|(first, mut c)| {
                // The next text may begin where the last one ended.
                c.far &= first > 0;
                (number, c)
            }));
        }
        number += 1;
    });
    let (texts, chars): (Vec<usize>, Vec<Counted>) = all.into_iter().unzip();
    let mut places: Vec<Vec<std::ops::Range<usize>>> = vec![Vec::new(); number];
    for found in disguises.iter().flat_map(|disguise| disguise.find(&chars)) {
        let mut at = found.start;
        while at < found.end {
            let text = texts[at];
            let end = (at..found.end).find(|at| texts[*at] != text).unwrap_or(found.end);
            places[text].push(chars[at].at..chars[end - 1].end);
            at = end;
        }
    }
    let mut places = places.into_iter();
    each(&mut tree, &mut |text| {
        let here = super::disguise::joined(places.next().unwrap_or_default());
        if !here.is_empty() {
            *text = super::replace_places(text, here);
        }
    });
    tree
}

/// Shows each text of a tree, in order.
fn each(tree: &mut Json, show: &mut dyn FnMut(&mut String)) {
    match tree {
        Json::String(text) => show(text),
        Json::Array(items) => items.iter_mut().for_each(|item| each(item, show)),
        Json::Object(entries) => entries.iter_mut().for_each(|(_, value)| each(value, show)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
