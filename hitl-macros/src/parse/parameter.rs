//! The parameters of the fn: arguments of the call, host state, the call's context.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote};
use syn::{Attribute, Expr, ExprPath, Meta, Pat, PatType, Token, Type, TypeReference};

use super::docs::Docs;
use super::entries::{self, Entry};
use super::lint::{Kind, Spread};
use super::unfit::unfit;
use super::{scan, value};
use crate::errors::{Errors, list, nearest, suggestion};

const KEYS: [&str; 8] =
    ["state", "context", "sensitive", "inert", "amount", "limit", "default", "content_of"];

/// One parameter.
pub(crate) struct Parameter {
    pub(crate) ident: Ident,
    pub(crate) mutability: Option<Token![mut]>,
    /// The type as written.
    pub(crate) ty: Type,
    pub(crate) role: Role,
    /// Conditions for the parameter's existence (`cfg`): wherever it is mentioned.
    pub(crate) existence: Vec<Attribute>,
    /// Lint levels beside the body.
    pub(crate) lints: Vec<Attribute>,
    /// Lint levels in the body.
    pub(crate) body_lints: Vec<Attribute>,
    /// True if an attribute that rewrites the body names the parameter.
    pub(crate) named: bool,
}

/// A parameter that cannot even be replaced by its probable meaning. It was reported.
pub(super) struct InvalidParameter {
    /// True if the constructor would take it.
    pub(super) is_argument: bool,
}

/// The source of a parameter's value.
pub(crate) enum Role {
    /// The host's state of this type: borrowed, or cloned.
    State { ty: Type, borrowed: bool },
    /// The context of the call: borrowed, or cloned.
    Context { ty: Type, borrowed: bool },
    /// The model, or another caller.
    Argument(Box<Argument>),
}

/// A parameter that is an argument of the call.
pub(crate) struct Argument {
    pub(crate) storage: ParamStorage,
    pub(crate) sensitive: bool,
    /// True if nobody interprets its text.
    pub(crate) inert: bool,
    pub(crate) amount: Option<AmountLimit>,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) content_of: Option<ContentOf>,
    pub(crate) description: Option<String>,
}

/// The form in which the arguments' struct holds an argument.
pub(crate) enum ParamStorage {
    /// The type as it is.
    Owned(Type),
    /// A `&str`, as a `String`.
    Str,
    /// A slice of these, as a `Vec`.
    Slice(Type),
}

/// The limit up to which an amount is ordinary.
pub(crate) enum AmountLimit {
    Default,
    Own(u64),
}

/// The reader of the content that an argument names.
pub(crate) enum ContentOf {
    /// The gate reads it: the argument is the path of a file.
    Files,
    /// An `async fn` of the host reads it.
    Reader(ExprPath),
}

/// The value of an argument that is left out.
pub(crate) enum DefaultValue {
    OfType,
    Expression(Expr),
}

impl Parameter {
    /// Reads a parameter.
    pub(super) fn read(input: PatType, errors: &mut Errors) -> Result<Self, InvalidParameter> {
        let mut docs = Docs::default();
        let mut keys = Keys::default();
        let mut attributes = Attributes::default();
        for attribute in input.attrs {
            if let Some(other) = docs.take(attribute) {
                attributes.sort_in(&other, &mut keys, errors);
            }
        }
        let invalid =
            InvalidParameter { is_argument: keys.state.is_none() && keys.context.is_none() };
        let pattern = match *input.pat {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => pattern,
            other => {
                errors.at(
                    other,
                    "a parameter of a tool is a plain name: the model fills it by this name. \
                     Take it apart inside the body",
                );
                return Err(invalid);
            }
        };
        let ty = unwrap_group(*input.ty);
        let role = keys.role(&ty, &docs, errors).ok_or(invalid)?;
        let Attributes { existence, lints, body_lints } = attributes;
        Ok(Self {
            ident: pattern.ident,
            mutability: pattern.mutability,
            ty,
            role,
            existence,
            lints,
            body_lints,
            named: false,
        })
    }

    /// Returns whether both parameters can exist at once under one name.
    pub(super) fn is_twin_of(&self, other: &Self) -> bool {
        let conditional = !self.existence.is_empty() && !other.existence.is_empty();
        self.ident == other.ident && !conditional
    }

    pub(crate) fn argument(&self) -> Option<&Argument> {
        match &self.role {
            Role::Argument(argument) => Some(argument),
            _ => None,
        }
    }
}

/// The attributes of a parameter that belong to others, by their destination.
#[derive(Default)]
struct Attributes {
    existence: Vec<Attribute>,
    lints: Vec<Attribute>,
    body_lints: Vec<Attribute>,
}

impl Attributes {
    fn sort_in(&mut self, attribute: &Attribute, keys: &mut Keys, errors: &mut Errors) {
        for spread in Spread::all_in(attribute) {
            match spread.kind() {
                Kind::Existence => self.existence.push(spread.attribute()),
                Kind::Lint => {
                    self.lints.push(spread.beside_the_body());
                    self.body_lints.extend(spread.on_the_body());
                }
                _ if spread.conditions.is_empty() => keys.read(attribute, errors),
                _ => {
                    errors.at(
                        attribute,
                        "only `cfg` and lint levels can stand in the `cfg_attr` of a parameter: \
                         what it is must not depend on how it is built. Write two parameters, \
                         each under its `#[cfg(..)]`",
                    );
                    keys.unclear = true;
                }
            }
        }
    }
}

/// The content of `#[hitl(..)]` on a parameter.
#[derive(Default)]
struct Keys {
    state: Option<Ident>,
    context: Option<Ident>,
    sensitive: Option<Ident>,
    inert: Option<Ident>,
    amount: Option<Ident>,
    limit: Option<(Ident, Option<u64>)>,
    default: Option<(Ident, DefaultValue)>,
    content_of: Option<(Ident, ContentOf)>,
    /// True if an error was reported for a key that may have meant `state` or `context`.
    unclear: bool,
}

impl Keys {
    fn read(&mut self, attribute: &Attribute, errors: &mut Errors) {
        if !attribute.path().is_ident("hitl") {
            errors.at(
                attribute,
                "a parameter of a tool takes doc comments, `#[hitl(..)]`, `#[cfg(..)]` and lint \
                 levels, no other attributes",
            );
            return;
        }
        let before = errors.len();
        let entries = match &attribute.meta {
            Meta::List(keys) => entries::read(keys.tokens.clone(), errors),
            _ => Vec::new(),
        };
        if entries.is_empty() && errors.len() == before {
            errors.at(attribute, format!("`#[hitl(..)]` takes {}", list(KEYS)));
        }
        for entry in entries {
            self.set(entry, errors);
        }
        self.unclear |= errors.len() > before;
    }

    fn set(&mut self, entry: Entry, errors: &mut Errors) {
        let given = entry.key.to_string();
        // A typo is replaced by its probable meaning, so that no other error follows from it.
        let meant = nearest(&given, KEYS);
        if !KEYS.contains(&given.as_str()) {
            let guess = suggestion(&given, KEYS);
            let message =
                format!("`hitl` has no key `{given}`{guess}\naccepted are {}", list(KEYS));
            errors.at(&entry.key, message);
        } else if !["limit", "default", "content_of"].contains(&given.as_str()) {
            errors.take(value::flag(&entry));
        }
        let key = entry.key.clone();
        let twice = match meant {
            Some("state") => self.state.replace(key).is_some(),
            Some("context") => self.context.replace(key).is_some(),
            Some("sensitive") => self.sensitive.replace(key).is_some(),
            Some("inert") => self.inert.replace(key).is_some(),
            Some("amount") => self.amount.replace(key).is_some(),
            Some("limit") => {
                let limit = errors.take(value::limit(&entry));
                self.limit.replace((key, limit)).is_some()
            }
            Some("default") => {
                let value = entry.value.map_or(DefaultValue::OfType, DefaultValue::Expression);
                self.default.replace((key, value)).is_some()
            }
            Some("content_of") => {
                let content_of = content_of(entry.value, errors);
                self.content_of.replace((key, content_of)).is_some()
            }
            _ => false,
        };
        if twice {
            errors.at(&entry.key, format!("`{given}` is given twice"));
        }
    }

    fn role(self, ty: &Type, docs: &Docs, errors: &mut Errors) -> Option<Role> {
        let content_of = self.content_of.as_ref().map(|(key, _)| key);
        let for_arguments = [
            self.sensitive.as_ref(),
            self.inert.as_ref(),
            self.amount.as_ref(),
            self.limit.as_ref().map(|(key, _)| key),
            self.default.as_ref().map(|(key, _)| key),
            content_of,
        ];
        let for_arguments = for_arguments.into_iter().flatten().next();
        if let Some(state) = &self.state {
            if let Some(other) = self.context.as_ref().or(for_arguments) {
                errors.at(other, "host state comes from the gate: it takes no other key");
            }
            let (ty, borrowed) = injected(ty, state, errors)?;
            return Some(Role::State { ty, borrowed });
        }
        if let Some(context) = &self.context {
            if let Some(other) = for_arguments {
                errors.at(other, "the context comes from the gate: it takes no other key");
            }
            let (ty, borrowed) = injected(ty, context, errors)?;
            if last_segment(&ty).is_some_and(|name| name == "Option") {
                errors.at(
                    &ty,
                    "a context is never optional, every call has one: \
                     take `&CallContext` or `CallContext`",
                );
                return None;
            }
            return Some(Role::Context { ty, borrowed });
        }
        if let (Some(_), Some((_, DefaultValue::Expression(value)))) =
            (&self.sensitive, &self.default)
        {
            errors.at(
                value,
                "the default of a sensitive parameter would stand in the schema, for all to read: \
                 take an `Option` and fill it in the body",
            );
        }
        if let (Some(_), Some((key, _))) = (&self.sensitive, &self.content_of) {
            errors.at(
                key,
                "nobody sees a sensitive parameter, and what it names is shown to reviewers: keep \
                 one of the two keys",
            );
        }
        if let (Some(_), Some((key, _))) = (&self.inert, &self.content_of) {
            errors.at(
                key,
                "an inert parameter is text that nobody interprets, and what this one names is read: \
                 keep one of the two keys",
            );
        }
        if let (None, Some((key, _))) = (&self.amount, &self.limit) {
            errors
                .at(key, "`limit` is the limit of an amount: write `#[hitl(amount, limit = ..)]`");
        }
        let limit = self.limit.and_then(|(_, limit)| limit);
        let mut ignored = Errors::default();
        let storage = storage(ty, if self.unclear { &mut ignored } else { errors })?;
        Some(Role::Argument(Box::new(Argument {
            storage,
            sensitive: self.sensitive.is_some(),
            inert: self.inert.is_some(),
            amount: self.amount.map(|_| limit.map_or(AmountLimit::Default, AmountLimit::Own)),
            default: self.default.map(|(_, value)| value),
            content_of: self.content_of.map(|(_, content_of)| content_of),
            description: docs.text(),
        })))
    }
}

/// Returns the reader of the content, as it was given.
fn content_of(value: Option<Expr>, errors: &mut Errors) -> ContentOf {
    match value.map(unwrap_expression) {
        None => return ContentOf::Files,
        Some(Expr::Path(reader))
            if reader.qself.is_some() || !value::starts_with_self(&reader.path) =>
        {
            return ContentOf::Reader(reader);
        }
        Some(Expr::Path(reader)) => errors.at(
            reader,
            "`content_of` is expanded outside of the `impl` block: name the type instead of `Self`",
        ),
        Some(other) => errors.at(
            other,
            "`content_of` takes the name of an `async fn` that reads what the argument names, like \
             `content_of = read_it`; alone it reads the file of this path",
        ),
    }
    ContentOf::Files
}

/// Unwraps an expression that a `macro_rules!` has passed through in a group.
fn unwrap_expression(mut value: Expr) -> Expr {
    loop {
        value = match value {
            Expr::Group(group) => *group.expr,
            other => return other,
        }
    }
}

/// Returns the storage of an argument of this type.
fn storage(ty: &Type, errors: &mut Errors) -> Option<ParamStorage> {
    if let Some(token) = scan::impl_trait(ty) {
        errors.at(token, "a tool's parameter has one type: name it instead of `impl`");
        return None;
    }
    let storage = match ty {
        Type::Reference(TypeReference { lifetime: None, mutability: None, elem, .. }) => {
            match unwrap_group((**elem).clone()) {
                Type::Slice(slice) => ParamStorage::Slice(*slice.elem),
                Type::Path(path) if path.path.is_ident("str") => ParamStorage::Str,
                _ => return borrowed_argument(ty.to_token_stream(), errors),
            }
        }
        owned => ParamStorage::Owned(owned.clone()),
    };
    let inner = match &storage {
        ParamStorage::Owned(ty) | ParamStorage::Slice(ty) => ty.to_token_stream(),
        ParamStorage::Str => TokenStream::new(),
    };
    if let Some((at, why)) = unfit(inner.clone()) {
        errors.at(at, why);
        return None;
    }
    if scan::reference(&inner).is_some() {
        return borrowed_argument(inner, errors);
    }
    if let Some(lifetime) = scan::lifetime(&inner) {
        errors.at(lifetime, "a call owns its arguments: only `'static` can stand here");
        return None;
    }
    Some(storage)
}

fn borrowed_argument(at: TokenStream, errors: &mut Errors) -> Option<ParamStorage> {
    errors.at(
        at,
        "a call owns its arguments: take an owned type, `&str` or `&[T]`. What the host gives is \
         marked: `#[hitl(state)]` for its state, `#[hitl(context)]` for the call's context",
    );
    None
}

/// Returns the type of the value that the gate provides, and whether the body borrows it.
fn injected(ty: &Type, key: &Ident, errors: &mut Errors) -> Option<(Type, bool)> {
    let (inner, borrowed) = match ty {
        Type::Reference(reference) => {
            if let Some(mutability) = &reference.mutability {
                errors.at(
                    mutability,
                    format!("`#[hitl({key})]` is shared by all calls: borrow it with `&`"),
                );
                return None;
            }
            if let Some(lifetime) = &reference.lifetime {
                errors.at(
                    lifetime,
                    format!("`#[hitl({key})]` is borrowed for this call only: write `&` alone"),
                );
                return None;
            }
            (unwrap_group((*reference.elem).clone()), true)
        }
        owned => (owned.clone(), false),
    };
    if let Some(token) = scan::impl_trait(&inner) {
        errors.at(token, "the gate finds state by its exact type: name it instead of `impl`");
        return None;
    }
    let fault = scan::lifetime(&inner);
    if let Some(fault) = fault.or_else(|| scan::reference(&inner).map(|token| quote!(#token))) {
        errors.at(fault, format!("`#[hitl({key})]` takes a type that owns what it holds"));
        return None;
    }
    Some((inner, borrowed))
}

/// Unwraps a type that a `macro_rules!` has passed through in a group.
fn unwrap_group(mut ty: Type) -> Type {
    loop {
        ty = match ty {
            Type::Group(group) => *group.elem,
            Type::Paren(paren) => *paren.elem,
            other => return other,
        }
    }
}

/// Returns the last name of a path.
pub(super) fn last_segment(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}
