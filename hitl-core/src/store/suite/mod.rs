//! The contract suite that every store passes.
