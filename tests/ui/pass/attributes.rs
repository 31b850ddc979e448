//! Attributes of the fn and of its parameters go where they belong.

#![deny(warnings, unused, nonstandard_style, missing_docs, unfulfilled_lint_expectations)]

use hitl::schemars::{self, JsonSchema};
use hitl::{CallContext, hitl_tool, hitl_tools};

/// Needs no dependency on `schemars`.
#[derive(Debug, serde::Serialize, serde::Deserialize, JsonSchema)]
pub struct Person {
    /// Full.
    pub name: String,
}

/// Says more of itself inside.
#[hitl_tool]
pub async fn inside(amount: u64) -> u64 {
    //! Adds nothing.
    #![allow(unused_variables)]
    let unused = 1;
    amount
}

/// Traced, with fields and without secrets.
#[hitl_tool]
#[tracing::instrument(
    level = "debug",
    skip(pin, who),
    fields(amount = %amount, by = %cx.principal, limit, text = format!("{to} {}", people.len())),
)]
pub async fn traced(
    amount: u64,
    to: &str,
    people: &[Person],
    who: Person,
    #[hitl(sensitive)] pin: String,
    #[hitl(state)] limit: &u64,
    #[hitl(context)] cx: &CallContext,
    mut _rest: Vec<u8>,
) -> Result<u64, std::io::Error> {
    _rest.push(1);
    Ok(amount + limit + (pin.len() + to.len() + people.len() + who.name.len()) as u64
        + u64::from(cx.has_role("x")))
}

/// The parameter has the name of a key.
#[hitl_tool]
#[tracing::instrument(name = "renamed", level = "info", target = "bank")]
pub async fn keys(#[hitl(sensitive)] name: String, level: u8) -> usize {
    name.len() + usize::from(level)
}

/// Depends on how it is built.
#[hitl_tool(describe = "{always}")]
pub async fn conditional(
    #[cfg(all())] there: u8,
    #[cfg(any())] there: Missing,
    #[cfg(any())]
    #[hitl(sensitive, default)]
    absent: Missing,
    #[cfg(any())]
    #[hitl(state)]
    state: &Missing,
    #[cfg(all())]
    #[hitl(default = 3)]
    third: u8,
    always: &str,
) -> usize {
    usize::from(there + third) + always.len()
}

/// The same, where an attribute rewrites the body.
#[hitl_tool]
#[tracing::instrument(skip(there))]
pub async fn conditional_and_traced(
    #[cfg(all())] there: u8,
    #[cfg(any())] there: Missing,
    #[cfg(all())] hidden: &str,
    #[cfg(any())] absent: Missing,
) -> usize {
    usize::from(there) + hidden.len()
}

/// Lint levels reach all that is made of it.
#[hitl_tool]
#[expect(non_snake_case, reason = "the model knows it so")]
#[cfg_attr(all(), expect(unused_variables), allow(unused_mut))]
pub async fn Levelled(userId: u8, #[expect(unused_mut)] mut other: u8) -> u8 {
    let unused = userId;
    other
}

/// Even what is forbidden: the macro keeps to it.
#[hitl_tool]
#[forbid(unsafe_code, dead_code, unused_variables, clippy::all, clippy::pedantic)]
#[deny(clippy::too_many_arguments)]
async fn forbidding(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u8 {
    a + b + c + d + e + f + g + h
}

/// A service.
pub struct Desk;

#[hitl_tools]
#[expect(unused_variables, unused_mut)]
impl Desk {
    /// Is a tool here.
    #[cfg_attr(all(), hitl_tool(risk = "low"))]
    pub async fn here(&self, a: u8, mut b: u8) {}

    /// Is a method here.
    #[cfg_attr(any(), hitl_tool, doc = "Elsewhere a tool.")]
    pub async fn elsewhere(&self, a: u8, #[hitl(sensitive)] b: u8) -> u8 {
        1
    }

    /// Traced on the service.
    #[hitl_tool]
    #[tracing::instrument(skip_all, fields(count = self.count() + a))]
    pub async fn traced(&self, a: u8, #[hitl(sensitive)] pin: &str) -> u8 {
        self.count() + a
    }

    fn count(&self) -> u8 {
        1
    }
}

/// Uses what there is.
pub async fn uses(desk: &Desk) {
    let _: (Conditional, ConditionalAndTraced) =
        (conditional(1, 3, "a"), conditional_and_traced(1, "a"));
    let _: (DeskHere, DeskTraced) = (Desk::here(1, 2), Desk::traced(1, "pin"));
    let _: u8 = desk.elsewhere(1, 2).await;
}

fn main() {}
