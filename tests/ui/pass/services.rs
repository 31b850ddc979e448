//! A service in strict company: every lint is an error, and names mean other things.

#![deny(warnings, missing_docs, unreachable_pub, missing_debug_implementations)]
#![allow(dead_code)]

mod shadows {
    #![allow(missing_docs, unreachable_pub, missing_debug_implementations)]
    pub struct Arc;
    pub struct Result;
    pub struct Permit;
    pub struct GateBuilder;
    pub trait ToolSet {}
    pub trait Clone {}
    pub mod hitl {}
    pub mod std {}
}

mod office {
    #![allow(unused_imports)]
    use super::shadows::{Arc, Clone, GateBuilder, Permit, Result, ToolSet, hitl, std};

    /// An office.
    #[derive(Debug)]
    pub(crate) struct Office {
        name: ::std::string::String,
    }

    #[::hitl::hitl_tools]
    impl Office {
        const LONGEST: usize = 10;

        pub(crate) fn new() -> Self {
            Self { name: ::std::string::String::new() }
        }

        /// Opens it.
        #[::hitl::hitl_tool(risk = "low")]
        pub(crate) async fn open(&self, #[hitl(default = Self::LONGEST)] longest: usize) -> usize {
            self.name.len().min(longest).min(Self::LONGEST)
        }

        /// Closes it.
        #[::hitl::hitl_tool]
        async fn close(&self, _quietly: bool) -> ::core::result::Result<(), ::std::string::String> {
            if self.name.is_empty() {
                return ::core::result::Result::Err(::std::string::String::new());
            }
            ::core::result::Result::Ok(())
        }

        /// Not there.
        #[cfg(any())]
        #[::hitl::hitl_tool]
        async fn missing(&self, of: Missing) {}
    }
}

fn main() {
    let _ = ::hitl::Gate::builder().tools::<office::Office>(office::Office::new());
    let _ = office::Office::open(3);
}
