//! The arguments as they are shown: values that the host declared sensitive are withheld, values
//! that redaction finds are masked, and each mask is listed.

use std::sync::Arc;

use hitl_base::json::{parse_with_limits, push_part};
use hitl_base::redact::{MASK, MAX_POINTER, MaskReason, MaskedPlace, Taint};
use hitl_base::{Json, JsonText, Redactor};

use super::DeclaredOrder;
use super::snapshot::{SecretScan, Snapshot, UNLIMITED};
use crate::approval::{MAX_MASKS, Mask};
use crate::ids::RequestId;

/// A text other than [`MASK`], to distinguish a withheld place from a text that is spelled like it.
const OTHER: &str = "\"[withheld]\"";

/// The arguments as they are shown, and their masks.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The arguments, without secrets.
    pub(crate) text: JsonText,
    withheld: Vec<Withheld>,
    masked: Vec<MaskedPlace>,
    more: usize,
}

/// A place that the host declared sensitive, or that repeats one.
#[derive(Debug)]
struct Withheld {
    pointer: String,
    in_key: bool,
    start: usize,
    reason: MaskReason,
}

/// The arguments as a reviewer may see them, place by place.
pub(crate) struct Layers {
    /// Without the values that the host declared sensitive.
    pub(crate) open: Json,
    /// Also without the values that redaction finds. It has the structure of `open`.
    pub(crate) shown: Json,
    withheld: Vec<Withheld>,
    masked: Vec<MaskedPlace>,
    more: usize,
}

impl Shown {
    /// Sorts the arguments by their declaration.
    pub(crate) fn in_order(self, order: &DeclaredOrder) -> Self {
        Self { text: order.sort_text(self.text), ..self }
    }

    fn clear(text: JsonText) -> Self {
        Self { text, withheld: Vec::new(), masked: Vec::new(), more: 0 }
    }

    /// Returns the masks that a request lists, and the number of masks beyond them.
    pub(crate) fn masks(&self, redactor: &Redactor, request: RequestId) -> (Vec<Mask>, usize) {
        masks(&self.withheld, (&self.masked, self.more), redactor, request)
    }
}

impl Layers {
    /// Creates the layers of a text that was not searched: nothing of it is shown.
    pub(crate) fn nothing() -> Self {
        let masked = || Json::String(MASK.to_owned());
        let (withheld, masked_places) = (Vec::new(), Vec::new());
        Self { open: masked(), shown: masked(), withheld, masked: masked_places, more: 1 }
    }

    /// Does the same as [`Shown::masks`].
    pub(crate) fn masks(&self, redactor: &Redactor, request: RequestId) -> (Vec<Mask>, usize) {
        masks(&self.withheld, (&self.masked, self.more), redactor, request)
    }
}

fn masks(
    withheld: &[Withheld],
    (masked, more): (&[MaskedPlace], usize),
    redactor: &Redactor,
    request: RequestId,
) -> (Vec<Mask>, usize) {
    if withheld.is_empty() && masked.is_empty() {
        return (Vec::new(), more);
    }
    let scope = request.to_string();
    let found = masked.iter().map(|place| Mask {
        at: place.pointer.clone(),
        in_key: place.in_key,
        start: place.start,
        reason: place.reason,
        characters: Some(place.characters()),
        fingerprint: redactor.fingerprint(place, scope.as_bytes()),
        declared: false,
    });
    let declared = withheld.iter().map(|place| Mask {
        at: place.pointer.clone(),
        in_key: place.in_key,
        start: place.start,
        reason: place.reason,
        characters: None,
        fingerprint: None,
        declared: true,
    });
    // The masks that can be uncovered come first: they must not be crowded out.
    let masks = found.chain(declared).take(MAX_MASKS).collect();
    (masks, masked.len().saturating_sub(MAX_MASKS) + more)
}

/// Returns a text that an argument names, as a reviewer may see it: `secrets` are those of the
/// call.
pub(crate) fn text_layers(text: &str, secrets: &Taint, redactor: &Redactor) -> Layers {
    tree_layers(Json::String(text.to_owned()), secrets, redactor)
}

/// Does the same for a tree.
pub(crate) fn tree_layers(whole: Json, secrets: &Taint, redactor: &Redactor) -> Layers {
    let open = secrets.json(&whole);
    let (shown, masked, more) = match redactor.redact_with_places(&open) {
        Some(marked) => (marked.tree, marked.places, marked.more),
        None => (open.clone(), Vec::new(), 0),
    };
    let mut withheld = Vec::new();
    if open != whole {
        list_repeats(&whole, &open, &shown, &mut String::new(), &mut withheld);
    }
    Layers { open, shown, withheld, masked, more }
}

impl Snapshot {
    /// Returns the arguments as they may be shown: marked secrets are masked, also where other
    /// arguments repeat them, and then whatever `redactor` finds. A mask covers no object, no list
    /// and no syntax.
    pub fn shown(&self, redactor: &Redactor) -> Json {
        // Our own writer wrote it, so it parses; if it did not, nothing would be shown.
        self.layers(redactor).map_or_else(|| Json::String(MASK.to_owned()), |layers| layers.shown)
    }

    /// Returns the arguments for `Debug`, in this order.
    pub(crate) fn shown_in(&self, order: &DeclaredOrder) -> Json {
        order.sort_tree(self.shown(&Redactor::standard()))
    }

    /// Returns the result of [`shown`](Self::shown) as text, with its masks. If there is nothing to
    /// hide, nothing is copied or written again.
    pub(crate) fn shown_text(&self, looked_over: SecretScan, redactor: &Redactor) -> Shown {
        // A tree has only one text, and the text was written in that way.
        let as_it_is = || Shown::clear(JsonText::written(Arc::clone(&self.text)));
        if self.hidden.is_empty() {
            let tree = match looked_over {
                SecretScan::Clean => return as_it_is(),
                SecretScan::No(tree) => tree,
            };
            if let Some(tree) = tree.or_else(|| parse_with_limits(&self.text, UNLIMITED).ok()) {
                debug_assert_eq!(tree.to_text(), *self.text);
                return match redactor.redact_with_places(&tree) {
                    None => as_it_is(),
                    Some(marked) => Shown {
                        text: JsonText::from(&marked.tree),
                        withheld: Vec::new(),
                        masked: marked.places,
                        more: marked.more,
                    },
                };
            }
        }
        self.shown_marked(redactor)
    }

    /// Does the same for a text that nobody has searched.
    pub(crate) fn shown_marked(&self, redactor: &Redactor) -> Shown {
        match self.layers(redactor) {
            Some(Layers { shown, withheld, masked, more, .. }) => {
                Shown { text: JsonText::from(&shown), withheld, masked, more }
            }
            None => Shown::clear(JsonText::from(&Json::String(MASK.to_owned()))),
        }
    }

    /// Returns whether redaction masks anything that the host did not declare sensitive.
    pub(crate) fn has_undeclared_masks(&self, redactor: &Redactor) -> bool {
        if redactor.has_nothing_in(&self.text) {
            return false;
        }
        self.layers(redactor).is_none_or(|layers| layers.more + layers.masked.len() > 0)
    }

    /// Returns the arguments without the declared values, and also without the found ones; `None`
    /// if the text cannot be read.
    pub(crate) fn layers(&self, redactor: &Redactor) -> Option<Layers> {
        let scan = |text: &str| parse_with_limits(text, UNLIMITED).ok();
        let (declared, open) = if self.hidden.is_empty() {
            (None, scan(&self.text)?)
        } else {
            let declared = scan(&self.hiding(&format!("\"{MASK}\"")))?;
            let open = self.own_taint().json(&declared);
            (Some((declared, scan(&self.hiding(OTHER))?)), open)
        };
        let (shown, masked, more) = match redactor.redact_with_places(&open) {
            Some(marked) => (marked.tree, marked.places, marked.more),
            None => (open.clone(), Vec::new(), 0),
        };
        let mut withheld = Vec::new();
        if let Some((declared, other)) = &declared {
            let trees = Trees { declared, other, open: &open, shown: &shown };
            trees.withheld(&mut String::new(), &mut withheld);
        }
        Some(Layers { open, shown, withheld, masked, more })
    }
}

/// The same place in documents of one structure.
#[derive(Clone, Copy)]
struct Trees<'t> {
    /// With [`MASK`] in place of the declared values.
    declared: &'t Json,
    /// With [`OTHER`] in place of the declared values.
    other: &'t Json,
    /// Without the values that repeat the declared ones.
    open: &'t Json,
    /// Without the values that redaction finds.
    shown: &'t Json,
}

impl Trees<'_> {
    /// Lists the declared values, and those that repeat them.
    fn withheld(self, at: &mut String, found: &mut Vec<Withheld>) {
        let Self { declared, other, open, shown } = self;
        let depth = at.len();
        match (declared, other, open, shown) {
            (Json::Array(a), Json::Array(b), Json::Array(c), Json::Array(d)) => {
                let items = a.iter().zip(b).zip(c).zip(d).enumerate();
                for (index, (((declared, other), open), shown)) in items {
                    push_part(at, &index.to_string());
                    Trees { declared, other, open, shown }.withheld(at, found);
                    at.truncate(depth);
                }
            }
            (Json::Object(a), Json::Object(b), Json::Object(c), Json::Object(d)) => {
                for ((((key, declared), (_, other)), (now, open)), (last, shown)) in
                    a.iter().zip(b).zip(c).zip(d)
                {
                    push_part(at, last);
                    if key != now {
                        repeats(last, at, true, found);
                    }
                    Trees { declared, other, open, shown }.withheld(at, found);
                    at.truncate(depth);
                }
            }
            _ if declared != other && (found.len() >= MAX_MASKS || at.len() > MAX_POINTER) => {}
            _ if declared != other => found.push(Withheld {
                pointer: at.clone(),
                in_key: false,
                start: 0,
                reason: MaskReason::Declared,
            }),
            _ if declared != open => {
                repeats(shown.as_str().unwrap_or_default(), at, false, found);
            }
            _ => {}
        }
    }
}

/// Lists the places of a tree that repeat a declared secret. `open` is the tree without them, and
/// `shown` also without what redaction finds: the places are named by it, because a name may hold a
/// secret too.
fn list_repeats(
    whole: &Json,
    open: &Json,
    shown: &Json,
    at: &mut String,
    found: &mut Vec<Withheld>,
) {
    let depth = at.len();
    match (whole, open, shown) {
        (Json::Array(whole), Json::Array(open), Json::Array(shown)) => {
            for (index, ((whole, open), shown)) in whole.iter().zip(open).zip(shown).enumerate() {
                push_part(at, &index.to_string());
                list_repeats(whole, open, shown, at, found);
                at.truncate(depth);
            }
        }
        (Json::Object(whole), Json::Object(open), Json::Object(shown)) => {
            for (((key, whole), (now, open)), (last, shown)) in whole.iter().zip(open).zip(shown) {
                push_part(at, last);
                if key != now {
                    repeats(now, at, true, found);
                }
                list_repeats(whole, open, shown, at, found);
                at.truncate(depth);
            }
        }
        (whole, open, _) if whole != open => {
            repeats(open.as_str().unwrap_or_default(), at, false, found);
        }
        _ => {}
    }
}

/// Lists the masks of values that repeat a declared secret: they have no mark.
fn repeats(text: &str, at: &str, in_key: bool, found: &mut Vec<Withheld>) {
    for (start, _) in text.match_indices(MASK).take_while(|_| at.len() <= MAX_POINTER) {
        if found.len() >= MAX_MASKS {
            return;
        }
        found.push(Withheld {
            pointer: at.to_owned(),
            in_key,
            start: text[..start].chars().count(),
            reason: MaskReason::Repeats,
        });
    }
}
