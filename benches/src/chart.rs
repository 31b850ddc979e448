//! The ratios as a chart: one bar for each row, on a logarithmic scale of base two, and its budget
//! as a line.

use std::fmt::Write as _;

use crate::measure::Row;

const LEFT: f64 = 420.0;
const WIDTH: f64 = 460.0;
const LINE: f64 = 22.0;
/// The scale ranges from 1/4 to 64.
const LOWEST: f64 = -2.0;
const HIGHEST: f64 = 6.0;

/// Draws the rows.
pub fn svg(rows: &[Row]) -> String {
    let height = 70.0 + LINE * f64::from(u32::try_from(rows.len()).unwrap_or(0));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0}\" height=\"{height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\" font-weight=\"600\">hitl beside its yardsticks: \
         ratio, and budget</text>\n",
        LEFT + WIDTH + 90.0
    );
    for power in -2..=6 {
        let x = at(2_f64.powi(power));
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"48\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#e3e3e3\"/>\
             <text x=\"{x:.1}\" y=\"42\" text-anchor=\"middle\" fill=\"#666\">{}×</text>",
            height - 12.0,
            2_f64.powi(power)
        );
    }
    let mut y = 52.0;
    for row in rows {
        let ratio = row.ratio.median;
        let color = match row.holds() {
            Some(true) => "#2e7d4f",
            Some(false) => "#b3402a",
            None => "#7a869a",
        };
        let (from, to) = (at(1.0).min(at(ratio)), at(1.0).max(at(ratio)));
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" fill=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#333\">{ratio:.2}</text>",
            LEFT - 10.0,
            y + 11.0,
            escaped(&row.path),
            y + 1.0,
            (to - from).max(1.0),
            LEFT + WIDTH + 12.0,
            y + 11.0,
        );
        if let Some(budget) = row.budget {
            let x = at(budget);
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#111\" \
                 stroke-width=\"2\"/>",
                y - 1.0,
                y + 15.0
            );
        }
        y += LINE;
    }
    out.push_str("</svg>\n");
    out
}

fn at(ratio: f64) -> f64 {
    let place = (ratio.max(f64::MIN_POSITIVE).log2() - LOWEST) / (HIGHEST - LOWEST);
    LEFT + WIDTH * place.clamp(0.0, 1.0)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
