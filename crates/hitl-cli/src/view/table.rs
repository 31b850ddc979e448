//! Columns.

use comfy_table::{Cell, Table, presets::NOTHING};

/// Formats rows under headings, each column as wide as its widest cell. Wide characters count
/// twice, as a terminal shows them. Cells must be safe to show.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_header(headings)
        .add_rows(rows.iter().map(|row| row.each_ref().map(Cell::new)));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_under_their_headings() {
        let rows = [["é".to_owned(), "long".to_owned()], ["ab".to_owned(), String::new()]];
        assert_eq!(table(["A", "B"], &rows), "A   B\né   long\nab\n");
        assert_eq!(table(["A", "B"], &[]), "A  B\n");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        let rows = [["支払".to_owned(), "x".to_owned()], ["abcd".to_owned(), "y".to_owned()]];
        assert_eq!(table(["A", "B"], &rows), "A     B\n支払  x\nabcd  y\n");
    }
}
