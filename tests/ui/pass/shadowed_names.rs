//! A module may call its own things what it likes: the expansion names Rust's by their full paths.

#![deny(warnings)]

mod shadows {
    pub struct Option;
    pub struct Result;
    pub struct String;
    pub struct Vec;
    pub struct Box;
    pub struct Permit;
    pub struct Spec;
    pub trait Into {}
    pub trait Clone {}
    pub trait Send {}
    pub trait Sync {}
    pub trait Sized {}
    pub trait Debug {}
    pub trait Tool {}
    pub trait Future {}
    pub trait Default {}
    #[allow(non_snake_case)]
    pub fn Ok() {}
    #[allow(non_snake_case)]
    pub fn Err() {}
    #[allow(non_snake_case)]
    pub fn Some() {}
    #[allow(non_upper_case_globals)]
    pub const None: u8 = 0;
    pub mod std {}
    pub mod core {}
    pub mod alloc {}
    pub mod serde {}
    pub mod schemars {}
    pub mod hitl {}
    pub mod call {}
}

mod tools {
    #![allow(unused_imports)]

    use super::shadows::*;
    // Explicit, since a glob would not win against the prelude's macros.
    use super::shadows::{Clone, Debug, Default, Err, Into, None, Ok, Option, Result, Send, Some};
    use super::shadows::{String, Vec, alloc, call, core, hitl, schemars, serde, std};

    macro_rules! assert {
        ($($any:tt)*) => {};
    }
    macro_rules! concat {
        ($($any:tt)*) => {};
    }

    /// Takes what it can.
    #[::hitl::hitl_tool(describe = "{text}", expires = "1s", approve_label = "Yes")]
    pub async fn everything(
        #[hitl(state)] limit: u8,
        #[hitl(state)] name: &::std::string::String,
        #[hitl(context)] cx: ::hitl::CallContext,
        text: &str,
        numbers: &[u8],
        maybe: ::core::option::Option<f64>,
        #[hitl(sensitive)] pin: ::std::string::String,
    ) -> ::core::result::Result<u8, ::std::string::String> {
        let _ = (name, cx, text, numbers, maybe, pin);
        ::core::result::Result::Ok(limit)
    }

    /// Gives a plain value.
    #[::hitl::hitl_tool]
    pub async fn plain() -> u8 {
        assert!(anything);
        concat!(anything);
        1
    }

    /// Gives nothing.
    #[::hitl::hitl_tool]
    pub async fn nothing() {}
}

mod defaults {
    #![allow(unused_imports)]

    use super::shadows::{Clone, Debug, Default, Err, Into, None, Ok, Option, Result, String, Vec};
    use super::shadows::{alloc, call, core, hitl, schemars, serde, std};

    /// Has defaults.
    #[::hitl::hitl_tool]
    pub async fn defaulted(
        #[hitl(default)] a: u8,
        #[hitl(default = 2)] b: u8,
        #[hitl(default)] c: &str,
        #[hitl(default = "d")] d: &str,
    ) -> u8 {
        let _ = (c, d);
        a + b
    }
}

fn main() {
    let _ = defaults::defaulted(1, 2, "c", "d");
    let _ = (tools::everything("a", [1], None, "b"), tools::plain(), tools::nothing());
}
