//! All tools of a service, to be registered at once.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Ident, Path};

use crate::parse::Service;

pub(crate) fn tool_set<'a>(
    service: &Service,
    root: Option<&Path>,
    cfg: &[Attribute],
    tools: impl Iterator<Item = (&'a [Attribute], &'a Ident)>,
) -> TokenStream {
    let root = root.map_or_else(|| quote!(::hitl), |path| quote!(#path));
    let register = tools.map(|(existence, tool)| {
        quote! {
            #(#existence)*
            let gate = gate.tool::<#tool>();
        }
    });
    quote! {
        #(#cfg)*
        const _: () = {
            use #root::__private as __hitl;

            impl __hitl::OneBlockOfToolsForEachType for #service {
                fn register(gate: __hitl::GateBuilder) -> __hitl::GateBuilder {
                    #(#register)*
                    gate
                }
            }
        };
    }
}
