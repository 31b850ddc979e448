//! The tokens of a file, read again and again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::request::Parts;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use hitl_base::sync::lock;
use hitl_console::{Auth, AuthError, Reviewer, Tokens};
use tokio::time::Instant;

use super::token_file::parse;
use crate::exit::{Exit, Failure};

/// The interval at which the file is read. With the two seconds of an event stream, a token that is
/// removed ends within five.
const INTERVAL: Duration = Duration::from_secs(1);
/// The age beyond which what was read is not believed: the file system hangs.
const MAX_AGE: Duration = Duration::from_secs(4);
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The tokens of a file. Clones are the same list.
#[derive(Clone, Debug)]
pub(crate) struct TokenList {
    path: Arc<Path>,
    tokens: Tokens,
    last: Arc<Mutex<LastRead>>,
}

#[derive(Debug)]
struct LastRead {
    /// When the file was last read and could be used; `None` if the last attempt failed.
    at: Option<Instant>,
    text: String,
}

impl TokenList {
    /// Reads a file. Fails if it cannot be used.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Failure> {
        let text = read(&path).map_err(|error| Failure::file(&path, &error))?;
        let entries = parse(&text)
            .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", path.display())))?;
        let tokens = Tokens::new();
        tokens.replace_all(entries);
        let last = Arc::new(Mutex::new(LastRead { at: Some(Instant::now()), text }));
        Ok(Self { path: path.into(), tokens, last })
    }

    /// Reads the file again and again, until it is dropped.
    pub(crate) async fn keep_current(self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let path = Arc::clone(&self.path);
            let begun = Instant::now();
            let found = tokio::task::spawn_blocking(move || read(&path)).await;
            let found = found.unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()));
            self.take(found.map_err(|error| error.to_string()), begun);
        }
    }

    /// Uses what was read. A file that cannot be used holds no token.
    fn take(&self, found: Result<String, String>, begun: Instant) {
        let mut last = lock(&self.last);
        if last.at.is_some() && found.as_ref() == Ok(&last.text) {
            last.at = Some(begun);
            return;
        }
        let used = found.and_then(|text| parse(&text).map(|entries| (text, entries)));
        match used {
            Ok((text, entries)) => {
                let count = entries.len();
                self.tokens.replace_all(entries);
                *last = LastRead { at: Some(begun), text };
                tracing::info!(tokens = count, "the file of tokens was read again");
            }
            Err(why) => {
                if last.at.take().is_some() {
                    let file = self.path.display();
                    tracing::error!(%file, why, "the file of tokens cannot be used: nobody has a token");
                }
                self.tokens.replace_all([]);
                last.text.clear();
            }
        }
    }

    /// Returns whether what was read may still be believed.
    fn is_current(&self) -> bool {
        lock(&self.last).at.is_some_and(|at| at.elapsed() <= MAX_AGE)
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(MAX_BYTES + 1);
    if file.read_to_string(&mut text)? as u64 > MAX_BYTES {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

impl Auth for TokenList {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Reviewer, AuthError>> {
        if self.is_current() {
            self.tokens.authenticate(request)
        } else {
            ready(Err(AuthError::Unavailable)).boxed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::tokens::token_file::with_token;
    use axum::http::Request;
    use hitl_console::Token;

    async fn asked(list: &TokenList, secret: &str) -> Result<String, AuthError> {
        let request = Request::builder().header("authorization", format!("Bearer {secret}"));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        list.authenticate(&parts).await.map(|reviewer| reviewer.principal.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn invariant_5_a_file_that_cannot_be_used_or_read_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let (ann, bob) = (Token::from_secret("ann-1"), Token::from_secret("bob-1"));
        let one = with_token("", "ann", &[], None, ann.hash());
        let both = with_token(&one, "bob", &[], None, bob.hash());
        std::fs::write(&path, &both).unwrap();
        let list = TokenList::open(path).unwrap();
        assert_eq!(asked(&list, "bob-1").await.as_deref(), Ok("bob"));
        // Removed.
        list.take(Ok(one.clone()), Instant::now());
        assert_eq!(asked(&list, "bob-1").await, Err(AuthError::Wrong));
        assert_eq!(asked(&list, "ann-1").await.as_deref(), Ok("ann"));
        // Unusable, unreadable, usable again.
        for broken in [Ok("[[token]".to_owned()), Err("gone".to_owned())] {
            list.take(broken, Instant::now());
            assert_eq!(asked(&list, "ann-1").await, Err(AuthError::Unavailable));
            list.take(Ok(one.clone()), Instant::now());
            assert_eq!(asked(&list, "ann-1").await.as_deref(), Ok("ann"));
        }
        // A file system that hangs.
        tokio::time::advance(MAX_AGE + Duration::from_millis(1)).await;
        assert_eq!(asked(&list, "ann-1").await, Err(AuthError::Unavailable));
        list.take(Ok(one), Instant::now());
        assert_eq!(asked(&list, "ann-1").await.as_deref(), Ok("ann"));
    }
}
