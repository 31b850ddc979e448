//! `Tool::preview`: renders what a call would do, with an `async fn` of the host.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::body::{hygienic, quiet, service, value};
use super::tool::Names;
use crate::parse::{Attribute, Function};

/// Returns the fn `preview`, if the attribute names an `async fn` that takes the parameters of the
/// body. Without it, the trait's default applies.
pub(super) fn preview(
    attribute: &Attribute,
    function: &Function,
    names: &Names,
) -> Option<TokenStream> {
    let render = attribute.preview.as_ref()?;
    let short = &names.short;
    let (call, cx) = (hygienic("call"), hygienic("cx"));
    let (service, instance) = service(function);
    let instance = instance.map(|instance| quote!(&#instance,));
    let values = function.parameters.iter().map(|parameter| {
        let existence = &parameter.existence;
        let value = value(parameter, names);
        quote!(#(#existence)* #value)
    });
    // An error about the fn's parameters or its result is reported at its name.
    let span = Span::mixed_site().located_at(render.span());
    let rendering = quote_spanned!(span=> #render(#instance #(#values),*).await);
    let rendered = quote_spanned!(span=> #short::PreviewReturn::into_preview(#rendering));
    let quiet = quiet();
    Some(quote! {
        #quiet
        async fn preview(
            self,
            #cx: #short::RunContext,
        ) -> ::core::result::Result<#short::CallPreview, ::std::string::String> {
            let #call = self;
            #service
            #rendered
        }
    })
}
