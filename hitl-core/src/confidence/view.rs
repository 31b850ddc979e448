//! A call as signals and policy see it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use hitl_base::json::{Limits, Token, parse_with_limits, walk};
use hitl_base::{Json, Redactor, Timestamp};

use super::asked::Asked;
use crate::call::{ArgumentTerms, CallContext, ToolConfig};

/// A call as signals and policy see it: plain borrowed data, secrets included, so that they can be
/// evaluated. The text of a signal about them is redacted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallView<'c> {
    /// The tool's name.
    pub tool: &'c str,
    /// The tool's configuration. The lists of a tool that is known only at run time may be its own:
    /// [`amount_limit`](Self::amount_limit) and [`is_inert`](Self::is_inert) know them.
    pub config: &'c ToolConfig,
    /// The arguments.
    pub arguments: ArgumentsView<'c>,
    /// The requester, and the context of the call.
    pub context: &'c CallContext,
    /// The time of the request, by the gate's clock; `None` if it is not known. Decisions read no
    /// clock of their own.
    pub at: Option<Timestamp>,
    /// The arguments that the configuration names, if they are not those of `config`.
    names: Option<&'c Arc<ArgumentTerms>>,
}

impl<'c> CallView<'c> {
    /// Creates the view of a call of `tool`.
    pub fn new(
        tool: &'c str,
        config: &'c ToolConfig,
        arguments: &'c Json,
        context: &'c CallContext,
    ) -> Self {
        let arguments = ArgumentsView(Source::Tree(arguments));
        Self { tool, config, arguments, context, at: None, names: None }
    }

    /// Does the same for arguments that are still text.
    pub(crate) fn of_text(
        tool: &'c str,
        config: &'c ToolConfig,
        arguments: &'c LazyTree<'c>,
        context: &'c CallContext,
    ) -> Self {
        let arguments = ArgumentsView(Source::Text(arguments));
        Self { tool, config, arguments, context, at: None, names: None }
    }

    /// Sets the arguments that the configuration names.
    pub(crate) fn naming(mut self, names: &'c Arc<ArgumentTerms>) -> Self {
        self.names = Some(names);
        self
    }

    /// Returns whether the tool declares that any argument is an amount.
    pub fn has_amounts(&self) -> bool {
        self.names.map_or(!self.config.amounts.is_empty(), |names| !names.amounts.is_empty())
    }

    /// Returns the limit up to which an argument is ordinary, in its own unit, if the tool declares
    /// that it is an amount.
    pub fn amount_limit(&self, argument: &str) -> Option<u64> {
        let Some(names) = self.names else {
            let spec = self.config.amounts.iter().find(|spec| spec.argument == argument);
            return spec.map(|spec| spec.limit);
        };
        names.amount(argument)
    }

    /// Returns whether the tool declares that nothing interprets the text of an argument, written
    /// as in a rule.
    pub fn is_inert(&self, argument: &str) -> bool {
        let own = || self.config.inert.contains(&argument);
        self.names.map_or_else(own, |names| names.is_inert(argument))
    }

    /// Sets the time of the request.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }
}

/// A call's arguments, which dereference to [`Json`]. They are parsed on first use, and then only
/// once: most calls contain nothing that any signal looks for.
#[derive(Clone, Copy)]
pub struct ArgumentsView<'c>(Source<'c>);

#[derive(Clone, Copy)]
enum Source<'c> {
    Tree(&'c Json),
    Text(&'c LazyTree<'c>),
}

impl<'c> ArgumentsView<'c> {
    /// Returns the arguments as a tree.
    pub fn tree(self) -> &'c Json {
        match self.0 {
            Source::Tree(tree) => tree,
            Source::Text(text) => text.tree(),
        }
    }

    /// Returns whether one of its keys may occur anywhere in them; `false` is certain.
    pub(super) fn may_have(self, asked: Asked) -> bool {
        match self.0 {
            Source::Tree(_) => true,
            Source::Text(text) => text.odd || text.has[asked as usize],
        }
    }
}

impl Deref for ArgumentsView<'_> {
    type Target = Json;

    fn deref(&self) -> &Json {
        self.tree()
    }
}

/// A call that can be sent to another thread.
pub(crate) struct OwnedCall {
    tool: String,
    config: ToolConfig,
    arguments: OwnedArguments,
    context: CallContext,
    at: Option<Timestamp>,
    names: Option<Arc<ArgumentTerms>>,
}

enum OwnedArguments {
    Tree(Json),
    Text(String),
}

impl OwnedCall {
    /// Copies a call.
    pub(crate) fn new(call: &CallView<'_>) -> Self {
        Self {
            tool: call.tool.to_owned(),
            config: *call.config,
            arguments: match call.arguments.0 {
                Source::Tree(tree) => OwnedArguments::Tree(tree.clone()),
                Source::Text(lazy) => OwnedArguments::Text(lazy.text.to_owned()),
            },
            context: call.context.clone(),
            at: call.at,
            names: call.names.cloned(),
        }
    }

    /// Evaluates `ask` on the call. Returns `None` if its arguments were accessed and cannot be
    /// read.
    pub(crate) fn ask<R>(&self, ask: impl FnOnce(&CallView<'_>) -> R) -> Option<R> {
        let Self { tool, config, arguments, context, at, names } = self;
        let (at, names) = (*at, names.as_ref());
        match arguments {
            OwnedArguments::Tree(tree) => {
                let view = CallView { at, names, ..CallView::new(tool, config, tree, context) };
                Some(ask(&view))
            }
            OwnedArguments::Text(text) => {
                let lazy = LazyTree::new(text);
                let view = CallView::of_text(tool, config, &lazy, context);
                let view = CallView { at, names, ..view };
                let answer = ask(&view);
                (!lazy.is_unreadable()).then_some(answer)
            }
        }
    }
}

impl fmt::Debug for ArgumentsView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree().fmt(f)
    }
}

/// The text of a snapshot, and its tree once it was accessed.
// Pays 16 % of the time of "auto call, read-only, small" (cargo xtask bench auto_call).
pub(crate) struct LazyTree<'t> {
    text: &'t str,
    /// The values for which the text has an unescaped key.
    has: [bool; Asked::ALL.len()],
    /// True if a part of the text can only be understood by parsing it.
    odd: bool,
    tree: OnceLock<Option<Json>>,
}

impl<'t> LazyTree<'t> {
    /// Creates the tree of a text that this process wrote itself.
    pub(crate) fn new(text: &'t str) -> Self {
        let mut lazy = Self::bare(text);
        walk(text).for_each(|token| lazy.add(token));
        lazy
    }

    /// Does the same, and returns whether the text certainly has nothing that `redactor` would
    /// hide.
    pub(crate) fn looked_over(text: &'t str, redactor: &Redactor) -> (Self, bool) {
        let mut lazy = Self::bare(text);
        let nothing = redactor.has_nothing_but(text, |token| lazy.add(token));
        (lazy, nothing)
    }

    fn bare(text: &'t str) -> Self {
        Self { text, has: [false; Asked::ALL.len()], odd: false, tree: OnceLock::new() }
    }

    fn add(&mut self, token: Token<'_>) {
        match token {
            Token::Key(key) => {
                for asked in Asked::ALL {
                    self.has[asked as usize] |= asked.is_key(key);
                }
            }
            Token::Escaped => self.odd = true,
            _ => {}
        }
    }

    /// Adds a tree that is already known.
    pub(crate) fn with(self, tree: Json) -> Self {
        Self { tree: OnceLock::from(Some(tree)), ..self }
    }

    fn tree(&self) -> &Json {
        let unlimited = Limits { depth: usize::MAX, bytes: usize::MAX };
        let read = self.tree.get_or_init(|| parse_with_limits(self.text, unlimited).ok());
        read.as_ref().unwrap_or(&Json::Null)
    }

    /// Returns whether the tree was accessed and could not be read: then the answers about it are
    /// baseless.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self.tree.get(), Some(None))
    }

    /// Returns the tree, if it was accessed.
    pub(crate) fn into_tree(self) -> Option<Json> {
        self.tree.into_inner().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::parse_json;

    #[test]
    fn a_text_is_read_when_somebody_looks_and_keys_are_found_without() {
        let lazy = LazyTree::new(r#"{"amount":5,"to":{"name":"bob"}}"#);
        let cx = CallContext::new("ann");
        let view = CallView::of_text("pay", &ToolConfig::DEFAULT, &lazy, &cx);
        assert!(view.arguments.may_have(Asked::Amount) && !view.arguments.may_have(Asked::Bulk));
        assert!(lazy.tree.get().is_none());
        for odd in [r#"{ "amount" : 5 }"#, r#"{"amo\u0075nt":5}"#] {
            let lazy = LazyTree::new(odd);
            let view = CallView::of_text("pay", &ToolConfig::DEFAULT, &lazy, &cx);
            assert!(view.arguments.may_have(Asked::Amount), "only its tree tells: {odd}");
        }
        assert_eq!(view.arguments.get("amount").and_then(Json::as_f64), Some(5.0));
        assert_eq!(lazy.into_tree(), parse_json(r#"{"amount":5,"to":{"name":"bob"}}"#).ok());
    }

    #[test]
    fn arguments_are_debugged_as_their_tree() {
        let lazy = LazyTree::new(r#"{"amount":5}"#);
        let cx = CallContext::new("ann");
        let view = CallView::of_text("pay", &ToolConfig::DEFAULT, &lazy, &cx);
        let tree = parse_json(r#"{"amount":5}"#).unwrap();
        assert_eq!(format!("{:?}", view.arguments), format!("{tree:?}"));
    }

    #[test]
    fn invariant_5_what_cannot_be_read_is_known_to_whoever_relied_on_it() {
        let lazy = LazyTree::new("{");
        assert!(!lazy.is_unreadable());
        assert_eq!(lazy.tree(), &Json::Null);
        assert!(lazy.is_unreadable());
    }
}
