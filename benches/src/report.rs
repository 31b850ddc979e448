//! The table, and `results.json`.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::measure::Row;
use crate::pair::Unit;

/// One row in `results.json`.
#[derive(Serialize)]
struct Result<'r> {
    path: &'r str,
    ours: f64,
    yardstick: f64,
    against: &'r str,
    unit: &'r str,
    ratio: f64,
    /// Half the interquartile range of the ratio.
    spread: f64,
    budget: Option<f64>,
}

/// Writes every row as JSON.
pub fn write_json(rows: &[Row], to: &Path) -> std::io::Result<()> {
    let results: Vec<Result<'_>> = rows
        .iter()
        .map(|row| Result {
            path: &row.path,
            ours: row.ours.median,
            yardstick: row.yardstick.median,
            against: row.against,
            unit: row.unit.name(),
            ratio: row.ratio.median,
            spread: row.ratio.spread,
            budget: row.budget,
        })
        .collect();
    let text = serde_json::to_string_pretty(&results).map_err(std::io::Error::other)?;
    std::fs::write(to, text + "\n")
}

/// Formats the rows as a table for people: medians, and the range of half of the samples around
/// them.
pub fn table(rows: &[Row]) -> String {
    let wide = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (path, against) = (wide(|row| row.path.chars().count()), wide(|row| row.against.len()));
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:<path$}  {:>16}  {:>16}  {:>14}  {:>7}      against",
        "path", "ours", "yardstick", "ratio", "budget"
    );
    let _ = writeln!(out, "{}", "-".repeat(path + against + 72));
    for row in rows {
        let budget = row.budget.map_or(String::new(), |budget| format!("{budget:.2}"));
        let verdict = match row.holds() {
            Some(true) => "ok  ",
            Some(false) => "OVER",
            None => "    ",
        };
        let ratio = format!("{:.2} ±{:.2}", row.ratio.median, row.ratio.spread);
        let _ = writeln!(
            out,
            "{:<path$}  {:>16}  {:>16}  {ratio:>14}  {budget:>7} {verdict} {}",
            row.path,
            amount(row.ours.median, row.unit),
            amount(row.yardstick.median, row.unit),
            row.against,
        );
    }
    out
}

/// Formats a number with its unit, to three digits.
pub fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds if value >= 1e9 => format!("{:.2} s", value / 1e9),
        Unit::Nanoseconds if value >= 1e6 => format!("{:.2} ms", value / 1e6),
        Unit::Nanoseconds if value >= 1e3 => format!("{:.2} µs", value / 1e3),
        Unit::Nanoseconds => format!("{value:.0} ns"),
        Unit::Seconds => format!("{value:.1} s"),
        Unit::Bytes => format!("{value:.0} B"),
        Unit::Allocations | Unit::Crates => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Middle;

    #[test]
    fn a_row_says_whether_it_is_inside_its_budget() {
        let exact = |median| Middle { median, spread: 0.0 };
        let mut row = Row {
            path: "auto".to_owned(),
            against: "bare",
            unit: Unit::Nanoseconds,
            ours: exact(2_400.0),
            yardstick: exact(1_000.0),
            ratio: exact(2.4),
            budget: Some(2.5),
        };
        assert!(table(std::slice::from_ref(&row)).contains("2.40 µs"));
        assert!(table(std::slice::from_ref(&row)).contains("ok"));
        row.budget = Some(2.0);
        assert!(table(&[row]).contains("OVER"));
    }
}
