//! Checks arguments against a schema. Errors name places and expectations, and quote no values.

use std::cell::Cell;
use std::cmp::Ordering;

use hitl_base::json::{compare_numbers, is_whole, same_number};
use hitl_base::{Json, display};

use super::schema::{Id, Kind, Node, Schema};
use crate::arguments::{ArgumentError, ArgumentErrorKind, Pattern, listed};

/// The work limit of one check: a foreign schema can be designed to explode.
const STEPS: u64 = 1_000_000;

/// The deepest nesting of schemas that are checked inside each other.
const MAX_DEPTH: usize = 400;

impl Schema {
    /// Checks that `arguments` satisfy this schema.
    pub(crate) fn check(&self, arguments: &Json) -> Result<(), ArgumentError> {
        Check { schema: self, left: Cell::new(STEPS), depth: Cell::new(0) }
            .node(self.root, arguments)
    }
}

struct Check<'s> {
    schema: &'s Schema,
    left: Cell<u64>,
    depth: Cell<usize>,
}

type Checked = Result<(), ArgumentError>;

fn refuse<T>(kind: ArgumentErrorKind, why: impl Into<String>) -> Result<T, ArgumentError> {
    Err(ArgumentError::new(kind, why))
}

impl Check<'_> {
    fn step(&self) -> Checked {
        self.steps(1)
    }

    fn steps(&self, steps: u64) -> Checked {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => refuse(
                ArgumentErrorKind::TooLarge,
                "checking these arguments against the tool's schema takes too long",
            ),
        }
    }

    fn node(&self, id: Id, value: &Json) -> Checked {
        self.step()?;
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return refuse(
                ArgumentErrorKind::TooLarge,
                "these arguments are nested too deeply for the tool's schema",
            );
        }
        self.depth.set(depth + 1);
        let node = &self.schema.nodes[id];
        let checked = self.itself(node, value).and_then(|()| self.combined(node, value));
        self.depth.set(depth);
        // An error inside a secret does not name the keys in it.
        checked.map_err(|error| if node.sensitive { error.without_path() } else { error })
    }

    fn itself(&self, node: &Node, value: &Json) -> Checked {
        use ArgumentErrorKind::{Invalid, WrongType};
        if node.never {
            return refuse(Invalid, "nothing is accepted here");
        }
        if !(node.types.is_empty() || node.types.iter().any(|kind| kind.fits(value))) {
            let names: Vec<_> = node.types.iter().map(|kind| kind.in_words()).collect();
            let whole = node.types.contains(&Kind::Integer);
            let found = match value {
                Json::Number(lexeme) if whole && !is_whole(lexeme) => "a number with a fraction",
                other => other.kind(),
            };
            let why = format!("expected {}, found {found}", names.join(" or "));
            return refuse(WrongType, why);
        }
        let is = |other: &Json| self.same(value, other);
        if let Some(accepted) = &node.accepted
            && !any(accepted, is)?
        {
            let values = listed(accepted.iter().map(|accepted| display::value(accepted, 80).text));
            return refuse(Invalid, format!("expected one of {values}"));
        }
        if let Some(constant) = &node.constant
            && !is(constant)?
        {
            return refuse(Invalid, format!("expected {}", display::value(constant, 80).text));
        }
        match value {
            Json::Number(lexeme) => node.number(lexeme),
            Json::String(text) if !node.length.holds(text.chars().count()) => {
                refuse(Invalid, node.length.wanted("characters"))
            }
            Json::String(text) => self.text(node, text),
            Json::Array(items) => self.array(node, items),
            Json::Object(entries) => self.object(node, entries),
            _ => Ok(()),
        }
    }

    fn combined(&self, node: &Node, value: &Json) -> Checked {
        for id in &node.all {
            self.node(*id, value)?;
        }
        for alternatives in &node.any {
            if self.fitting(alternatives, value)? == 0 {
                let why = format!("none of {} alternatives fits", alternatives.len());
                return refuse(ArgumentErrorKind::Invalid, why);
            }
        }
        if !node.one.is_empty() {
            let fitting = self.fitting(&node.one, value)?;
            if fitting != 1 {
                let why = format!("exactly one of {} alternatives must fit", node.one.len());
                return refuse(ArgumentErrorKind::Invalid, why);
            }
        }
        if let Some(not) = node.not
            && self.fits(not, value)?
        {
            return refuse(
                ArgumentErrorKind::Invalid,
                "this fits what the tool's schema excludes (`not`)",
            );
        }
        if let Some(condition) = node.condition {
            let fits = self.fits(condition.when, value)?;
            if let Some(id) = if fits { condition.then } else { condition.otherwise } {
                self.node(id, value)?;
            }
        }
        for (name, id) in &node.dependent_schemas {
            self.step()?;
            if value.get(name).is_some() {
                self.node(*id, value)?;
            }
        }
        Ok(())
    }

    fn fitting(&self, alternatives: &[Id], value: &Json) -> Result<usize, ArgumentError> {
        let mut fitting = 0;
        for id in alternatives {
            fitting += usize::from(self.fits(*id, value)?);
        }
        Ok(fitting)
    }

    fn fits(&self, id: Id, value: &Json) -> Result<bool, ArgumentError> {
        match self.node(id, value) {
            Ok(()) => Ok(true),
            // Not a mismatch: the check was not completed.
            Err(error) if error.kind() == ArgumentErrorKind::TooLarge => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn text(&self, node: &Node, text: &str) -> Checked {
        let Some(pattern) = &node.pattern else { return Ok(()) };
        if self.matches(pattern, text)? {
            return Ok(());
        }
        let source = display::value(&Json::String(pattern.source().to_owned()), 120).text;
        let why = format!("expected text that matches the regular expression {source}");
        refuse(ArgumentErrorKind::Invalid, why)
    }

    fn matches(&self, pattern: &Pattern, text: &str) -> Result<bool, ArgumentError> {
        self.steps(pattern.steps(text))?;
        Ok(pattern.matches(text))
    }

    fn array(&self, node: &Node, items: &[Json]) -> Checked {
        if !node.count.holds(items.len()) {
            return refuse(ArgumentErrorKind::Invalid, node.count.wanted("items"));
        }
        if node.unique {
            for (i, item) in items.iter().enumerate() {
                if any(&items[..i], |earlier| self.same(item, earlier))? {
                    return refuse(ArgumentErrorKind::Invalid, "an item stands here twice");
                }
            }
        }
        for (i, item) in items.iter().enumerate() {
            // The items of the prefix come first, so once one has no schema, none of the later ones
            // has.
            let Some(schema) = node.item(i) else { break };
            self.node(schema, item).map_err(|error| error.inside_item(i))?;
        }
        if let Some(contains) = node.contains {
            let mut fitting = 0;
            for item in items {
                fitting += usize::from(self.fits(contains, item)?);
            }
            if !node.containing.holds(fitting) {
                let wanted = node.containing.wanted("items that fit `contains`");
                return refuse(ArgumentErrorKind::Invalid, wanted);
            }
        }
        Ok(())
    }

    fn object(&self, node: &Node, entries: &[(String, Json)]) -> Checked {
        let has = |name: &str| -> Result<bool, ArgumentError> {
            // Finding a name costs as much as the entries that are compared.
            self.steps(entries.len() as u64 / 16)?;
            Ok(entries.iter().any(|(key, _)| key == name))
        };
        for name in &node.required {
            if !has(name)? {
                return Err(ArgumentError::missing(name));
            }
        }
        for (name, needed) in &node.dependents {
            if has(name)? {
                for name in needed {
                    if !has(name)? {
                        return Err(ArgumentError::missing(name));
                    }
                }
            }
        }
        if !node.entries.holds(entries.len()) {
            return refuse(ArgumentErrorKind::Invalid, node.entries.wanted("entries"));
        }
        for (key, value) in entries {
            if let Some(names) = node.names {
                let name = Json::String(key.clone());
                self.node(names, &name).map_err(|error| error.inside(key))?;
            }
            self.entry(node, key, value)?;
        }
        Ok(())
    }

    fn entry(&self, node: &Node, key: &str, value: &Json) -> Checked {
        self.steps(node.properties.len() as u64 / 16)?;
        let inside = |error: ArgumentError| error.inside(key);
        let named = node.properties.iter().find(|(name, _)| name == key);
        if let Some((_, id)) = named {
            self.node(*id, value).map_err(inside)?;
        }
        let mut is_known = named.is_some();
        for (pattern, id) in &node.patterns {
            // One that is not checked may match any name, so nothing is known about other names.
            let Some(pattern) = pattern else {
                is_known = true;
                continue;
            };
            if self.matches(pattern, key)? {
                is_known = true;
                self.node(*id, value).map_err(inside)?;
            }
        }
        match node.additional {
            Some(id) if !is_known && self.schema.nodes[id].never => {
                let known = node.properties.iter().map(|(name, _)| name.as_str());
                Err(ArgumentError::unknown(key, known))
            }
            Some(id) if !is_known => self.node(id, value).map_err(inside),
            _ => Ok(()),
        }
    }

    /// Returns whether two values are equal by the rules of JSON Schema: numbers by value, objects
    /// in any order.
    fn same(&self, a: &Json, b: &Json) -> Result<bool, ArgumentError> {
        self.step()?;
        Ok(match (a, b) {
            (Json::Number(a), Json::Number(b)) => same_number(a, b),
            (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
                for (a, b) in a.iter().zip(b) {
                    if !self.same(a, b)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Json::Object(left), Json::Object(right)) if left.len() == right.len() => {
                for (key, value) in left {
                    match b.get(key) {
                        Some(other) if self.same(value, other)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            _ => a == b,
        })
    }
}

fn any(
    values: &[Json],
    is: impl Fn(&Json) -> Result<bool, ArgumentError>,
) -> Result<bool, ArgumentError> {
    for value in values {
        if is(value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Kind {
    fn fits(self, value: &Json) -> bool {
        match (self, value) {
            (Self::Integer, Json::Number(lexeme)) => is_whole(lexeme),
            (Self::Null, Json::Null)
            | (Self::Boolean, Json::Bool(_))
            | (Self::Number, Json::Number(_))
            | (Self::String, Json::String(_))
            | (Self::Array, Json::Array(_))
            | (Self::Object, Json::Object(_)) => true,
            _ => false,
        }
    }
}

impl Node {
    fn number(&self, lexeme: &str) -> Checked {
        let limits = [
            (&self.minimum, [Ordering::Greater, Ordering::Equal].as_slice(), "at least"),
            (&self.above, &[Ordering::Greater], "above"),
            (&self.maximum, &[Ordering::Less, Ordering::Equal], "at most"),
            (&self.below, &[Ordering::Less], "below"),
        ];
        for (limit, fine, word) in limits {
            if let Some(limit) = limit
                && !compare_numbers(lexeme, limit).is_some_and(|order| fine.contains(&order))
            {
                return refuse(ArgumentErrorKind::Invalid, format!("this must be {word} {limit}"));
            }
        }
        if let Some(step) = &self.step
            && !step.divides(lexeme)
        {
            return refuse(
                ArgumentErrorKind::Invalid,
                format!("this must be a multiple of {step}"),
            );
        }
        Ok(())
    }
}

impl super::schema::Span {
    fn wanted(self, what: &str) -> String {
        match self.most {
            Some(most) => format!("expected {} to {most} {what}", self.least),
            None => format!("expected at least {} {what}", self.least),
        }
    }
}
