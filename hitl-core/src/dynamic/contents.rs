//! Arguments that name contents, in a tool that is known only at run time.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::Json;
use hitl_base::json::push_part;

use super::{DynTool, DynToolError, DynToolErrorKind};
use crate::call::ContentReaders;

type Read = Arc<dyn Fn(Json) -> BoxFuture<'static, Result<Vec<u8>, String>> + Send + Sync>;

/// Arguments that name contents.
pub(crate) struct DynContent {
    /// Their path, written as in [`DynSpec::sensitive`](super::DynSpec::sensitive).
    pub(crate) path: String,
    /// The reader of the contents; `None` for files.
    read: Option<Read>,
}

impl DynTool {
    /// Reads the files whose paths an argument names: their contents are shown to reviewers, a
    /// decision is bound to them, and they are compared before the call runs. `path` is written as
    /// in [`DynSpec::sensitive`](super::DynSpec::sensitive): `path`, `files[].name`. Values that
    /// are not text name nothing.
    ///
    /// # Errors
    /// [`DynToolErrorKind::Content`] if `path` names nothing in the schema, a secret, or an
    /// argument that the tool's configuration declares [inert](crate::ToolConfig::inert).
    pub fn content_of(self, path: impl Into<String>) -> Result<Self, DynToolError> {
        self.with_content(path.into(), None)
    }

    /// Does the same with the host's own code, which receives the value of the argument.
    ///
    /// # Errors
    /// As [`content_of`](Self::content_of).
    pub fn content_of_with<F, R, C, E>(
        self,
        path: impl Into<String>,
        read: F,
    ) -> Result<Self, DynToolError>
    where
        F: Fn(Json) -> R + Send + Sync + 'static,
        R: Future<Output = Result<C, E>> + Send + 'static,
        C: Into<Vec<u8>>,
        E: Display,
    {
        let read: Read = Arc::new(move |value| {
            // A panic of it is caught with those of the others.
            let reading = read(value);
            async move { reading.await.map(Into::into).map_err(|error: E| error.to_string()) }
                .boxed()
        });
        self.with_content(path.into(), Some(read))
    }

    fn with_content(mut self, path: String, read: Option<Read>) -> Result<Self, DynToolError> {
        let wrong = |why: String| DynToolError::new(DynToolErrorKind::Content, &self.spec, why);
        match self.schema.is_secret_at(&path) {
            Some(false) => {}
            Some(true) => {
                let why = format!("`{path}` is a secret, so what it names cannot be shown");
                return Err(wrong(why));
            }
            None => {
                let why = format!("`{path}` names no property of the schema, so nothing is read");
                return Err(wrong(why));
            }
        }
        if let Some(inert) = self.terms.arguments.inert.iter().find(|inert| covers(inert, &path)) {
            let why = format!(
                "`{inert}` is inert, text that nobody interprets, and what `{path}` names is read: keep \
                 one of the two"
            );
            return Err(wrong(why));
        }
        self.contents.push(DynContent { path, read });
        Ok(self)
    }
}

impl DynContent {
    /// Adds the readers of the contents that these arguments name.
    pub(crate) fn collect(&self, arguments: &Json, readers: &mut ContentReaders) {
        for (at, value) in places_of(arguments, &self.path) {
            match (&self.read, value) {
                (_, Json::Null) => {}
                (Some(read), value) => {
                    let (read, value) = (Arc::clone(read), value.clone());
                    readers.host(&at, async move { read(value).await });
                }
                (None, Json::String(path)) => readers.file_at(&at, path),
                (None, _) => {}
            }
        }
    }
}

/// Returns whether an argument, written as in a rule, is at this path or above it.
fn covers(argument: &str, path: &str) -> bool {
    let (argument, path) = (argument.replace("[]", ""), path.replace("[]", ""));
    path.strip_prefix(&*argument).is_some_and(|below| below.is_empty() || below.starts_with('.'))
}

/// Returns the places that a path names, and their values.
pub(crate) fn places_of<'j>(arguments: &'j Json, path: &str) -> Vec<(String, &'j Json)> {
    let dotted = path.replace("[]", ".[]");
    let mut places = vec![(String::new(), arguments)];
    for step in dotted.split('.') {
        let mut next = Vec::new();
        for (at, value) in places {
            let mut add = |part: &str, value: &'j Json| {
                let mut at = at.clone();
                push_part(&mut at, part);
                next.push((at, value));
            };
            match (step, value) {
                ("[]", Json::Array(items)) => {
                    items
                        .iter()
                        .enumerate()
                        .for_each(|(index, item)| add(&index.to_string(), item));
                }
                ("*", Json::Object(entries)) => {
                    for (key, value) in entries {
                        add(key, value);
                    }
                }
                (name, Json::Object(entries)) => {
                    let named = entries.iter().filter(|(key, _)| key == name);
                    named.for_each(|(key, value)| add(key, value));
                }
                _ => {}
            }
        }
        places = next;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_places_as_a_secret_does() {
        let tree = hitl_base::json::parse_json(
            r#"{"path":"a","files":[{"name":"b"},{"name":"c"},{}],"by":{"x/y":"d"}}"#,
        );
        let tree = tree.unwrap();
        for (path, places) in [
            ("path", &["/path"][..]),
            ("files[].name", &["/files/0/name", "/files/1/name"]),
            ("by.*", &["/by/x~1y"]),
            ("none", &[]),
            ("path.below", &[]),
        ] {
            let found: Vec<_> = places_of(&tree, path).into_iter().map(|(at, _)| at).collect();
            assert_eq!(found, places, "{path}");
        }
    }
}
