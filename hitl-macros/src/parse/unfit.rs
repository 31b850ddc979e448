//! Types that cannot be an argument, although some of them can be written and read.
//!
//! A call is a value: it is shown, stored, and run as it was approved. Types that others can still
//! change, that do not own what they point to, or that hold nothing are no values in this sense.
//! The names are those of Rust's own types and of well-known crates; a user's type that is merely
//! called `Cell` has no angle brackets, or can be renamed where it is imported.

use proc_macro2::{TokenStream, TokenTree};

use super::scan;

/// Types that can be changed from elsewhere, all generic.
const SHARED: [&str; 19] = [
    "ArcSwap",
    "ArcSwapAny",
    "ArcSwapOption",
    "Atomic",
    "AtomicCell",
    "AtomicPtr",
    "Cell",
    "FairMutex",
    "LazyCell",
    "LazyLock",
    "Mutex",
    "OnceCell",
    "OnceLock",
    "ReentrantLock",
    "ReentrantMutex",
    "RefCell",
    "RwLock",
    "SyncUnsafeCell",
    "UnsafeCell",
];

/// The same, without angle brackets.
const ATOMICS: [&str; 13] = [
    "AtomicBool",
    "AtomicF32",
    "AtomicF64",
    "AtomicI8",
    "AtomicI16",
    "AtomicI32",
    "AtomicI64",
    "AtomicIsize",
    "AtomicU8",
    "AtomicU16",
    "AtomicU32",
    "AtomicU64",
    "AtomicUsize",
];

/// Returns the part of a type that makes it unfit for an argument, and the reason.
pub(super) fn unfit(ty: TokenStream) -> Option<(TokenTree, String)> {
    let tokens: Vec<TokenTree> = ty.into_iter().collect();
    tokens.iter().enumerate().find_map(|(i, token)| match token {
        TokenTree::Group(group) => unfit(group.stream()),
        TokenTree::Punct(punct) if punct.as_char() == '*' => {
            let pointer = matches!(
                tokens.get(i + 1),
                Some(TokenTree::Ident(next)) if *next == "const" || *next == "mut"
            );
            pointer.then(|| (token.clone(), POINTER.to_owned()))
        }
        TokenTree::Ident(ident) => {
            let why = why(&ident.to_string(), is_generic(&tokens[i + 1..]))?;
            Some((token.clone(), why))
        }
        _ => None,
    })
}

const POINTER: &str = "a pointer means nothing in another process, where an approved call may run: \
                       take the value itself";

fn why(name: &str, generic: bool) -> Option<String> {
    Some(match name {
        "dyn" => "a tool's parameter has one type, with a schema: name it instead of `dyn`".into(),
        "fn" | "Fn" | "FnMut" | "FnOnce" => "code is no argument, it can be neither shown nor \
                                             stored: take a value that says what to do"
            .into(),
        "NonNull" if generic => POINTER.into(),
        "Weak" if generic => "`Weak` owns nothing, and a call owns its arguments: take the value \
                              itself"
            .into(),
        "PhantomData" | "PhantomPinned" => {
            format!("`{name}` holds nothing that could be shown or approved: leave it out")
        }
        "MaybeUninit" | "ManuallyDrop" if generic => {
            format!("`{name}` is no value that can be shown and stored: take the value itself")
        }
        shared if generic && SHARED.contains(&shared) || ATOMICS.contains(&shared) => format!(
            "`{shared}` can change after it was approved: take the value itself. What calls \
             share is the host's: mark it `#[hitl(state)]`"
        ),
        _ => return None,
    })
}

/// Returns whether `<` or `::<` follows.
fn is_generic(rest: &[TokenTree]) -> bool {
    let after_colons = match rest {
        [first, second, after @ ..] if scan::is(first, ':') && scan::is(second, ':') => after,
        rest => rest,
    };
    after_colons.first().is_some_and(|token| scan::is(token, '<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(ty: &str) -> Option<String> {
        unfit(ty.parse().unwrap()).map(|(at, why)| format!("{at}: {why}"))
    }

    #[test]
    fn what_can_change_points_elsewhere_or_holds_nothing_is_unfit() {
        for (ty, why) in [
            ("Cell<u8>", "Cell: `Cell` can change"),
            ("Option<std::sync::Mutex<u8>>", "Mutex: `Mutex` can change"),
            ("Vec<parking_lot::RwLock<u8>>", "RwLock: `RwLock` can change"),
            ("Arc<AtomicBool>", "AtomicBool: `AtomicBool` can change"),
            ("(u8, [OnceLock::<u8>; 2])", "OnceLock: `OnceLock` can change"),
            ("HashMap<String, Rc<RefCell<u8>>>", "RefCell: `RefCell` can change"),
            ("std::rc::Weak<u8>", "Weak: `Weak` owns nothing"),
            ("PhantomData<fn() -> u8>", "PhantomData: `PhantomData` holds nothing"),
            ("*const u8", "*: a pointer"),
            ("Option<NonNull<u8>>", "NonNull: a pointer"),
            ("Vec<fn(u8) -> u8>", "fn: code is no argument"),
            ("Box<dyn Trait>", "dyn: a tool's parameter has one type"),
        ] {
            let found = reason(ty).unwrap_or_default();
            assert!(found.starts_with(why), "{ty}: {found}");
        }
    }

    #[test]
    fn other_types_may_have_such_names() {
        for ty in [
            "Cell",
            "sheet::Cell",
            "Mutex",
            "AtomicNumber",
            "Weak",
            "[u8; A * B]",
            "Arc<str>",
            "Box<[Rc<u8>]>",
            "r#dynamic",
            "Vec<Weakness<u8>>",
        ] {
            assert_eq!(reason(ty), None, "{ty}");
        }
    }
}
