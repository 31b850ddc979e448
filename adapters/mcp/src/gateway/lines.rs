//! Lines of a stream, of bounded length.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// The longest line that is read, in bytes: the limit of the protocol's own library.
pub(super) const LONGEST_LINE: usize = 16 << 20;
/// The bytes that are kept of each end of a line that is too long.
const ENDS: usize = 512;

/// Reads lines. A read that is dropped loses nothing: the next one continues it.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    stream: R,
    line: Vec<u8>,
    /// The last bytes of a line whose beginning is in `line`, while it is being skipped.
    skipped: Option<Vec<u8>>,
    longest: usize,
}

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line.
    Whole(Vec<u8>),
    /// A line that is too long: its beginning and its end.
    TooLong { beginning: Vec<u8>, end: Vec<u8> },
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    pub(super) fn new(stream: R) -> Self {
        Self::with_limit(stream, LONGEST_LINE)
    }

    fn with_limit(stream: R, longest: usize) -> Self {
        Self { stream, line: Vec::new(), skipped: None, longest }
    }

    /// Returns the next line; `None` at the end of the stream, or after an error. What stands after
    /// the last line's end is no line.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            let available = self.stream.fill_buf().await.ok()?;
            if available.is_empty() {
                return None;
            }
            // No await from here to the end of the loop: what is taken is consumed.
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let taken = end.map_or(available.len(), |at| at + 1);
            match &mut self.skipped {
                Some(last) => keep_end(last, part),
                None if self.line.len() + part.len() > self.longest => {
                    let mut last = Vec::new();
                    keep_end(&mut last, &self.line);
                    keep_end(&mut last, part);
                    self.line.extend_from_slice(&part[..part.len().min(ENDS)]);
                    self.line.truncate(ENDS);
                    self.line.shrink_to_fit();
                    self.skipped = Some(last);
                }
                None => self.line.extend_from_slice(part),
            }
            self.stream.consume(taken);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                return Some(match self.skipped.take() {
                    Some(end) => Line::TooLong { beginning: line, end },
                    None => Line::Whole(line),
                });
            }
        }
    }
}

fn keep_end(last: &mut Vec<u8>, part: &[u8]) {
    last.extend_from_slice(&part[part.len().saturating_sub(ENDS)..]);
    let surplus = last.len().saturating_sub(ENDS);
    last.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn lines(bytes: &[u8], longest: usize, buffer: usize) -> Vec<Line> {
        let stream = BufReader::with_capacity(buffer, bytes);
        let mut reader = LineReader::with_limit(stream, longest);
        let mut lines = Vec::new();
        while let Some(line) = reader.next().await {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn lines_are_cut_at_their_ends_and_long_ones_keep_both_ends() {
        let long = [b"a".repeat(ENDS), b"b".repeat(ENDS), b"c".repeat(ENDS)].concat();
        let text = [&b"one\n\ntwo\r\n"[..], &long, b"\nthree\nrest"].concat();
        for buffer in [1, 7, 4096] {
            let found = lines(&text, 1000, buffer).await;
            let whole = |text: &[u8]| Line::Whole(text.to_vec());
            assert_eq!(found.len(), 5, "{buffer}");
            assert_eq!(found[..3], [whole(b"one"), whole(b""), whole(b"two\r")]);
            let Line::TooLong { beginning, end } = &found[3] else { panic!("{:?}", found[3]) };
            assert_eq!((beginning.as_slice(), end.as_slice()), (&long[..ENDS], &long[2 * ENDS..]));
            assert_eq!(found[4], whole(b"three"));
        }
    }
}
