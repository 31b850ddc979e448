//! Lines up to a limit. A longer one is not kept, but its id is found, so that the request that it
//! was, or answered, gets an error.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::id_scan::{IdScan, LongMessage};

/// The end of reading a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// A line that exceeds the limit.
    TooLong(LongMessage),
    /// The stream has ended. A line without an end is dropped: nobody knows whether it is whole.
    End,
}

/// Reads lines up to a limit.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    read: R,
    limit: usize,
    line: Vec<u8>,
    /// Set while a line is read that exceeds the limit.
    scan: Option<IdScan>,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    /// `limit` is in bytes, of at least 1.
    pub(crate) fn new(read: R, limit: usize) -> Self {
        Self { read, limit, line: Vec::new(), scan: None }
    }

    /// Reads the next line.
    ///
    /// Cancel safe: what was read is kept for the next call.
    pub(crate) async fn next(&mut self) -> io::Result<Line> {
        loop {
            let available = self.read.fill_buf().await?;
            if available.is_empty() {
                return Ok(Line::End);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            match &mut self.scan {
                Some(scan) => scan.feed(part),
                None if self.line.len() + part.len() > self.limit => {
                    let mut scan = IdScan::default();
                    scan.feed(&std::mem::take(&mut self.line));
                    scan.feed(part);
                    self.scan = Some(scan);
                }
                None => self.line.extend_from_slice(part),
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.read.consume(consumed);
            if end.is_none() {
                continue;
            }
            if let Some(scan) = self.scan.take() {
                return Ok(Line::TooLong(scan.end()));
            }
            let mut line = std::mem::take(&mut self.line);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Line::Whole(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::RequestId;
    use tokio::io::BufReader;

    async fn all(text: &[u8], limit: usize, buffer: usize) -> Vec<Line> {
        let mut lines = LineReader::new(BufReader::with_capacity(buffer, text), limit);
        let mut read = Vec::new();
        loop {
            match lines.next().await.unwrap() {
                Line::End => return read,
                line => read.push(line),
            }
        }
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_are_read_at_every_size_of_the_buffer() {
        for buffer in 1..40 {
            let text = b"one\r\n\ntwo\nwithout an end";
            assert_eq!(all(text, 100, buffer).await, [whole("one"), whole(""), whole("two")]);
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_dropped_and_its_id_is_known() {
        let long = "x".repeat(100);
        for (head, tail) in [
            (r#"{"id":7,"params":{"id":8,"a":""#, r#""}}"#),
            (r#"{"params":{"id":8,"a":""#, r#""},"id":7}"#),
        ] {
            let text = format!("one\n{head}{long}{tail}\ntwo\n");
            for buffer in [1, 7, 64, 4096] {
                let id = Some(RequestId::Number(7));
                let too_long = Line::TooLong(LongMessage { id, is_answer: false });
                let read = all(text.as_bytes(), 60, buffer).await;
                assert_eq!(read, [whole("one"), too_long, whole("two")], "{buffer}");
            }
        }
        // The limit itself fits.
        assert_eq!(
            all(b"12345\n123456\n", 5, 3).await,
            [whole("12345"), Line::TooLong(LongMessage::default())]
        );
    }
}
