//! The masks in the arguments, described in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;

use hitl_base::Json;
use hitl_base::display::{clip, visible};
use hitl_base::json::push_part;

use crate::approval::{ApprovalRequest, Mask, Uncovering};

/// The prefix of every mask.
const MASKED: &str = "[redacted";
/// The number of masks of one line that are described.
const DESCRIBED: usize = 4;

/// The masks of a request, by place.
pub(super) struct Masks<'m>(BTreeMap<&'m str, Vec<&'m Mask>>);

impl<'m> Masks<'m> {
    /// Returns the empty set of masks.
    pub(super) fn none() -> &'static Masks<'static> {
        static NONE: Masks<'static> = Masks(BTreeMap::new());
        &NONE
    }

    pub(super) fn new(masks: &'m [Mask]) -> Self {
        let mut by_place: BTreeMap<&str, Vec<&Mask>> = BTreeMap::new();
        for mask in masks {
            by_place.entry(&mask.at).or_default().push(mask);
        }
        Self(by_place)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether there are any masks below this place.
    pub(super) fn are_below(&self, pointer: &str) -> bool {
        self.below(pointer).next().is_some()
    }

    /// Returns the masks of a line: those at its place, and those below it if the values there have
    /// no lines of their own.
    pub(super) fn of_line(&self, pointer: &str, spread: bool) -> Vec<Mask> {
        if self.is_empty() {
            return Vec::new();
        }
        let here = self.0.get(pointer).into_iter().flatten();
        let below = self.below(pointer).filter(|_| !spread);
        let mut masks: Vec<Mask> = here.chain(below).map(|mask| Mask::clone(mask)).collect();
        masks.sort_by(|a, b| (&a.at, !a.in_key, a.start).cmp(&(&b.at, !b.in_key, b.start)));
        masks
    }

    fn below(&self, pointer: &str) -> impl Iterator<Item = &&'m Mask> {
        let prefix = format!("{pointer}/");
        self.0
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .take_while(move |(at, _)| at.starts_with(&prefix))
            .flat_map(|(_, masks)| masks)
    }
}

/// Describes in words what the masks of one line cover.
pub(super) fn says(masks: &[Mask]) -> String {
    let each = masks.iter().take(DESCRIBED).map(|mask| {
        let key = if mask.in_key { "name " } else { "" };
        format!("{key}{}", mask.says())
    });
    let mut says = each.collect::<Vec<_>>().join("; ");
    if masks.len() > DESCRIBED {
        // Writing to a String cannot fail.
        let _ = write!(says, "; and {} more masks", masks.len() - DESCRIBED);
    }
    says
}

/// Returns warnings about what is masked, and about what only looks masked.
pub(super) fn warnings(request: &ApprovalRequest, tree: &Json) -> Vec<String> {
    let mut warnings = Vec::new();
    let masked = request.undeclared_masks();
    if masked > 0 {
        let places =
            if masked == 1 { "1 place is".to_owned() } else { format!("{masked} places are") };
        warnings.push(match request.uncovering {
            Uncovering::Allowed => format!(
                "{places} masked; uncover them before you decide: in the console, with `u` at a terminal, or with `hitl show --uncover`"
            ),
            Uncovering::Forbidden => format!("{places} masked, and the host lets nobody uncover them"),
        });
    }
    if request.more_masks > 0 {
        return warnings;
    }
    let listed = Masks::new(&request.masks);
    for (key, value) in tree.entries() {
        let mut pointer = String::new();
        push_part(&mut pointer, key);
        let count =
            listed.0.get(pointer.as_str()).map_or(0, Vec::len) + listed.below(&pointer).count();
        if masks_in(key) + masks_in_tree(value) > count {
            let key = visible(&clip(key, 40)).into_owned();
            warnings
                .push(format!("`{key}` has a mask that is not listed: it may be the text itself"));
        }
    }
    warnings
}

pub(super) fn masks_in(text: &str) -> usize {
    text.matches(MASKED).count()
}

fn masks_in_tree(tree: &Json) -> usize {
    match tree {
        Json::String(text) => masks_in(text),
        Json::Array(items) => items.iter().map(masks_in_tree).sum(),
        Json::Object(entries) => {
            entries.iter().map(|(key, value)| masks_in(key) + masks_in_tree(value)).sum()
        }
        _ => 0,
    }
}
