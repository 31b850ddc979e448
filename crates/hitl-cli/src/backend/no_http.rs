//! The requests to a console in a program that was built without the feature `console`: there are
//! none.

use std::io::{BufReader, Empty};
use std::path::Path;

use serde::Serialize;

use crate::exit::Failure;

/// A console's address, of which there is none.
pub(super) enum Http {}

impl Http {
    /// Refuses.
    pub(super) fn open(_: &str, _: Option<&Path>, _: Option<&str>) -> Result<Self, Failure> {
        Err(Failure::usage(
            "this hitl was built without --url: install it with `cargo install hitl-cli --features \
             console`, or name a store with --db",
        ))
    }

    pub(super) fn send_code(&self, _: &str) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn post_once(&self, _: &str, _: &impl Serialize) -> Result<String, Failure> {
        match *self {}
    }

    pub(super) fn get(&self, _: &str, _: &[(&str, String)]) -> Result<String, Failure> {
        match *self {}
    }

    pub(super) fn post(&self, _: &str, _: &impl Serialize) -> Result<String, Failure> {
        match *self {}
    }

    pub(super) fn stream(&self, _: &str, _: Option<&str>) -> Result<BufReader<Empty>, Failure> {
        match *self {}
    }
}
