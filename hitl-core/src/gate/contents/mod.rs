//! Contents that the arguments of a call name: read when it is submitted and again before it runs,
//! shown, sealed, digested, and compared; and where the paths of a call lead.

pub(super) mod comparison;
pub(super) mod display;
mod file;
pub(super) mod file_lookup;
pub(super) mod linked_path;
mod links;
pub(super) mod named_contents;
pub(super) mod own_files;
pub(super) mod referent;
