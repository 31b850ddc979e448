//! `#[hitl_tool(..)]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{ExprPath, Ident, Path};

use super::entries::{self, Entry};
use super::value::{self, Spanned, Stage};
use crate::errors::{Errors, list, suggestion};

/// Every key, in the order of the attribute's documentation.
const KEYS: [&str; 35] = [
    "approval_type",
    "risk",
    "base_confidence",
    "auto_threshold",
    "quick_threshold",
    "requires_reason",
    "decisions",
    "stages",
    "four_eyes",
    "requester_may_decide",
    "agents_may_decide",
    "services_may_decide",
    "expires",
    "grace",
    "escalate_to",
    "escalate_within",
    "timeout",
    "read_only",
    "destructive",
    "idempotent",
    "attempts",
    "open_world",
    "effect",
    "effect_repeat",
    "preview",
    "reconcile",
    "approve_label",
    "reject_label",
    "describe",
    "name",
    "description",
    "version",
    "fallible",
    "infallible",
    "crate",
];

/// The content of the attribute. A key with a wrong value is reported and stays unset.
#[derive(Default)]
pub(crate) struct Attribute {
    pub(crate) approval_type: Option<Spanned<String>>,
    pub(crate) risk: Option<Spanned<&'static str>>,
    pub(crate) base_confidence: Option<Spanned<u8>>,
    pub(crate) auto_threshold: Option<Spanned<u8>>,
    pub(crate) quick_threshold: Option<Spanned<u8>>,
    pub(crate) requires_reason: Option<Ident>,
    pub(crate) decisions: Option<Spanned<Vec<&'static str>>>,
    pub(crate) stages: Option<Spanned<Vec<Stage>>>,
    pub(crate) four_eyes: Option<Ident>,
    pub(crate) requester_may_decide: Option<Ident>,
    pub(crate) agents_may_decide: Option<Ident>,
    pub(crate) services_may_decide: Option<Ident>,
    pub(crate) escalate_to: Option<Spanned<String>>,
    pub(crate) escalate_within: Option<Spanned<Duration>>,
    pub(crate) attempts: Option<Spanned<u32>>,
    pub(crate) expires: Option<Spanned<Duration>>,
    pub(crate) grace: Option<Spanned<Duration>>,
    pub(crate) timeout: Option<Spanned<Duration>>,
    pub(crate) read_only: Option<Ident>,
    pub(crate) destructive: Option<Ident>,
    pub(crate) idempotent: Option<Ident>,
    pub(crate) open_world: Option<Ident>,
    pub(crate) effect: Option<Spanned<String>>,
    /// True if a repeated effect is refused.
    pub(crate) effect_repeat: Option<Spanned<bool>>,
    /// The `async fn` that renders what a call would do.
    pub(crate) preview: Option<ExprPath>,
    /// The `async fn` that finds out how an attempt ended.
    pub(crate) reconcile: Option<ExprPath>,
    pub(crate) approve_label: Option<Spanned<String>>,
    pub(crate) reject_label: Option<Spanned<String>>,
    pub(crate) describe: Option<Spanned<String>>,
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) description: Option<Spanned<String>>,
    /// The version of the tool's code; `any` when it opts out.
    pub(crate) version: Option<Spanned<String>>,
    pub(crate) fallible: Option<Ident>,
    pub(crate) infallible: Option<Ident>,
    /// The path of hitl, when it is not `::hitl`.
    pub(crate) root: Option<Path>,
    /// Every key that was given, valid or not.
    seen: Vec<Ident>,
}

impl Attribute {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut attribute = Self::default();
        for entry in entries::read(tokens, errors) {
            if attribute.seen.contains(&entry.key) {
                errors.at(&entry.key, format!("`{}` is given twice", entry.key));
            } else {
                attribute.set(&entry, errors);
                attribute.seen.push(entry.key);
            }
        }
        attribute
    }

    /// Returns whether the key was given, even if with a wrong value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.seen.iter().any(|seen| seen == key)
    }

    /// Returns the remaining attribute when part of it is wrong: enough to expand the rest without
    /// errors that only follow from this one.
    pub(crate) fn without_config(self) -> Self {
        let valid = Self { root: self.root, ..Self::default() };
        match (self.fallible, self.infallible) {
            (Some(_), Some(_)) => valid,
            (fallible, infallible) => Self { fallible, infallible, ..valid },
        }
    }

    fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.key.to_string().as_str() {
            "approval_type" => self.approval_type = errors.take(value::text(entry)),
            "risk" => self.risk = errors.take(value::risk(entry)),
            "base_confidence" => self.base_confidence = errors.take(value::percent(entry)),
            "auto_threshold" => self.auto_threshold = errors.take(value::percent(entry)),
            "quick_threshold" => self.quick_threshold = errors.take(value::percent(entry)),
            "requires_reason" => self.requires_reason = errors.take(value::flag(entry)),
            "decisions" => self.decisions = errors.take(value::decisions(entry)),
            "stages" => self.stages = errors.take(value::stages(entry)),
            "four_eyes" => self.four_eyes = errors.take(value::flag(entry)),
            "requester_may_decide" => self.requester_may_decide = errors.take(value::flag(entry)),
            "agents_may_decide" => self.agents_may_decide = errors.take(value::flag(entry)),
            "services_may_decide" => self.services_may_decide = errors.take(value::flag(entry)),
            "escalate_to" => self.escalate_to = errors.take(value::text(entry)),
            "escalate_within" => self.escalate_within = errors.take(value::duration(entry)),
            "attempts" => self.attempts = errors.take(value::count(entry)),
            "expires" => self.expires = errors.take(value::duration(entry)),
            "grace" => self.grace = errors.take(value::duration(entry)),
            "timeout" => self.timeout = errors.take(value::duration(entry)),
            "read_only" => self.read_only = errors.take(value::flag(entry)),
            "destructive" => self.destructive = errors.take(value::flag(entry)),
            "idempotent" => self.idempotent = errors.take(value::flag(entry)),
            "open_world" => self.open_world = errors.take(value::flag(entry)),
            "effect" => self.effect = errors.take(value::text(entry)),
            "effect_repeat" => self.effect_repeat = errors.take(value::effect_repeat(entry)),
            "preview" => self.preview = errors.take(value::function(entry)),
            "reconcile" => self.reconcile = errors.take(value::function(entry)),
            "approve_label" => self.approve_label = errors.take(value::text(entry)),
            "reject_label" => self.reject_label = errors.take(value::text(entry)),
            "describe" => self.describe = errors.take(value::text(entry)),
            "name" => self.name = errors.take(value::text(entry)),
            "description" => self.description = errors.take(value::text(entry)),
            "version" => self.version = errors.take(value::version(entry)),
            "fallible" => self.fallible = errors.take(value::flag(entry)),
            "infallible" => self.infallible = errors.take(value::flag(entry)),
            "crate" => self.root = errors.take(value::path(entry)),
            unknown => {
                let guess = suggestion(unknown, KEYS);
                let accepted = list(KEYS);
                errors.at(
                    &entry.key,
                    format!("`hitl_tool` has no key `{unknown}`{guess}\naccepted are {accepted}"),
                );
            }
        }
    }
}
