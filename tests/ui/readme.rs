//! The example in the README of the macros, compiled and run here: it needs the facade, on which
//! the macros cannot depend.

/// The example of that README.
#[cfg(doctest)]
#[doc = include_str!("../../hitl-macros/README.md")]
struct Readme;
