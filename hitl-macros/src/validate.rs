//! Checks across keys and parameters: whether they fit together.

use std::collections::HashSet;

use quote::ToTokens;
use syn::ext::IdentExt as _;

use crate::errors::{Errors, list, suggestion};
use crate::parse::{Attribute, Function, Returns, Role};
use crate::template::placeholders;

/// The default values, as in `hitl_core::ToolConfig`.
const AUTO_THRESHOLD: u8 = 85;
const QUICK_THRESHOLD: u8 = 60;

pub(crate) fn validate(attribute: &Attribute, function: &Function, errors: &mut Errors) {
    name(attribute, function, errors);
    description(attribute, function, errors);
    thresholds(attribute, errors);
    hints(attribute, errors);
    fallibility(attribute, function, errors);
    together(attribute, errors);
    contexts(function, errors);
    effect(attribute, errors);
    templates(attribute, function, errors);
}

/// Checks keys that have no effect without another.
fn together(attribute: &Attribute, errors: &mut Errors) {
    if let (Some(to), false) = (&attribute.escalate_to, attribute.has("escalate_within")) {
        let why = "`escalate_to` needs `escalate_within`: how long they have";
        errors.at(&to.at, why);
    }
    let may_start_again = attribute.has("idempotent") || attribute.has("reconcile");
    if let (Some(attempts), false) = (&attribute.attempts, may_start_again) {
        let why = "`attempts` is for tools that are `idempotent` or have a `reconcile`: no other is \
                   tried twice";
        errors.at(&attempts.at, why);
    }
    if let (Some(reason), Some(decisions)) = (&attribute.requires_reason, &attribute.decisions)
        && !decisions.value.contains(&"Reject")
    {
        let why = "`requires_reason` is for rejections, which `decisions` does not allow";
        errors.at(reason, why);
    }
}

fn name(attribute: &Attribute, function: &Function, errors: &mut Errors) {
    let accepted = |name: &str| {
        matches!(name.len(), 1..=64)
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    match &attribute.name {
        Some(name) if !accepted(&name.value) => {
            errors.at(&name.at, "`name` takes 1 to 64 of `A-Z a-z 0-9 _ -`");
        }
        None if !attribute.has("name") && !accepted(&function.name.unraw().to_string()) => {
            errors.at(
                &function.name,
                "a tool's name is 1 to 64 of `A-Z a-z 0-9 _ -`: rename the fn, or give the tool \
                 another name with `name = \"..\"`",
            );
        }
        _ => {}
    }
}

fn description(attribute: &Attribute, function: &Function, errors: &mut Errors) {
    if attribute.has("description") {
        return;
    }
    if let Some(unseen) = function.docs.unseen() {
        errors.at(
            unseen,
            "the macro cannot see the text of this: say what the tool does in \
             `description = \"..\"`",
        );
    } else if function.docs.text().is_none() {
        errors.at(
            &function.name,
            "a tool needs a description, the model chooses by it and the reviewer relies on it: \
             write a doc comment above the fn, or `description = \"..\"`",
        );
    }
}

fn thresholds(attribute: &Attribute, errors: &mut Errors) {
    let auto = attribute.auto_threshold.as_ref();
    let quick = attribute.quick_threshold.as_ref();
    let spelled_wrong = |key, read: bool| attribute.has(key) && !read;
    if spelled_wrong("auto_threshold", auto.is_some())
        || spelled_wrong("quick_threshold", quick.is_some())
    {
        return;
    }
    let auto_percent = auto.map_or(AUTO_THRESHOLD, |given| given.value);
    let quick_percent = quick.map_or(QUICK_THRESHOLD, |given| given.value);
    if quick_percent <= auto_percent {
        return;
    }
    let default = |given: bool| if given { "" } else { ", the default" };
    if let Some(fault) = quick.or(auto) {
        errors.at(
            &fault.at,
            format!(
                "`quick_threshold` ({quick_percent}{}) must not be above `auto_threshold` \
                 ({auto_percent}{})",
                default(quick.is_some()),
                default(auto.is_some()),
            ),
        );
    }
}

fn hints(attribute: &Attribute, errors: &mut Errors) {
    if let (Some(_), Some(destructive)) = (&attribute.read_only, &attribute.destructive) {
        errors.at(destructive, "a tool that is `read_only` destroys nothing: keep one of the two");
    }
}

fn fallibility(attribute: &Attribute, function: &Function, errors: &mut Errors) {
    match (&attribute.fallible, &attribute.infallible) {
        (Some(_), Some(infallible)) => {
            errors.at(infallible, "a tool is `fallible` or `infallible`: keep one of the two");
        }
        (Some(fallible), None) if matches!(function.returns, Returns::Unit) && function.valid => {
            errors.at(fallible, "`fallible` is for a fn that returns a `Result`");
        }
        _ => {}
    }
}

fn contexts(function: &Function, errors: &mut Errors) {
    let contexts = function.parameters.iter().filter(|p| matches!(p.role, Role::Context { .. }));
    for second in contexts.skip(1) {
        errors.at(&second.ident, "a call has one context: take it once");
    }
}

/// A key whose value is a template, and its verb in messages.
struct TemplateKey {
    name: &'static str,
    verb: &'static str,
    /// The reason why it takes no sensitive parameter.
    no_secrets: &'static str,
}

const DESCRIBE: TemplateKey =
    TemplateKey { name: "describe", verb: "shows", no_secrets: "it is never shown" };
const EFFECT: TemplateKey = TemplateKey {
    name: "effect",
    verb: "names",
    no_secrets: "what identifies an effect is kept unsealed",
};

fn effect(attribute: &Attribute, errors: &mut Errors) {
    if let (Some(_), Some(reconcile)) = (&attribute.read_only, &attribute.reconcile) {
        let why = "a tool that is `read_only` has no effect to look for: keep one of the two";
        errors.at(reconcile, why);
    }
    if let (Some(_), Some(effect)) = (&attribute.read_only, &attribute.effect) {
        errors.at(&effect.at, "a tool that is `read_only` has no effect: keep one of the two");
    }
    if let (Some(repeat), false) = (&attribute.effect_repeat, attribute.has("effect")) {
        errors.at(&repeat.at, "`effect_repeat` needs `effect`: what must not happen twice");
    }
}

fn templates(attribute: &Attribute, function: &Function, errors: &mut Errors) {
    for (key, given) in [(DESCRIBE, &attribute.describe), (EFFECT, &attribute.effect)] {
        let Some(template) = given else { continue };
        let names = match placeholders(&template.value) {
            Ok(names) => names,
            Err(why) => {
                errors.at(&template.at, format!("in `{}`, {why}", key.name));
                continue;
            }
        };
        let mut told = HashSet::new();
        for name in names.into_iter().filter(|name| told.insert(*name)) {
            if let Some(why) = key.unfit(name, function) {
                errors.at(&template.at, why);
            }
        }
    }
}

impl TemplateKey {
    /// Returns the reason why this cannot be a placeholder, if there is one.
    fn unfit(&self, placeholder: &str, function: &Function) -> Option<String> {
        let Self { name: key, verb, no_secrets } = self;
        let text = format!("`{key}` {verb} `{{{placeholder}}}`");
        let parameter = function.parameters.iter().find(|p| p.ident.unraw() == placeholder);
        if parameter.is_some_and(|parameter| !parameter.existence.is_empty()) {
            return Some(format!(
                "{text}, which is not there wherever its `#[cfg(..)]` does not hold: leave it out"
            ));
        }
        match parameter.map(|parameter| &parameter.role) {
            Some(Role::Argument(argument)) if argument.sensitive => {
                Some(format!("{text}, which is sensitive: leave it out, {no_secrets}"))
            }
            Some(Role::Argument(_)) => None,
            Some(_) => Some(format!(
                "{text}, which is no argument of the call: what comes from the host is not part \
                 of what is approved"
            )),
            None => {
                // A parameter that could not be read was reported already.
                if !function.valid {
                    return None;
                }
                let shown = function
                    .parameters
                    .iter()
                    .filter(|p| p.argument().is_some_and(|argument| !argument.sensitive));
                let names: Vec<String> = shown.map(|p| p.ident.unraw().to_string()).collect();
                let names = names.iter().map(String::as_str);
                let accepted = if names.len() == 0 {
                    "this fn has no arguments to show".to_owned()
                } else {
                    format!(
                        "a placeholder is the bare name of an argument: {}",
                        list(names.clone())
                    )
                };
                let guess = suggestion(placeholder, names);
                Some(format!("`{key}` has no argument for `{{{placeholder}}}`{guess}\n{accepted}"))
            }
        }
    }
}

/// Reports names that begin like those of the expansion. Returns whether there are none.
pub(crate) fn no_reserved_names(item: impl ToTokens, errors: &mut Errors) -> bool {
    let ours = &mut |ident: &proc_macro2::Ident| ident.unraw().to_string().starts_with("__hitl");
    let Some(name) = crate::parse::identifier(item, ours) else { return true };
    errors.at(name, "names that start with `__hitl` belong to the macro: take another");
    false
}
