//! The entry to the body. It takes the proof that a permit was opened, so that even code that finds
//! its name cannot call it: only a gate has a permit.
//!
//! The body is a fn with the parameters and the block of the user's fn, so that the compiler and
//! its lints see the same as without the macro. If another macro is going to rewrite the body, its
//! parameters are only those that the other macro names: the rest is hidden in a struct, so that an
//! attribute which logs parameters logs no secrets.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Lifetime, Type};

use super::tool::Names;
use crate::parse::{Attribute, Function, Method, ParamStorage, Parameter, Returns, Role};

/// The kind of the return type, according to the attribute and its spelling.
enum ReturnKind<'f> {
    Unit,
    Plain(&'f Type),
    Fallible(&'f Type),
}

impl<'f> ReturnKind<'f> {
    fn new(attribute: &Attribute, function: &'f Function) -> Self {
        match &function.returns {
            Returns::Unit => Self::Unit,
            Returns::NamedResult(ty) if attribute.infallible.is_some() => Self::Plain(ty),
            Returns::Other(ty) if attribute.fallible.is_none() => Self::Plain(ty),
            Returns::NamedResult(ty) | Returns::Other(ty) => Self::Fallible(ty),
        }
    }
}

/// Returns `type Output` and `type Error`.
pub(super) fn types(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    match ReturnKind::new(attribute, function) {
        ReturnKind::Unit => quote! {
            type Output = ();
            type Error = ::core::convert::Infallible;
        },
        ReturnKind::Plain(ty) => quote! {
            type Output = #ty;
            type Error = ::core::convert::Infallible;
        },
        ReturnKind::Fallible(ty) => {
            let (output, error) = projected(ty, short);
            quote! {
                type Output = #output;
                type Error = #error;
            }
        }
    }
}

/// Returns the two types in a `Result`. Code that only compiles for a `Result` has the span of the
/// type, so that the compiler reports there, and once, that it is none.
fn projected(ty: &Type, short: &TokenStream) -> (TokenStream, TokenStream) {
    let span = ty.span();
    (
        quote_spanned!(span=> <#ty as #short::ToolReturn>::Output),
        quote_spanned!(span=> <#ty as #short::ToolReturn>::Error),
    )
}

/// Makes the compiler prove that a plain return type is not a `Result` under another name, whose
/// errors would pass as success.
pub(super) fn proof(
    attribute: &Attribute,
    function: &Function,
    names: &Names,
) -> Option<TokenStream> {
    let ReturnKind::Plain(ty) = ReturnKind::new(attribute, function) else { return None };
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
        ::core::assert!(!#short::IsResult::<#ty>::IS_RESULT, #message)
    };
    Some(quote! {
        const _: () = {
            use #short::IsResultFallback as _;
            #assertion
        };
    })
}

/// Returns the fn `run`.
pub(super) fn run(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    let (permit, entry) = (hygienic("permit"), hygienic("entry"));
    // An error about the whole body, such as that it is not `Send`, is reported at the fn's name.
    let at = Span::mixed_site().located_at(function.name.span());
    let own = quote_spanned!(at=> ::core::result::Result<Self::Output, Self::Error>);
    let own_body = function.method.is_none().then(|| {
        let hidden = hidden_struct(function);
        let body = body(attribute, function, names);
        quote!(#hidden #body)
    });
    let arguments = values(function, names);
    let entered = entered(function, names);
    let called = match &function.method {
        None => quote!(__hitl_body(#entered #arguments)),
        Some(Method { service, .. }) => {
            let instance = hygienic("service");
            quote!(<#service as __HitlService>::__hitl_body(&#instance, #entered #arguments))
        }
    };
    let (service, _) = service(function);
    let call = quote!(#called.await);
    let (result, ended) = match ReturnKind::new(attribute, function) {
        ReturnKind::Unit => {
            let ended = quote! {
                #call;
                ::core::result::Result::Ok(())
            };
            (own, ended)
        }
        ReturnKind::Plain(_) => (own, quote!(::core::result::Result::Ok(#call))),
        ReturnKind::Fallible(ty) => {
            let into_result = quote_spanned!(ty.span()=> <#ty as #short::ToolReturn>::into_result);
            let (output, error) = projected(ty, short);
            let result = quote!(::core::result::Result<#output, #error>);
            (result, quote!(#into_result(#call)))
        }
    };
    let (call, cx) = (hygienic("call"), hygienic("cx"));
    let quiet = quiet();
    let head = quote_spanned!(at=> async fn run(#permit: #short::Permit<Self>) -> #result);
    quote! {
        #quiet
        #head {
            #own_body
            let (#entry, #call, #cx) = #permit.enter();
            #service
            #ended
        }
    }
}

/// Returns the fn `reconciler`, if the attribute names an `async fn` that takes the parameters of
/// the body.
pub(super) fn reconciler(
    attribute: &Attribute,
    function: &Function,
    names: &Names,
) -> Option<TokenStream> {
    let ask = attribute.reconcile.as_ref()?;
    let short = &names.short;
    let (attempt, call, cx) = (hygienic("attempt"), hygienic("call"), hygienic("cx"));
    let (service, instance) = service(function);
    let instance = instance.map(|instance| quote!(&#instance,));
    let values = function.parameters.iter().map(|parameter| {
        let existence = &parameter.existence;
        let value = located(value(parameter, names), ask.span());
        quote!(#(#existence)* #value)
    });
    // An error about the fn's parameters or its result is reported at its name.
    let span = Span::mixed_site().located_at(ask.span());
    let asking = quote_spanned!(span=> #ask(#instance #(#values),*).await);
    let short_here = located(short.clone(), span);
    let answer = quote_spanned! {span=>
        #short_here::IntoReconciliation::<Self::Output>::into_result(#asking)
    };
    let quiet = quiet();
    Some(quote! {
        #quiet
        fn reconciler() -> ::core::option::Option<#short::Reconciler<Self, Self::Output>> {
            ::core::option::Option::Some(#short::Reconciler::new(
                |#attempt: #short::Attempt<Self>| async move {
                    let (#call, #cx) = #attempt.open();
                    #service
                    #answer
                },
            ))
        }
    })
}

/// Returns the tokens with the place of a span, where the compiler reports errors about them. What
/// they mean stays the same.
fn located(tokens: TokenStream, place: Span) -> TokenStream {
    let located = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    located.collect()
}

/// Returns the statement that takes the service of a method from the host's state, and its name.
pub(super) fn service(function: &Function) -> (Option<TokenStream>, Option<Ident>) {
    let Some(Method { service, .. }) = &function.method else { return (None, None) };
    let (instance, cx) = (hygienic("service"), hygienic("cx"));
    let taken = quote! {
        let #instance = ::core::clone::Clone::clone(#cx.state::<::std::sync::Arc<#service>>());
    };
    (Some(taken), Some(instance))
}

/// Returns the body of a method: in a trait of its own, because `self` and `Self` are those of the
/// service. The trait has no name outside, and takes the proof of a permit like any body.
pub(super) fn service_trait(
    attribute: &Attribute,
    function: &Function,
    names: &Names,
) -> Option<TokenStream> {
    let Method { service, .. } = function.method.as_ref()?;
    let hidden = hidden_struct(function);
    let body = body(attribute, function, names);
    let returns = arrow(attribute, function);
    let entry = entry_type(function, names);
    let visible = visible(function).map(|parameter| {
        let Parameter { ident, existence, .. } = parameter;
        let ty = visible_type(parameter, names);
        quote!(#(#existence)* #ident: #ty)
    });
    let quiet = quiet();
    Some(quote! {
        #hidden

        #quiet
        trait __HitlService {
            async fn __hitl_body(&self, entry: #entry, #(#visible),*) #returns;
        }

        #quiet
        impl __HitlService for #service {
            #body
        }
    })
}

/// Allows lints about hand-written fns for the code around the body. The body itself has only the
/// user's own lint attributes, so that even `forbid` can be there.
pub(super) fn quiet() -> TokenStream {
    quote! {
        #[allow(
            clippy::too_many_arguments,
            clippy::fn_params_excessive_bools,
            clippy::needless_pass_by_value,
            clippy::used_underscore_binding
        )]
    }
}

fn body(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let Function { body, attributes, method, .. } = function;
    let (lints, foreign) = (&attributes.body, &attributes.foreign);
    let returns = arrow(attribute, function);
    let receiver = method.as_ref().map(|Method { receiver, .. }| quote!(#receiver,));
    let entry_type = entry_type(function, names);
    let parameters = visible(function).map(|parameter| {
        let Parameter { ident, mutability, existence, body_lints, .. } = parameter;
        let ty = visible_type(parameter, names);
        if is_withheld(parameter) {
            // The body has the parameter, with the right type.
            return quote!(#(#existence)* #[allow(unused_variables)] #ident: #ty);
        }
        quote!(#(#existence)* #(#body_lints)* #mutability #ident: #ty)
    });
    let parameters: Vec<_> = parameters.collect();
    if !has_hidden(function) {
        return quote! {
            #(#lints)*
            #(#foreign)*
            async fn __hitl_body(#receiver _: #entry_type, #(#parameters),*) #returns #body
        };
    }
    let entry = hygienic("entry");
    let fields = hidden(function).enumerate().map(|(i, parameter)| {
        let Parameter { ident, mutability, existence, body_lints, .. } = parameter;
        let field = field(i);
        quote!(#(#existence)* #(#body_lints)* #field: #mutability #ident)
    });
    let block = not_by_hand(function);
    quote! {
        #(#lints)*
        #(#foreign)*
        async fn __hitl_body(#receiver #entry: #entry_type, #(#parameters),*) #returns {
            match #entry.into_inner() {
                __HitlHidden { #(#fields),* } => #block
            }
        }
    }
}

/// Returns the block with braces that are not hand-written, so that no lint asks for their removal.
fn not_by_hand(function: &Function) -> TokenStream {
    let body = &function.body;
    let statements = body.stmts.iter().map(ToTokens::to_token_stream).collect();
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(Span::mixed_site().located_at(body.brace_token.span.join()));
    block.into_token_stream()
}

/// Returns the parameters of the body's own fn.
fn visible(function: &Function) -> impl Iterator<Item = &Parameter> {
    let all = function.attributes.foreign.is_empty();
    function.parameters.iter().filter(move |parameter| all || parameter.named)
}

/// Returns the other parameters. A secret is one of them even when it is named.
fn hidden(function: &Function) -> impl Iterator<Item = &Parameter> {
    let none = function.attributes.foreign.is_empty();
    function
        .parameters
        .iter()
        .filter(move |parameter| !none && (!parameter.named || is_withheld(parameter)))
}

fn has_hidden(function: &Function) -> bool {
    hidden(function).next().is_some()
}

/// Returns whether an attribute names a secret in order to skip it.
fn is_withheld(parameter: &Parameter) -> bool {
    parameter.named && parameter.argument().is_some_and(|argument| argument.sensitive)
}

fn visible_type(parameter: &Parameter, names: &Names) -> TokenStream {
    let short = &names.short;
    if is_withheld(parameter) { quote!(#short::Withheld) } else { parameter.ty.to_token_stream() }
}

/// Returns the struct with the hidden parameters.
fn hidden_struct(function: &Function) -> Option<TokenStream> {
    has_hidden(function).then(|| {
        let lifetime = borrows(function).then(|| quote!(<'__hitl>));
        let fields = hidden(function).enumerate().map(|(i, parameter)| {
            let Parameter { existence, ty, .. } = parameter;
            let field = field(i);
            let mut ty = ty.clone();
            if let Type::Reference(reference) = &mut ty {
                reference.lifetime = Some(Lifetime::new("'__hitl", Span::mixed_site()));
            }
            quote!(#(#existence)* #field: #ty)
        });
        quote!(struct __HitlHidden #lifetime { #(#fields),* })
    })
}

/// Returns a field of that struct. It has a number: for a field with the parameter's name, the
/// compiler would report that the pattern has a shorter form, or that no field has this name.
fn field(number: usize) -> Ident {
    format_ident!("__hitl_{number}")
}

/// Returns whether one of the hidden parameters is a reference.
fn borrows(function: &Function) -> bool {
    hidden(function).any(|parameter| matches!(parameter.ty, Type::Reference(_)))
}

fn entry_type(function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    let lifetime = borrows(function).then(|| quote!(<'_>));
    if has_hidden(function) {
        quote!(#short::Entry<__HitlHidden #lifetime>)
    } else {
        quote!(#short::Entry)
    }
}

/// Returns the proof, together with the hidden parameters.
fn entered(function: &Function, names: &Names) -> TokenStream {
    let entry = hygienic("entry");
    if !has_hidden(function) {
        return quote!(#entry,);
    }
    let fields = hidden(function).enumerate().map(|(i, parameter)| {
        let existence = &parameter.existence;
        let (field, value) = (field(i), value(parameter, names));
        quote!(#(#existence)* #field: #value)
    });
    quote!(#entry.with(__HitlHidden { #(#fields),* }),)
}

fn values(function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    let values = visible(function).map(|parameter| {
        let existence = &parameter.existence;
        let value =
            if is_withheld(parameter) { quote!(#short::Withheld) } else { value(parameter, names) };
        quote!(#(#existence)* #value)
    });
    quote!(#(#values),*)
}

/// Returns `-> ..`, as written.
fn arrow(attribute: &Attribute, function: &Function) -> Option<TokenStream> {
    match ReturnKind::new(attribute, function) {
        ReturnKind::Unit => None,
        ReturnKind::Plain(ty) | ReturnKind::Fallible(ty) => Some(quote!(-> #ty)),
    }
}

pub(super) fn hygienic(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Returns the value for a parameter, in the type that the fn declares.
pub(super) fn value(parameter: &Parameter, names: &Names) -> TokenStream {
    let short = &names.short;
    let (call, cx) = (hygienic("call"), hygienic("cx"));
    let Parameter { ident, ty: written, role, .. } = parameter;
    let span = at(written);
    match role {
        Role::Argument(argument) => match argument.storage {
            ParamStorage::Owned(_) => quote!(#call.#ident),
            ParamStorage::Str | ParamStorage::Slice(_) => quote!(&#call.#ident),
        },
        Role::State { ty, borrowed } => {
            owned_or_not(*borrowed, span, &quote_spanned!(span=> #cx.state::<#ty>()))
        }
        Role::Context { ty, borrowed } => {
            let context = quote_spanned!(span=> <#ty as #short::BodyContext>::of(&#cx));
            owned_or_not(*borrowed, span, &context)
        }
    }
}

fn owned_or_not(borrowed: bool, span: Span, reference: &TokenStream) -> TokenStream {
    if borrowed {
        reference.clone()
    } else {
        quote_spanned!(span=> ::core::clone::Clone::clone(#reference))
    }
}

/// Returns the span of a type, where the compiler reports errors about it.
fn at(ty: &Type) -> Span {
    Span::mixed_site().located_at(ty.span())
}
