//! The place of a store's calls, as people name it to another program.

/// The place where a store keeps its calls. The gate says by it how a waiting call is decided, so
/// it holds no credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreAddress {
    /// The store does not say.
    #[default]
    Unknown,
    /// The memory of this process: nobody outside of it can decide a call.
    Process,
    /// A database that the program `hitl` opens with these arguments, like `--db` and a path. A
    /// word in capitals, like `FILE`, stands for what only the host knows: a user, a key's file.
    Database(Vec<String>),
}
