//! `Tool::contents`: reads the contents that arguments name.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::arguments::arguments_of;
use crate::parse::{ContentOf, Function};

/// Returns `None` if no argument names any: then the trait's default applies.
pub(super) fn contents(function: &Function, short: &TokenStream) -> Option<TokenStream> {
    let readers: Vec<_> = arguments_of(function)
        .filter_map(|(parameter, argument)| {
            let ident = &parameter.ident;
            let name = ident.unraw().to_string();
            let reads = match argument.content_of.as_ref()? {
                ContentOf::Files => {
                    // The span of the parameter's type, where an error belongs if it is no path.
                    let span = Span::call_site().located_at(parameter.ty.span());
                    let paths = quote_spanned!(span=> &self.#ident);
                    quote!(__hitl_readers.file(#name, #paths);)
                }
                ContentOf::Reader(reader) => {
                    let span = Span::call_site().located_at(reader.span());
                    let reading = quote_spanned!(span=> #reader(&__hitl_named).await);
                    quote! {
                        let __hitl_named = ::core::clone::Clone::clone(&self.#ident);
                        __hitl_readers.read(#name, async move { #reading });
                    }
                }
            };
            let existence = &parameter.existence;
            Some(quote!(#(#existence)* { #reads }))
        })
        .collect();
    (!readers.is_empty()).then(|| {
        quote! {
            #[allow(clippy::all, clippy::pedantic, clippy::used_underscore_binding)]
            fn contents(&self, __hitl_readers: &mut #short::ContentReaders) {
                #(#readers)*
            }
        }
    })
}
