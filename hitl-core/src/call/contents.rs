//! Readers of the contents that a call's arguments name.

use std::fmt::{self, Display};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::json::push_part;

/// The most contents of one call that are read. Those beyond count as not read.
pub const MAX_CONTENTS: usize = 32;

/// The collected readers of the contents that a call's arguments name.
/// [`Tool::contents`](super::Tool::contents) fills it.
///
/// ```
/// # use hitl::call::ContentReaders;
/// # fn contents(path: &str, url: &str, readers: &mut ContentReaders) {
/// readers.file("path", &path.to_owned());
/// let url = url.to_owned();
/// // Here a client would fetch it.
/// readers.read("url", async move { Ok::<_, String>(format!("what is at {url}")) });
/// # }
/// ```
#[derive(Default)]
pub struct ContentReaders {
    pub(crate) readers: Vec<ContentReader>,
    /// The places of contents beyond those that are read.
    pub(crate) more: Vec<String>,
    /// The number of further contents, whose places are not kept.
    pub(crate) unnamed: usize,
}

/// A content to read, and the argument that names it.
pub(crate) struct ContentReader {
    /// A JSON Pointer into the call's arguments.
    pub(crate) at: String,
    pub(crate) source: Source,
}

/// The source of a content.
pub(crate) enum Source {
    File(PathBuf),
    Host(Reading),
}

/// The future of host code that reads a content.
pub(crate) type Reading = BoxFuture<'static, Result<Vec<u8>, String>>;

impl ContentReaders {
    /// Reads the files that an argument names: a path, or several in an `Option` or a `Vec`. The
    /// gate opens them as `std::fs` does, so a relative path starts at the process's working
    /// directory.
    pub fn file<P: ContentPath + ?Sized>(&mut self, argument: &str, paths: &P) {
        let mut at = String::new();
        push_part(&mut at, argument);
        paths.each_path(&mut at, &mut |at, path| self.push(at, Source::File(path.to_owned())));
    }

    /// Reads what an argument names with the host's own code. `reading` resolves to the content's
    /// bytes, or to an error whose text a reviewer sees.
    ///
    /// It is polled within
    /// [`GateBuilder::evaluation_timeout`](crate::GateBuilder::evaluation_timeout), once when the
    /// call is submitted and once before it runs. It must not change anything.
    pub fn read<C, E>(
        &mut self,
        argument: &str,
        reading: impl Future<Output = Result<C, E>> + Send + 'static,
    ) where
        C: Into<Vec<u8>>,
        E: Display,
    {
        let mut at = String::new();
        push_part(&mut at, argument);
        self.host(&at, reading);
    }

    /// Does the same for a place below an argument.
    pub(crate) fn host<C, E>(
        &mut self,
        at: &str,
        reading: impl Future<Output = Result<C, E>> + Send + 'static,
    ) where
        C: Into<Vec<u8>>,
        E: Display,
    {
        let reading = async move {
            match reading.await {
                Ok(content) => Ok(content.into()),
                Err(error) => Err(error.to_string()),
            }
        };
        self.push(at, Source::Host(reading.boxed()));
    }

    /// Adds a file at a place below an argument.
    pub(crate) fn file_at(&mut self, at: &str, path: &str) {
        self.push(at, Source::File(PathBuf::from(path)));
    }

    fn push(&mut self, at: &str, source: Source) {
        if self.readers.len() < MAX_CONTENTS {
            self.readers.push(ContentReader { at: at.to_owned(), source });
        } else if self.more.len() < MAX_CONTENTS {
            self.more.push(at.to_owned());
        } else {
            self.unnamed += 1;
        }
    }
}

impl fmt::Debug for ContentReaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.readers.iter().map(|reader| &reader.at)).finish()
    }
}

/// The contents that are passed to a body, by place. `Debug` does not print them.
#[derive(Clone, Default)]
pub(crate) struct Given(pub(crate) Vec<(String, Arc<[u8]>)>);

impl Given {
    /// Returns the content at an argument or at a JSON Pointer.
    pub(crate) fn get(&self, argument: &str) -> Option<&[u8]> {
        let mut pointer = argument.to_owned();
        if !argument.starts_with('/') {
            pointer.clear();
            push_part(&mut pointer, argument);
        }
        let (_, bytes) = self.0.iter().find(|(at, _)| *at == pointer)?;
        Some(bytes)
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(at, _)| at)).finish()
    }
}

/// An argument that names files by their paths.
#[diagnostic::on_unimplemented(
    message = "`#[hitl(content_of)]` reads files, and `{Self}` is no path",
    label = "not a `String`, a `PathBuf`, or an `Option` or `Vec` of them",
    note = "name an `async fn` that reads what the argument names: `#[hitl(content_of = read_it)]`"
)]
pub trait ContentPath {
    /// Calls `found` with each path and its place: `at` is the JSON Pointer of this argument, to
    /// which the items of a list append their index. `at` must be unchanged on return.
    fn each_path(&self, at: &mut String, found: &mut dyn FnMut(&str, &Path));
}

impl ContentPath for str {
    fn each_path(&self, at: &mut String, found: &mut dyn FnMut(&str, &Path)) {
        found(at, Path::new(self));
    }
}

impl ContentPath for String {
    fn each_path(&self, at: &mut String, found: &mut dyn FnMut(&str, &Path)) {
        found(at, Path::new(self));
    }
}

impl ContentPath for PathBuf {
    fn each_path(&self, at: &mut String, found: &mut dyn FnMut(&str, &Path)) {
        found(at, self);
    }
}

impl<P: ContentPath> ContentPath for Option<P> {
    fn each_path(&self, at: &mut String, found: &mut dyn FnMut(&str, &Path)) {
        if let Some(path) = self {
            path.each_path(at, found);
        }
    }
}

impl<P: ContentPath + ?Sized> ContentPath for Box<P> {
    fn each_path(&self, at: &mut String, found: &mut dyn FnMut(&str, &Path)) {
        (**self).each_path(at, found);
    }
}

impl<P: ContentPath> ContentPath for Vec<P> {
    fn each_path(&self, at: &mut String, found: &mut dyn FnMut(&str, &Path)) {
        let depth = at.len();
        for (index, path) in self.iter().enumerate() {
            push_part(at, &index.to_string());
            path.each_path(at, found);
            at.truncate(depth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_place_and_what_is_too_much_is_counted() {
        let mut readers = ContentReaders::default();
        readers.file("one", "a");
        readers.file("none", &None::<String>);
        readers.file("some", &Some(vec![PathBuf::from("b"), PathBuf::from("c")]));
        let places: Vec<_> = readers.readers.iter().map(|reader| reader.at.as_str()).collect();
        assert_eq!(places, ["/one", "/some/0", "/some/1"]);
        readers.file("many", &vec!["x".to_owned(); 3 * MAX_CONTENTS]);
        assert_eq!(readers.readers.len(), MAX_CONTENTS);
        assert_eq!((readers.more.len(), readers.unnamed), (MAX_CONTENTS, MAX_CONTENTS + 3));
    }
}
