//! The tool's description of itself.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::arguments::arguments_of;
use super::tool::Names;
use crate::parse::{AmountLimit, Attribute, Function, Method, Role, Stage};

pub(super) fn spec(attribute: &Attribute, function: &Function, names: &Names) -> TokenStream {
    let short = &names.short;
    let own_name = function.name.unraw().to_string();
    let name = attribute.name.as_ref().map_or(&own_name, |name| &name.value);
    let description = names.description.as_str();
    let parameters: Vec<_> = arguments_of(function)
        .map(|(parameter, argument)| {
            let name = parameter.ident.unraw().to_string();
            let make = match (argument.sensitive, &argument.content_of) {
                (true, _) => quote!(sensitive),
                (false, Some(_)) => quote!(content_of),
                (false, None) => quote!(new),
            };
            let existence = &parameter.existence;
            quote!(#(#existence)* #short::ParameterSpec::#make(#name))
        })
        .collect();
    let parameters = (!parameters.is_empty()).then(|| quote!(.parameters(&[#(#parameters),*])));
    let service = function.method.as_ref().map(|Method { service, .. }| {
        let span = Span::mixed_site().located_at(service.span());
        quote_spanned!(span=> #short::StateRequirement::new::<::std::sync::Arc<#service>>())
    });
    let states = function
        .parameters
        .iter()
        .filter_map(|parameter| match &parameter.role {
            Role::State { ty, .. } => Some((ty, &parameter.existence)),
            _ => None,
        })
        .map(|(ty, existence)| {
            let span = Span::mixed_site().located_at(ty.span());
            let requirement = quote_spanned!(span=> #short::StateRequirement::new::<#ty>());
            quote!(#(#existence)* #requirement)
        });
    let states: Vec<_> = service.into_iter().chain(states).collect();
    let states = (!states.is_empty()).then(|| quote!(.states(&[#(#states),*])));
    // Cargo's variable for the crate in which the expansion is compiled, not for this one.
    let version = match &attribute.version {
        None => quote!(.crate_version(::core::option_env!("CARGO_PKG_VERSION"))),
        Some(given) => {
            let version = &given.value;
            quote!(.version(#version))
        }
    };
    let previews = attribute.preview.as_ref().map(|_| quote!(.previews()));
    let config = config(attribute, function, short);
    quote! {
        #short::ToolSpec::new(#name, #description)#parameters #states #previews #version #config
    }
}

fn config(attribute: &Attribute, function: &Function, short: &TokenStream) -> Option<TokenStream> {
    let mut calls = Vec::new();
    let mut call = |method: &str, arguments: TokenStream| {
        let method = Ident::new(method, Span::call_site());
        calls.push(quote!(.#method(#arguments)));
    };
    if let Some(given) = &attribute.approval_type {
        let value = &given.value;
        call("approval_type", quote!(#value));
    }
    if let Some(given) = &attribute.risk {
        let variant = Ident::new(given.value, Span::call_site());
        call("risk", quote!(#short::Risk::#variant));
    }
    for (method, given) in [
        ("base_confidence", &attribute.base_confidence),
        ("auto_threshold", &attribute.auto_threshold),
        ("quick_threshold", &attribute.quick_threshold),
    ] {
        if let Some(given) = given {
            let percent = given.value;
            call(method, quote!(#percent));
        }
    }
    for (method, given) in [
        ("expires", &attribute.expires),
        ("grace", &attribute.grace),
        ("timeout", &attribute.timeout),
    ] {
        if let Some(given) = given {
            call(method, duration(given.value));
        }
    }
    if let Some(given) = &attribute.decisions {
        let choices = given.value.iter().map(|choice| {
            let variant = Ident::new(choice, Span::call_site());
            quote!(#short::Choice::#variant)
        });
        call("decisions", quote!(&[#(#choices),*]));
    }
    if let Some(given) = &attribute.stages {
        let stages = given.value.iter().map(|Stage { role, people }| {
            let of = role.as_ref().map(|role| quote!(#short::StageSpec::role(#role, #people)));
            of.unwrap_or_else(|| quote!(#short::StageSpec::people(#people)))
        });
        call("stages", quote!(&[#(#stages),*]));
    }
    if let Some(within) = &attribute.escalate_within {
        let within = duration(within.value);
        let to = attribute.escalate_to.as_ref().map(|role| &role.value);
        let role = to.map(|role| quote!(::core::option::Option::Some(#role)));
        let role = role.unwrap_or_else(|| quote!(::core::option::Option::None));
        call("escalate", quote!(#role, #within));
    }
    if let Some(given) = &attribute.attempts {
        let attempts = given.value;
        call("attempts", quote!(#attempts));
    }
    for (method, flag) in [
        ("requires_reason", &attribute.requires_reason),
        // Before `four_eyes`, so that the stricter of the two applies.
        ("requester_may_decide", &attribute.requester_may_decide),
        ("agents_may_decide", &attribute.agents_may_decide),
        ("services_may_decide", &attribute.services_may_decide),
        ("four_eyes", &attribute.four_eyes),
        ("read_only", &attribute.read_only),
        ("destructive", &attribute.destructive),
        ("idempotent", &attribute.idempotent),
        ("open_world", &attribute.open_world),
    ] {
        if flag.is_some() {
            call(method, TokenStream::new());
        }
    }
    for (method, list) in [("inert", inert(function)), ("amounts", amounts(function, short))] {
        if !list.is_empty() {
            call(method, quote!(&[#(#list),*]));
        }
    }
    if attribute.approve_label.is_some() || attribute.reject_label.is_some() {
        let approve = attribute.approve_label.as_ref().map(|given| &given.value);
        let approve = approve.map_or_else(
            || quote!(#short::ToolConfig::DEFAULT.approve_label),
            |text| quote!(#text),
        );
        let reject = attribute.reject_label.as_ref().map(|given| &given.value);
        let reject = reject
            .map_or_else(|| quote!(#short::ToolConfig::DEFAULT.reject_label), |text| quote!(#text));
        call("labels", quote!(#approve, #reject));
    }
    if let Some(given) = &attribute.effect {
        let template = &given.value;
        call("effect", quote!(#template));
    }
    if attribute.effect_repeat.as_ref().is_some_and(|given| given.value) {
        call("refuse_repeated_effect", TokenStream::new());
    }
    if let Some(given) = &attribute.describe {
        let template = &given.value;
        call("describe", quote!(#template));
    }
    (!calls.is_empty()).then(|| quote!(.config(#short::ToolConfig::DEFAULT #(#calls)*)))
}

/// Returns the names of the arguments that nobody interprets.
fn inert(function: &Function) -> Vec<TokenStream> {
    arguments_of(function)
        .filter(|(_, argument)| argument.inert)
        .map(|(parameter, _)| {
            let name = parameter.ident.unraw().to_string();
            // Rules use the text itself, and each text of a list.
            let (each, existence) = (format!("{name}[*]"), &parameter.existence);
            quote!(#(#existence)* #name, #(#existence)* #each)
        })
        .collect()
}

/// Returns the declarations of the arguments that are amounts.
fn amounts(function: &Function, short: &TokenStream) -> Vec<TokenStream> {
    arguments_of(function)
        .filter_map(|(parameter, argument)| {
            let name = parameter.ident.unraw().to_string();
            let limit = match argument.amount.as_ref()? {
                AmountLimit::Default => None,
                AmountLimit::Own(limit) => Some(quote!(.limit(#limit))),
            };
            let existence = &parameter.existence;
            Some(quote!(#(#existence)* #short::AmountSpec::new(#name) #limit))
        })
        .collect()
}

fn duration(length: Duration) -> TokenStream {
    // The constructor that reads best in the expansion.
    if length.subsec_nanos() == 0 {
        let seconds = length.as_secs();
        quote!(::core::time::Duration::from_secs(#seconds))
    } else {
        let milliseconds = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        quote!(::core::time::Duration::from_millis(#milliseconds))
    }
}
