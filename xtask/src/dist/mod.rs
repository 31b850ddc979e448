//! `cargo xtask dist`: the program `hitl` for others, its size, an archive of it, and the folder
//! that a container is built from.

mod archive;
mod container;
mod notices;
mod program;
mod run;

pub(crate) use run::{check, run};
