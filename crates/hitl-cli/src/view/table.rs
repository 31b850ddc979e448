//! Tables: rows under headings, as wide as the screen allows. Pure.
//!
//! A table that is too wide is narrowed in this order: columns that may be shortened are, down to
//! their least width; then the least important column is left out; and so on. A text is shortened
//! between two words, and a mark shows it.

use hitl_core::approval::terminal::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Screen, Width};

/// The columns between two columns of a table.
const GAP: usize = 2;
/// The mark of a text that is not shown to its end.
pub(super) const MARK: &str = "…";

/// The heading of a column, and what happens to it where there is little room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    heading: &'static str,
    /// The least width to which its texts may be shortened.
    least: Option<usize>,
    /// The turn at which it is left out: the lowest first.
    left_out: Option<u8>,
    is_hidden: bool,
}

impl Column {
    /// A column that is always there, with each text whole.
    pub(crate) const fn new(heading: &'static str) -> Self {
        Self { heading, least: None, left_out: None, is_hidden: false }
    }

    /// Lets its texts be shortened, down to this width.
    pub(crate) const fn shortened_to(self, least: usize) -> Self {
        Self { least: Some(least), ..self }
    }

    /// Leaves it out: it says nothing in this table.
    pub(crate) const fn hidden(self) -> Self {
        Self { is_hidden: true, ..self }
    }

    /// Lets it be left out; of several columns, the one with the lowest turn first.
    pub(crate) const fn left_out_at(self, turn: u8) -> Self {
        Self { left_out: Some(turn), ..self }
    }
}

/// A text in a table. It must be safe to show, and has no line breaks.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(super) text: String,
    style: Style,
}

impl Cell {
    /// A text in the style that its meaning has.
    pub(crate) fn styled(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(Style::Plain, text)
    }
}

/// Rows under headings.
pub(crate) struct Table<const N: usize> {
    pub(super) columns: [Column; N],
    pub(super) rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(columns: [Column; N]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn with(columns: [Column; N], rows: impl IntoIterator<Item = [Cell; N]>) -> Self {
        Self { columns, rows: rows.into_iter().collect() }
    }

    pub(crate) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// Returns the table as text, each line ended. Wide characters count twice, as a terminal shows
    /// them.
    pub(crate) fn text(&self, screen: Screen) -> String {
        let widths = widths(&self.columns, &self.natural(), screen.width());
        let headings = self.columns.map(|column| Cell::styled(Style::Strong, column.heading));
        let rows = std::iter::once(&headings).chain(&self.rows);
        rows.map(|row| line(row, &widths, screen)).collect()
    }

    /// Returns the width of each column in which every text is whole.
    fn natural(&self) -> [usize; N] {
        let mut natural = self.columns.map(|column| column.heading.width());
        for row in &self.rows {
            for (width, cell) in natural.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        natural
    }
}

/// Returns the width of each column on a screen; `None` for one that is left out.
fn widths<const N: usize>(
    columns: &[Column; N],
    natural: &[usize; N],
    screen: Width,
) -> [Option<usize>; N] {
    let room = screen.columns();
    let least = |at: usize| {
        let (column, whole) = (columns[at], natural[at]);
        column.least.map_or(whole, |least| whole.min(least.max(column.heading.width())))
    };
    let mut widths: [Option<usize>; N] =
        std::array::from_fn(|at| (!columns[at].is_hidden).then(|| least(at)));
    while total(&widths) > room {
        let can_go = (0..N).filter(|at| widths[*at].is_some() && columns[*at].left_out.is_some());
        let Some(next) = can_go.min_by_key(|at| columns[*at].left_out) else { break };
        widths[next] = None;
    }
    // What is left over goes to the texts that are not whole.
    let mut rest = room.saturating_sub(total(&widths));
    loop {
        let before = rest;
        for (width, whole) in widths.iter_mut().zip(natural) {
            if let Some(width) = width.as_mut().filter(|width| **width < *whole && rest > 0) {
                *width += 1;
                rest -= 1;
            }
        }
        if rest == before {
            break;
        }
    }
    narrowed(widths, room)
}

/// Narrows the columns from the last one on, where a terminal has too little room even for those
/// that are never left out.
fn narrowed<const N: usize>(mut widths: [Option<usize>; N], room: usize) -> [Option<usize>; N] {
    for at in (0..N).rev() {
        let over = total(&widths).saturating_sub(room);
        if let Some(width) = widths[at].filter(|_| over > 0) {
            widths[at] = width.checked_sub(over).filter(|width| *width > 0);
        }
    }
    widths
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten().count();
    widths.iter().flatten().sum::<usize>() + GAP * shown.saturating_sub(1)
}

fn line<const N: usize>(cells: &[Cell; N], widths: &[Option<usize>; N], screen: Screen) -> String {
    let mut out = String::new();
    let mut owed = 0;
    for (cell, width) in cells.iter().zip(widths) {
        let Some(width) = *width else { continue };
        let text = shorten(&cell.text, width);
        if !text.is_empty() {
            out.extend(std::iter::repeat_n(' ', std::mem::take(&mut owed)));
            out.push_str(&screen.paint(cell.style, &text));
        }
        owed += width.saturating_sub(text.width()) + GAP;
    }
    out.push('\n');
    out
}

/// Shortens a text to this width, after the last whole word that fits. A first word that is too
/// long is cut itself. The mark shows that something is left out.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(MARK.width());
    let (mut used, mut cut, mut word_end) = (0, 0, None);
    for (at, c) in text.char_indices() {
        if c == ' ' && used < room {
            word_end = Some(at);
        }
        used += c.width().unwrap_or_default();
        if used > room {
            break;
        }
        cut = at + c.len_utf8();
    }
    let (end, seam) = word_end.map_or((cut, ""), |end| (end, " "));
    let kept = text.get(..end).unwrap_or_default().trim_end();
    if width == 0 { String::new() } else { format!("{kept}{seam}{MARK}") }
}
