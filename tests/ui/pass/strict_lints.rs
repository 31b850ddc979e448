//! The expansion adds no warnings, however strict the crate.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused)]
#![deny(rust_2018_idioms, future_incompatible, let_underscore_drop, trivial_casts)]
#![deny(unused_qualifications, unused_lifetimes, single_use_lifetimes, unused_import_braces)]
#![deny(refining_impl_trait, private_interfaces, explicit_outlives_requirements)]
#![forbid(unsafe_code)]

/// Tools.
pub mod tools {
    use hitl::{CallContext, hitl_tool};

    /// Documented.
    #[hitl_tool(idempotent)]
    #[deprecated = "take another"]
    pub async fn documented(
        #[hitl(state)] limit: u64,
        #[hitl(context)] cx: &CallContext,
        a: bool,
        b: bool,
        c: bool,
        d: bool,
        e: String,
        f: &str,
        g: &[u8],
        #[hitl(default = 3)] h: u64,
        _unused: Option<u8>,
    ) -> Result<bool, std::io::Error> {
        Ok(a && b && c && d && e == f && g.len() as u64 == h.max(limit) && cx.has_role("x"))
    }

    #[hitl_tool(description = "Described by its key.")]
    pub async fn described() {}

    /// Called by a model only.
    #[hitl_tool]
    async fn never_called_here() -> u8 {
        1
    }

    /// Not there.
    #[hitl_tool]
    #[cfg(any())]
    pub async fn not_there(missing: Missing) {}
}

fn main() {}
