//! `impl Tool`, in a `const _` so that its helpers have no names outside.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::arguments::{arguments_of, underscored};
use super::{arguments, body, contents, preview, round_trip, spec};
use crate::parse::{Attribute, Attributes, Function};

/// The names that several parts of the expansion need.
pub(crate) struct Names {
    /// The path to everything that the expansion uses: `::hitl::__private`.
    pub(crate) private: TokenStream,
    /// Its short name inside the `const _`.
    pub(crate) short: TokenStream,
    /// The description of the tool.
    pub(crate) description: String,
}

impl Names {
    pub(crate) fn new(attribute: &Attribute, function: &Function) -> Self {
        let root = attribute.root.as_ref().map_or_else(|| quote!(::hitl), |path| quote!(#path));
        let description = attribute.description.as_ref().map(|given| given.value.clone());
        Self {
            private: quote!(#root::__private),
            short: quote!(__hitl),
            description: description.or_else(|| function.docs.text()).unwrap_or_default(),
        }
    }
}

/// The expansion of a tool.
pub(crate) struct Expansion {
    /// The item that replaces the fn.
    pub(crate) constructor: TokenStream,
    /// The items beside it, or beside its `impl` block.
    pub(crate) items: TokenStream,
}

pub(crate) fn tool(attribute: &Attribute, function: &Function, names: &Names) -> Expansion {
    let structure = arguments::structure(attribute, function, names);
    let implementation = implementation(attribute, function, names);
    Expansion {
        constructor: arguments::constructor(attribute, function),
        items: quote!(#structure #implementation),
    }
}

fn implementation(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let (private, short) = (&names.private, &names.short);
    let arguments = &function.arguments;
    let Attributes { existence, lints, .. } = &function.attributes;
    let impls = arguments::impls(function, names);
    let types = body::types(attribute, function, names);
    let spec = spec::spec(attribute, function, names);
    let snapshot = snapshot(function, short);
    let lost_in = round_trip::lost_in(function, short);
    let contents = contents::contents(function, short);
    let body = body::service_trait(attribute, function, names);
    let run = body::run(attribute, function, names);
    let preview = preview::preview(attribute, function, names);
    let reconciler = body::reconciler(attribute, function, names);
    let proof = body::proof(attribute, function, names);
    quote! {
        #(#existence)*
        #(#lints)*
        const _: () = {
            use #private as #short;

            #impls

            #body

            impl #short::Tool for #arguments {
                #types
                const SPEC: #short::ToolSpec = #spec;
                #snapshot
                #lost_in
                #contents
                #preview
                #reconciler
                #run
            }

            #proof
        };
    }
}

fn snapshot(function: &Function, short: &TokenStream) -> TokenStream {
    let mut fields: Vec<_> = arguments_of(function)
        .map(|(parameter, argument)| (parameter.ident.unraw().to_string(), parameter, argument))
        .collect();
    // The writer sorts keys that are not in order, at run time.
    fields.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let writer = if fields.is_empty() { quote!(_) } else { quote!(fields) };
    let fields = fields.iter().map(|(name, parameter, argument)| {
        let ident = &parameter.ident;
        // The span of the parameter's type, where an error belongs if it cannot be written.
        let span = Span::call_site().located_at(parameter.ty.span());
        let value = quote_spanned!(span=> &self.#ident);
        let existence = &parameter.existence;
        if argument.sensitive {
            quote!(#(#existence)* fields.sensitive(#name, #value)?;)
        } else {
            quote!(#(#existence)* fields.field(#name, #value)?;)
        }
    });
    let quiet = function
        .parameters
        .iter()
        .any(underscored)
        .then(|| quote!(#[allow(clippy::used_underscore_binding)]));
    quote! {
        #quiet
        fn snapshot(
            &self,
            to: &mut #short::SnapshotWriter,
        ) -> ::core::result::Result<(), #short::SnapshotError> {
            to.object(|#writer| {
                #(#fields)*
                ::core::result::Result::Ok(())
            })
        }
    }
}
