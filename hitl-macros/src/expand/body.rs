//! The way into the body. It takes the permit itself, so that even who finds its name cannot call
//! it: nobody but a gate has a permit.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Type};

use super::arguments::underscored;
use super::tool::Names;
use crate::parse::{Attribute, Function, Held, Method, Parameter, Returns, Role};

/// What the fn returns, as the attribute and its spelling say.
enum Returned<'f> {
    Unit,
    Plain(&'f Type),
    Fallible(&'f Type),
}

impl<'f> Returned<'f> {
    fn of(attribute: &Attribute, function: &'f Function) -> Self {
        match &function.returns {
            Returns::Unit => Self::Unit,
            Returns::NamedResult(ty) if attribute.infallible.is_some() => Self::Plain(ty),
            Returns::Other(ty) if attribute.fallible.is_none() => Self::Plain(ty),
            Returns::NamedResult(ty) | Returns::Other(ty) => Self::Fallible(ty),
        }
    }
}

/// `type Output` and `type Error`.
pub(super) fn types(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    match Returned::of(attribute, function) {
        Returned::Unit => quote! {
            type Output = ();
            type Error = ::core::convert::Infallible;
        },
        Returned::Plain(ty) => quote! {
            type Output = #ty;
            type Error = ::core::convert::Infallible;
        },
        Returned::Fallible(ty) => {
            let (output, error) = projected(ty, short);
            quote! {
                type Output = #output;
                type Error = #error;
            }
        }
    }
}

/// The two types in a `Result`. What only compiles for a `Result` has the span of the type, so
/// that the compiler says there, and once, that it is none.
fn projected(ty: &Type, short: &TokenStream) -> (TokenStream, TokenStream) {
    let span = ty.span();
    (
        quote_spanned!(span=> <#ty as #short::ToolReturn>::Output),
        quote_spanned!(span=> <#ty as #short::ToolReturn>::Error),
    )
}

/// Has the compiler prove that a plain return type is not a `Result` under another name, whose
/// errors would pass as success.
pub(super) fn proof(
    attribute: &Attribute,
    function: &Function,
    names: &Names,
) -> Option<TokenStream> {
    let Returned::Plain(ty) = Returned::of(attribute, function) else { return None };
    let short = &names.short;
    let flag = if attribute.infallible.is_some() {
        "remove `infallible` from"
    } else {
        "add `fallible` to"
    };
    let message = format!(
        "the return type of `{}` is a `Result` under another name: {flag} `#[hitl_tool(..)]`",
        function.name
    );
    let span = at(ty);
    let assertion = quote_spanned! {span=>
        ::core::assert!(!#short::Probe::<#ty>::IS_RESULT, #message)
    };
    Some(quote! {
        const _: () = {
            use #short::Unproven as _;
            #assertion
        };
    })
}

/// `run`.
pub(super) fn run(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    let permit = hygienic("permit");
    let own = quote!(::core::result::Result<Self::Output, Self::Error>);
    let (body, call) = match &function.method {
        None => {
            let body = body(attribute, function, names);
            (Some(body), quote!(__hitl_body(#permit).await))
        }
        Some(Method { service, .. }) => {
            let instance = hygienic("service");
            let call = quote!({
                let #instance = ::core::clone::Clone::clone(
                    #permit.cx().state::<::std::sync::Arc<#service>>(),
                );
                <#service as __HitlService>::__hitl_body(&#instance, #permit).await
            });
            (None, call)
        }
    };
    let (result, ended) = match Returned::of(attribute, function) {
        Returned::Unit => {
            let ended = quote! {
                #call;
                ::core::result::Result::Ok(())
            };
            (own, ended)
        }
        Returned::Plain(_) => (own, quote!(::core::result::Result::Ok(#call))),
        Returned::Fallible(ty) => {
            let into_result = quote_spanned!(ty.span()=> <#ty as #short::ToolReturn>::into_result);
            let (output, error) = projected(ty, short);
            let result = quote!(::core::result::Result<#output, #error>);
            (result, quote!(#into_result(#call)))
        }
    };
    quote! {
        async fn run(#permit: #short::Permit<Self>) -> #result {
            #body
            #ended
        }
    }
}

/// The body of a method: in a trait of its own, because `self` and `Self` are those of the service.
/// The trait has no name outside, and takes the permit like any body.
pub(super) fn of_service(
    attribute: &Attribute,
    function: &Function,
    names: &Names,
) -> Option<TokenStream> {
    let Method { service, .. } = function.method.as_ref()?;
    let (short, arguments) = (&names.short, &function.arguments);
    let body = body(attribute, function, names);
    let returns = arrow(attribute, function);
    Some(quote! {
        trait __HitlService {
            async fn __hitl_body(&self, permit: #short::Permit<#arguments>) #returns;
        }

        impl __HitlService for #service {
            #body
        }
    })
}

fn body(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    let Function { arguments, body, parameters, attributes, method, .. } = function;
    let attributes = &attributes.body;
    let (permit, call, cx) = (hygienic("permit"), hygienic("call"), hygienic("cx"));
    let bindings = parameters.iter().map(|parameter| binding(parameter, &call, &cx, short));
    let returns = arrow(attribute, function);
    let receiver = method.as_ref().map(|Method { receiver, .. }| quote!(#receiver,));
    quote! {
        #(#attributes)*
        async fn __hitl_body(#receiver #permit: #short::Permit<#arguments>) #returns {
            let (#call, #cx) = #permit.open();
            #(#bindings)*
            #body
        }
    }
}

/// `-> ..`, as written.
fn arrow(attribute: &Attribute, function: &Function) -> Option<TokenStream> {
    match Returned::of(attribute, function) {
        Returned::Unit => None,
        Returned::Plain(ty) | Returned::Fallible(ty) => Some(quote!(-> #ty)),
    }
}

fn hygienic(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// `let`, with the fn's own name and type.
fn binding(parameter: &Parameter, call: &Ident, cx: &Ident, short: &TokenStream) -> TokenStream {
    let Parameter { ident, mutability, ty: written, role } = parameter;
    let span = at(written);
    let value = match role {
        Role::Argument(argument) => match argument.held {
            Held::Owned(_) => quote!(#call.#ident),
            Held::Str | Held::Slice(_) => quote!(&#call.#ident),
        },
        Role::State { ty, borrowed } => {
            owned_or_not(*borrowed, span, &quote_spanned!(span=> #cx.state::<#ty>()))
        }
        Role::Context { ty, borrowed } => {
            let context = quote_spanned!(span=> <#ty as #short::BodyContext>::of(&#cx));
            owned_or_not(*borrowed, span, &context)
        }
    };
    let quiet = underscored(parameter).then(
        || quote!(#[allow(clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]),
    );
    quote!(#quiet let #mutability #ident: #written = #value;)
}

fn owned_or_not(borrowed: bool, span: Span, reference: &TokenStream) -> TokenStream {
    if borrowed {
        reference.clone()
    } else {
        quote_spanned!(span=> ::core::clone::Clone::clone(#reference))
    }
}

/// Where a type is written: what the compiler finds wrong with it belongs there.
fn at(ty: &Type) -> Span {
    Span::mixed_site().located_at(ty.span())
}
