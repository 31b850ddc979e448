//! `Tool::lost_in`: checks that the arguments read back are those that were passed.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{GenericArgument, PathArguments, Type};

use super::arguments::arguments_of;
use crate::parse::{Function, ParamStorage};

/// Types all of whose content serde writes, by their usual names.
const PLAIN: [&str; 17] = [
    "String", "bool", "char", "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128",
    "f32", "f64", "isize", "usize",
];

/// Types that contain nothing but their items.
const CONTAINERS: [&str; 7] =
    ["Vec", "Option", "Box", "HashMap", "BTreeMap", "HashSet", "BTreeSet"];

/// Returns the comparison of the arguments whose types may hold more than they write. `None` if
/// there are none: then the trait's default applies.
pub(super) fn lost_in(function: &Function, short: &TokenStream) -> Option<TokenStream> {
    let compared: Vec<_> = arguments_of(function)
        .filter(|(_, argument)| match &argument.storage {
            ParamStorage::Owned(ty) | ParamStorage::Slice(ty) => !is_plain(ty),
            ParamStorage::Str => false,
        })
        .map(|(parameter, _)| {
            let ident = &parameter.ident;
            let (name, existence) = (ident.unraw().to_string(), &parameter.existence);
            quote! {
                #(#existence)*
                if !(&&&#short::Same(&self.#ident, &read_back.#ident)).same() {
                    return ::core::option::Option::Some(#name);
                }
            }
        })
        .collect();
    (!compared.is_empty()).then(|| {
        quote! {
            #[allow(clippy::all, clippy::pedantic, clippy::used_underscore_binding, unused_imports)]
            fn lost_in(&self, read_back: &Self) -> ::core::option::Option<&'static str> {
                use #short::{SameByDebug as _, SameByEq as _, SameUnknown as _};
                #(#compared)*
                ::core::option::Option::None
            }
        }
    })
}

pub(super) fn is_plain(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    let name = last.ident.to_string();
    match &last.arguments {
        PathArguments::None => PLAIN.contains(&name.as_str()),
        PathArguments::AngleBracketed(arguments) => {
            CONTAINERS.contains(&name.as_str())
                && arguments.args.iter().all(|argument| match argument {
                    GenericArgument::Type(ty) => is_plain(ty),
                    _ => false,
                })
        }
        PathArguments::Parenthesized(_) => false,
    }
}
