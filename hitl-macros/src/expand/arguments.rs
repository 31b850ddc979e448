//! The constructor, which has the fn's name, and the struct that it returns: a call as a value.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{LitStr, PathArguments, Type};

use super::round_trip::is_plain;
use super::tool::Names;
use crate::parse::{
    Argument, Attribute, Attributes, DefaultValue, Function, ParamStorage, Parameter,
};

pub(super) fn constructor(attribute: &Attribute, function: &Function) -> TokenStream {
    let Function { vis, name, arguments, attributes, .. } = function;
    let Attributes { existence, constructor: other, lints, .. } = attributes;
    let docs = docs(attribute, function);
    let parameters = arguments_of(function).map(|(parameter, argument)| {
        let Parameter { ident: name, existence, lints, .. } = parameter;
        let ty = argument.storage.ty();
        if argument.converts() {
            quote!(#(#existence)* #(#lints)* #name: impl ::core::convert::Into<#ty>)
        } else {
            quote!(#(#existence)* #(#lints)* #name: #ty)
        }
    });
    let fields = arguments_of(function).map(|(parameter, argument)| {
        let Parameter { ident: name, existence, .. } = parameter;
        if argument.converts() {
            quote!(#(#existence)* #name: ::core::convert::Into::into(#name))
        } else {
            quote!(#(#existence)* #name)
        }
    });
    let quiet = function
        .parameters
        .iter()
        .any(underscored)
        .then(|| quote!(#[allow(clippy::used_underscore_binding)]));
    // Lints about `self` apply to methods, and this is no longer one.
    let convention = function
        .method
        .is_some()
        .then(|| quote!(#[allow(clippy::wrong_self_convention, clippy::new_ret_no_self)]));
    quote! {
        #(#existence)*
        #docs
        #(#other)*
        #(#lints)*
        #quiet
        // A tool that only a model calls does not use its constructor; and a tool has as many
        // parameters as the model needs.
        #[allow(dead_code, clippy::too_many_arguments, clippy::fn_params_excessive_bools)]
        #convention
        #vis fn #name(#(#parameters),*) -> #arguments {
            #arguments { #(#fields),* }
        }
    }
}

pub(super) fn structure(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let Function { vis, name, arguments, attributes, .. } = function;
    let Attributes { existence, lints, .. } = attributes;
    let private = &names.private;
    let (serde, schemars) =
        (path_text(&quote!(#private::serde)), path_text(&quote!(#private::schemars)));
    let name = name.unraw().to_string();
    let name = match &function.method {
        Some(method) => format!("{}::{name}", path_text(&method.service.to_token_stream())),
        None => name,
    };
    let summary = format!(" A call of `{name}`: made by it, run by a gate.");
    let docs = docs(attribute, function);
    let description = names.description.as_str();
    let fields = arguments_of(function)
        .map(|(parameter, argument)| field(parameter, argument, function, names));
    // The compiler reports it for the parameter already.
    let cased = arguments_of(function)
        .any(|(parameter, _)| parameter.ident.to_string().contains(char::is_uppercase))
        .then(|| quote!(#[allow(non_snake_case)]));
    quote! {
        #(#existence)*
        #[doc = #summary]
        #[doc = ""]
        #docs
        #[derive(#private::serde::Deserialize, #private::schemars::JsonSchema)]
        #[serde(crate = #serde, deny_unknown_fields)]
        #[schemars(crate = #schemars, description = #description)]
        #[must_use = "a call does nothing until it is given to a gate"]
        #(#lints)*
        #cased
        #[allow(clippy::struct_excessive_bools, clippy::struct_field_names)]
        #vis struct #arguments {
            #(#fields),*
        }
    }
}

fn field(
    parameter: &Parameter,
    argument: &Argument,
    function: &Function,
    names: &Names,
) -> TokenStream {
    let Parameter { ident: name, existence, lints, .. } = parameter;
    let ty = argument.storage.ty();
    // Always a path of the macro's own: the code that a derive would write for a bare default
    // depends on the meaning of `Default` in the user's module.
    let default = argument.default.as_ref().map(|_| {
        let path = format!("{}::{}", function.arguments, default_name(parameter));
        quote!(#[serde(default = #path)])
    });
    let description =
        argument.description.as_ref().map(|text| quote!(#[schemars(description = #text)]));
    let secret = argument.sensitive.then(|| quote!(#[schemars(extend("writeOnly" = true))]));
    // A type of the user's own may have no schema: then the compiler explains how to derive one.
    let plain = syn::parse2::<Type>(ty.to_token_stream()).is_ok_and(|ty| is_plain(&ty));
    let described = (!plain).then(|| {
        let private = &names.private;
        let span = Span::call_site().located_at(parameter.ty.span());
        let with = LitStr::new(&quote!(#private::Described<#ty>).to_string(), span);
        quote!(#[schemars(with = #with)])
    });
    quote!(#(#existence)* #(#lints)* #default #description #secret #described #name: #ty)
}

/// Returns the fns that make default values, and a `Debug` without secrets.
pub(super) fn impls(function: &Function, names: &Names) -> TokenStream {
    let Function { arguments, .. } = function;
    let short = &names.short;
    let text = arguments.to_string();
    let defaults: Vec<_> = arguments_of(function)
        .filter_map(|(parameter, argument)| {
            let name = default_name(parameter);
            let ty = argument.storage.ty();
            let value = match argument.default.as_ref()? {
                DefaultValue::OfType => {
                    let span = Span::call_site().located_at(parameter.ty.span());
                    quote_spanned!(span=> ::core::default::Default::default())
                }
                DefaultValue::Expression(value) if argument.converts() => {
                    quote!(::core::convert::Into::into(#value))
                }
                DefaultValue::Expression(value) => value.to_token_stream(),
            };
            let existence = &parameter.existence;
            Some(quote!(#(#existence)* fn #name() -> #ty { #value }))
        })
        .collect();
    let defaults = (!defaults.is_empty()).then(|| quote!(impl #arguments { #(#defaults)* }));
    quote! {
        #defaults

        impl ::core::fmt::Debug for #arguments {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #short::debug_arguments(self, #text, f)
            }
        }
    }
}

pub(super) fn arguments_of(function: &Function) -> impl Iterator<Item = (&Parameter, &Argument)> {
    function.parameters.iter().filter_map(|p| p.argument().map(|argument| (p, argument)))
}

/// Returns whether the parameter's name says that the body does not use it. The macro's code does
/// use it, which the lints for such names should not report.
pub(super) fn underscored(parameter: &Parameter) -> bool {
    parameter.ident.to_string().starts_with('_')
}

fn default_name(parameter: &Parameter) -> proc_macro2::Ident {
    quote::format_ident!("__hitl_default_{}", parameter.ident.unraw())
}

/// Returns the fn's own documentation, or its description.
fn docs(attribute: &Attribute, function: &Function) -> TokenStream {
    let written = &function.docs.attributes;
    match &attribute.description {
        Some(description) if written.is_empty() => {
            let text = &description.value;
            quote!(#[doc = #text])
        }
        _ => quote!(#(#written)*),
    }
}

/// Formats a path for the attributes of other macros.
pub(crate) fn path_text(path: &TokenStream) -> String {
    path.to_string().replace(' ', "")
}

impl Argument {
    /// Returns whether the constructor takes any type that converts to the argument's.
    fn converts(&self) -> bool {
        match &self.storage {
            ParamStorage::Str | ParamStorage::Slice(_) => true,
            ParamStorage::Owned(ty) => is_string(ty),
        }
    }
}

impl ParamStorage {
    /// Returns the type in the struct.
    fn ty(&self) -> TokenStream {
        match self {
            Self::Owned(ty) => ty.to_token_stream(),
            Self::Str => quote!(::std::string::String),
            Self::Slice(item) => quote!(::std::vec::Vec<#item>),
        }
    }
}

/// Returns whether the type is `String`, by any usual path.
fn is_string(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let segments = &path.path.segments;
    let names: Vec<String> = segments.iter().map(|segment| segment.ident.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    path.qself.is_none()
        && segments.iter().all(|segment| matches!(segment.arguments, PathArguments::None))
        && matches!(names[..], ["String"] | ["std" | "alloc", "string", "String"])
}
