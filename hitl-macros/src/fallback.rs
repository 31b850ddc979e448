//! The replacement for a tool that cannot be expanded, so that its uses elsewhere add no errors of
//! their own.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::{ImplItem, ItemFn, ItemImpl, Type};

use crate::expand::{Expansion, Names, path_text};
use crate::parse::{Function, Returns, is_tool, without_ours};

/// Returns a tool with the right names and no body. Its constructor takes anything.
pub(crate) fn tool(function: &Function, names: &Names) -> Expansion {
    let Function { vis, name, arguments, attributes, docs, returns, .. } = function;
    let existence = &attributes.existence;
    let docs = &docs.attributes;
    let private = &names.private;
    let read = function.parameters.iter().filter(|p| p.argument().is_some()).count();
    let anything = (0..read + function.invalid).map(|_| quote!(_: impl ::core::marker::Sized));
    let (output, error) = match returns {
        Returns::Unit => (quote!(()), infallible()),
        Returns::Other(ty) => (ty.to_token_stream(), infallible()),
        Returns::NamedResult(ty) => projected(ty, private),
    };
    let serde = path_text(&quote!(#private::serde));
    let schemars = path_text(&quote!(#private::schemars));
    let tool = name.unraw().to_string();
    let constructor = quote! {
        #(#existence)*
        #(#docs)*
        #[allow(dead_code, clippy::too_many_arguments)]
        #vis fn #name(#(#anything),*) -> #arguments {
            #arguments {}
        }
    };
    let items = quote! {
        #(#existence)*
        #(#docs)*
        #[derive(::core::fmt::Debug, #private::serde::Deserialize, #private::schemars::JsonSchema)]
        #[serde(crate = #serde)]
        #[schemars(crate = #schemars)]
        #vis struct #arguments {}

        #(#existence)*
        const _: () = {
            impl #private::Tool for #arguments {
                type Output = #output;
                type Error = #error;
                const SPEC: #private::ToolSpec = #private::ToolSpec::new(#tool, "");
                fn snapshot(
                    &self,
                    _: &mut #private::SnapshotWriter,
                ) -> ::core::result::Result<(), #private::SnapshotError> {
                    ::core::result::Result::Ok(())
                }
                async fn run(
                    _: #private::Permit<Self>,
                ) -> ::core::result::Result<Self::Output, Self::Error> {
                    loop {}
                }
            }
        };
    };
    Expansion { constructor, items }
}

fn infallible() -> TokenStream {
    quote!(::core::convert::Infallible)
}

fn projected(ty: &Type, private: &TokenStream) -> (TokenStream, TokenStream) {
    (quote!(<#ty as #private::ToolReturn>::Output), quote!(<#ty as #private::ToolReturn>::Error))
}

/// Returns the item unchanged, except for the attributes that only this macro understands.
pub(crate) fn untouched(mut item: ItemFn) -> TokenStream {
    without_ours(&mut item.sig);
    item.into_token_stream()
}

/// Returns the block unchanged, except for the attributes that only this macro understands.
pub(crate) fn untouched_block(mut block: ItemImpl) -> TokenStream {
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            method.attrs.retain(|attribute| !is_tool(attribute));
            without_ours(&mut method.sig);
        }
    }
    block.into_token_stream()
}
