//! A child process that says something to this one.

use std::io::{self, BufRead as _, BufReader};
use std::process::Child;

/// Returns the first line that a child prints; empty if it prints none.
pub(super) fn first_line(child: &mut Child) -> io::Result<String> {
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    Ok(line)
}
