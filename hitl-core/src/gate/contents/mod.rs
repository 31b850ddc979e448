//! Contents that the arguments of a call name, and its preview: read and rendered at submission and
//! again before the run, shown, sealed, digested, and compared; and the targets of a call's paths.

pub(super) mod comparison;
pub(super) mod display;
mod file;
pub(super) mod file_lookup;
pub(super) mod linked_path;
mod links;
pub(super) mod named_contents;
pub(super) mod own_files;
pub(super) mod preview_display;
pub(super) mod referent;
pub(super) mod rendered;
