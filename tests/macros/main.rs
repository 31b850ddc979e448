//! Annotated tools, as the macro makes them.

mod nested_secrets;
mod run;
mod service;
mod tool;
