//! Contents that the arguments of a call name: read at submission and again before the run, shown,
//! sealed, digested, and compared; and the targets of a call's paths.

pub(super) mod comparison;
pub(super) mod display;
mod file;
pub(super) mod file_lookup;
pub(super) mod linked_path;
mod links;
pub(super) mod named_contents;
pub(super) mod own_files;
pub(super) mod referent;
