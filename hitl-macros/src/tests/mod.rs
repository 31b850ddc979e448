//! The expansion as a person reads it.
