//! The annotated fn.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{
    AttrStyle, Attribute, Block, FnArg, ItemFn, Path, Receiver, ReceiverKind, ReturnType, Safety,
    Signature, Type, Visibility,
};

use super::docs::Docs;
use super::impl_block::Service;
use super::lint::{Kind, Spread};
use super::parameter::{InvalidParameter, Parameter, last_segment};
use super::{parameter_uses, scan};
use crate::errors::Errors;

/// The parts of the fn that the macro needs.
pub(crate) struct Function {
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    /// The name of the arguments' struct: `SignContract`.
    pub(crate) arguments: Ident,
    pub(crate) docs: Docs,
    pub(crate) attributes: Attributes,
    pub(crate) parameters: Vec<Parameter>,
    /// The number of further arguments that could not be read.
    pub(crate) invalid: usize,
    pub(crate) returns: Returns,
    pub(crate) body: Block,
    /// True if a body can be generated from the fn. If not, an error tells the reason.
    pub(crate) valid: bool,
    /// The service, if the fn is a method of one.
    pub(crate) method: Option<Method>,
}

/// The parts that only methods have.
pub(crate) struct Method {
    pub(crate) service: Path,
    /// `&self`, as written: the body's `self` means it.
    pub(crate) receiver: Receiver,
}

/// The other attributes of the fn, by their destination.
#[derive(Default)]
pub(crate) struct Attributes {
    /// Conditions for the fn's existence (`cfg`): on every item.
    pub(crate) existence: Vec<Attribute>,
    /// Attributes about its use and its documentation page: on the constructor.
    pub(crate) constructor: Vec<Attribute>,
    /// Lint levels for all items beside the body.
    pub(crate) lints: Vec<Attribute>,
    /// Lint levels and code generation attributes: on the body.
    pub(crate) body: Vec<Attribute>,
    /// `tracing::instrument` and similar macros: on the body, whose arguments are hidden from them.
    pub(crate) foreign: Vec<Attribute>,
}

/// The return type, as far as its spelling tells.
pub(crate) enum Returns {
    /// No return type, or one that was reported.
    Unit,
    /// A type whose name ends in `Result`.
    NamedResult(Type),
    Other(Type),
}

impl Function {
    /// Reads a free fn. Returns `None` for a method: its items would not be items of a module.
    pub(crate) fn read(input: ItemFn, errors: &mut Errors) -> Option<Self> {
        if let Some(FnArg::Receiver(receiver)) = input.sig.inputs.first() {
            errors.at(
                receiver,
                "a method is a tool of its service: put `#[hitl_tools]` on the `impl` block. It sees \
                 the methods that are written there, not what a macro in the block makes later",
            );
            return None;
        }
        Some(Self::new(input, None, errors))
    }

    /// Reads a method of a service.
    pub(crate) fn read_method(mut input: ItemFn, service: &Service, errors: &mut Errors) -> Self {
        let receiver = receiver(&mut input.sig, errors);
        let sig = service.in_place_of_self(input.sig.to_token_stream());
        match syn::parse2(sig) {
            Ok(sig) => input.sig = sig,
            Err(error) => errors.push(error),
        }
        let mut function = Self::new(input, Some(&service.name), errors);
        function.valid &= receiver.is_some();
        let service = service.path.clone();
        function.method = receiver.map(|receiver| Method { service, receiver });
        function
    }

    fn new(input: ItemFn, service: Option<&Ident>, errors: &mut Errors) -> Self {
        let ItemFn { attrs, vis, sig, block, .. } = input;
        let mut valid = check_qualifiers(&sig, errors);
        let mut docs = Docs::default();
        let mut attributes = Attributes::default();
        for mut attribute in attrs {
            // `//! ..` and `#![allow(..)]` at the start of the body.
            attribute.style = AttrStyle::Outer;
            if let Some(other) = docs.take(attribute) {
                attributes.sort_in(other, errors);
            }
        }
        let arguments = struct_name(&sig, service, errors);
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut invalid = 0;
        for input in sig.inputs {
            let FnArg::Typed(input) = input else { continue };
            match Parameter::read(input, errors) {
                Ok(parameter) if parameters.iter().any(|p| p.is_twin_of(&parameter)) => {
                    let twice = format!("there are two parameters `{}`", parameter.ident);
                    errors.at(parameter.ident, twice);
                    valid = false;
                    invalid += 1;
                }
                Ok(parameter) => parameters.push(parameter),
                Err(InvalidParameter { is_argument }) => {
                    valid = false;
                    invalid += usize::from(is_argument);
                }
            }
        }
        let before = errors.len();
        attributes.name(&mut parameters, errors);
        valid &= errors.len() == before;
        let returns =
            if sig.generics.params.is_empty() { Returns::read(sig.output, errors) } else { None };
        valid &= returns.is_some();
        Self {
            vis,
            name: sig.ident,
            arguments,
            docs,
            attributes,
            parameters,
            invalid,
            returns: returns.unwrap_or(Returns::Unit),
            body: *block,
            valid,
            method: None,
        }
    }
}

/// Removes the receiver from a method, if it is `&self`.
fn receiver(sig: &mut Signature, errors: &mut Errors) -> Option<Receiver> {
    let Some(FnArg::Receiver(taken)) = sig.inputs.first().cloned() else {
        errors.at(
            &sig.ident,
            "a tool of a service takes `&self`: one that needs no service is a free async fn",
        );
        return None;
    };
    sig.inputs = std::mem::take(&mut sig.inputs).into_iter().skip(1).collect();
    let why = match &taken.kind {
        ReceiverKind::Reference(_, None, None) => return Some(taken),
        ReceiverKind::Reference(_, _, Some(_)) => {
            "the gate shares a service with all calls: take `&self`, and change what is behind a lock"
        }
        ReceiverKind::Reference(_, Some(_), _) => "write `&self` alone, without a lifetime",
        ReceiverKind::Value => "the gate keeps the service for the next call: take `&self`",
        _ => "the gate lends its service: write `&self`",
    };
    errors.at(taken, why);
    None
}

fn check_qualifiers(sig: &Signature, errors: &mut Errors) -> bool {
    let mut valid = true;
    if sig.asyncness.is_none() && sig.constness.is_none() {
        // A body that does not await is a body all the same: the rest is expanded as if it did.
        errors.at(sig.fn_token, "a tool is an `async fn`: write `async fn`");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.at(token, "a tool cannot be `unsafe`: an approval is no proof of safety");
        valid = false;
    }
    if let Some(token) = &sig.constness {
        errors.at(token, "a tool cannot be `const`: it runs behind a gate");
        valid = false;
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "a tool cannot be `extern`: only a gate calls it");
        valid = false;
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "a tool names each of its parameters");
        valid = false;
    }
    if !sig.generics.params.is_empty() {
        errors.at(
            &sig.generics,
            "a tool cannot be generic: its arguments have one schema. Write one tool per type",
        );
        valid = false;
    } else if let Some(clause) = &sig.generics.where_clause {
        errors.at(clause, "a tool cannot be generic: leave the `where` clause out");
    }
    valid
}

impl Attributes {
    fn sort_in(&mut self, mut attribute: Attribute, errors: &mut Errors) {
        // `#![allow(..)]` at the start of the body.
        attribute.style = AttrStyle::Outer;
        for spread in Spread::all_in(&attribute) {
            match spread.kind() {
                Kind::Tool => errors.at(&attribute, "`#[hitl_tool]` is given twice"),
                Kind::Linked => errors.at(
                    &attribute,
                    "a tool's body has no name of its own: others could link to it, past the gate",
                ),
                Kind::Existence => self.existence.push(spread.attribute()),
                Kind::Constructor => self.constructor.push(spread.attribute()),
                Kind::MustUse => {}
                Kind::Lint => {
                    self.lints.push(spread.beside_the_body());
                    self.body.extend(spread.on_the_body());
                }
                Kind::Inert => self.body.push(spread.attribute()),
                Kind::Start => errors.at(
                    &attribute,
                    "a gate runs this fn, in the runtime of the gate: leave this attribute out",
                ),
                Kind::Foreign => self.foreign.push(spread.attribute()),
            }
        }
    }

    /// Adds the lint levels of the block. The fn's own are stronger.
    pub(crate) fn within(&mut self, lints: &[Attribute]) {
        for levels in [&mut self.lints, &mut self.body] {
            levels.splice(0..0, lints.iter().cloned());
        }
    }

    /// Marks the parameters that other attributes name, and passes those to them, because the user
    /// wants to see them there. A secret is named only to be skipped.
    fn name(&self, parameters: &mut [Parameter], errors: &mut Errors) {
        let lists = self.foreign.iter().filter_map(|attribute| attribute.meta.require_list().ok());
        for found in lists.flat_map(|list| parameter_uses::uses(list.tokens.clone())) {
            let mut sensitive = false;
            for parameter in parameters.iter_mut().filter(|p| p.ident.unraw() == found.name) {
                parameter.named = true;
                sensitive |= parameter.argument().is_some_and(|argument| argument.sensitive);
            }
            if sensitive && !found.skipped {
                errors.at(
                    &found.at,
                    format!(
                        "`{}` is sensitive, and this attribute would show it: leave it out",
                        found.name
                    ),
                );
            }
        }
    }
}

impl Returns {
    fn read(output: ReturnType, errors: &mut Errors) -> Option<Self> {
        let ReturnType::Type(_, ty) = output else { return Some(Self::Unit) };
        if let Some(token) = scan::impl_trait(&ty) {
            errors.at(token, "what a tool returns is stored: name its type instead of `impl`");
            return None;
        }
        if let Type::Reference(_) = *ty {
            errors.at(ty, "what a tool returns is stored: return an owned type");
            return None;
        }
        Some(match last_segment(&ty) {
            Some(name) if name.to_string().ends_with("Result") => Self::NamedResult(*ty),
            _ => Self::Other(*ty),
        })
    }
}

/// Names of the prelude that a struct beside the fn would hide from the whole module.
const PRELUDE: [&str; 29] = [
    "Box", "Option", "Result", "String", "Vec", "Send", "Sync", "Sized", "Copy", "Clone", "Drop",
    "Fn", "FnMut", "FnOnce", "AsRef", "AsMut", "Into", "From", "TryInto", "TryFrom", "Default",
    "Iterator", "Extend", "ToString", "ToOwned", "Eq", "Ord", "Future", "Unpin",
];

/// Returns `SignContract` for `sign_contract`, `OfficeSignContract` for that of an `Office`.
fn struct_name(sig: &Signature, service: Option<&Ident>, errors: &mut Errors) -> Ident {
    let function = &sig.ident;
    let own = function.unraw().to_string();
    let service = service.map(|service| service.unraw().to_string()).unwrap_or_default();
    let name: String = service.chars().chain(own.split('_').flat_map(capitalised)).collect();
    let Ok(mut ident) = syn::parse_str::<Ident>(&name) else {
        errors.at(
            function,
            format!(
                "the struct of this tool's arguments would be called `{name}`, which is no name: \
                 rename the fn (`name = \"..\"` sets the tool's name)"
            ),
        );
        return stand_in(&name, function);
    };
    ident.set_span(function.span());
    if PRELUDE.contains(&name.as_str()) {
        errors.at(
            function,
            format!(
                "the struct of this tool's arguments would be called `{name}` and hide Rust's own \
                 `{name}` here: rename the fn (`name = \"..\"` sets the tool's name)"
            ),
        );
    } else if let Some(used) = used_in_signature(sig, &ident) {
        errors.at(
            used,
            format!(
                "the struct of this tool's arguments is called `{name}` too: rename the fn or \
                 this type (`name = \"..\"` sets the tool's name)"
            ),
        );
    } else {
        return ident;
    }
    stand_in(&name, function)
}

/// Returns a name for the struct of a fn that has to be renamed, so that this is the only error.
fn stand_in(name: &str, function: &Ident) -> Ident {
    Ident::new(&format!("Hitl{name}"), function.span())
}

fn capitalised(part: &str) -> impl Iterator<Item = char> {
    let mut letters = part.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters)
}

/// Returns the name as the signature uses it, if it does so without a path before it.
fn used_in_signature(sig: &Signature, name: &Ident) -> Option<Ident> {
    let types = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => Some(&input.ty),
        FnArg::Receiver(_) => None,
    });
    let output = match &sig.output {
        ReturnType::Type(_, ty) => Some(ty),
        ReturnType::Default => None,
    };
    types.chain(output).find_map(|ty| scan::unqualified(ty, name))
}
