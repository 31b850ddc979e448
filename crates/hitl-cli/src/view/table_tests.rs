//! Tables on screens of every width.

use hitl_core::approval::terminal::ColorMode;
use hitl_core::approval::terminal::Style;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::table::*;
use super::{Screen, Width};

const PLAIN: Screen = Screen::new(Width::Unlimited, ColorMode::Plain);

fn at(columns: usize) -> Screen {
    Screen::new(Width::Columns(columns), ColorMode::Plain)
}

fn pair(rows: &[[&str; 2]]) -> Table<2> {
    let columns = ["A", "B"].map(Column::new);
    Table::with(columns, rows.iter().map(|row| row.map(Cell::from)))
}

#[test]
fn columns_are_aligned_under_their_headings() {
    let table = pair(&[["é", "long"], ["ab", ""]]);
    assert_eq!(table.text(PLAIN), "A   B\né   long\nab\n");
    assert_eq!(pair(&[]).text(PLAIN), "A  B\n");
}

#[test]
fn a_wide_character_takes_two_columns() {
    let table = pair(&[["支払", "x"], ["abcd", "y"]]);
    assert_eq!(table.text(PLAIN), "A     B\n支払  x\nabcd  y\n");
}

#[test]
fn a_text_is_shortened_between_words_and_says_so() {
    let text = "Wire 120 to Initech";
    for (width, expected) in [
        (19, text),
        (18, "Wire 120 to …"),
        (13, "Wire 120 to …"),
        (12, "Wire 120 …"),
        (6, "Wire …"),
        (5, "Wire…"),
        (3, "Wi…"),
        (1, "…"),
        (0, ""),
    ] {
        assert_eq!(shorten(text, width), expected, "{width}");
    }
    assert_eq!(shorten("支払支払", 5), "支払…");
}

/// Texts, and columns of which the first is never left out.
fn example() -> Table<4> {
    let columns = [
        Column::new("ID"),
        Column::new("RISK").left_out_at(1),
        Column::new("TOOL").shortened_to(8).left_out_at(2),
        Column::new("TITLE").shortened_to(12),
    ];
    let mut table = Table::new(columns);
    table.push(["72e1f84a37cd", "high", "send_wire", "Wire 120 to Initech"].map(Cell::from));
    table.push(["aaaaf84a37cd", "low", "wait", "Wait"].map(Cell::from));
    table
}

#[test]
fn what_matters_least_is_left_out_first() {
    let line = |columns| example().text(at(columns)).lines().nth(1).map(str::to_owned);
    let says = |columns, text: &str| assert_eq!(line(columns).as_deref(), Some(text));
    says(50, "72e1f84a37cd  high  send_wire  Wire 120 to Initech");
    says(49, "72e1f84a37cd  high  send_wire  Wire 120 to …");
    says(42, "72e1f84a37cd  high  send_wi…  Wire 120 …");
    says(39, "72e1f84a37cd  send_wire  Wire 120 to …");
    says(33, "72e1f84a37cd  Wire 120 to Initech");
    says(28, "72e1f84a37cd  Wire 120 to …");
    says(24, "72e1f84a37cd  Wire 120 …");
}

#[test]
fn colours_take_no_room_and_are_never_the_only_sign() {
    let mut table = Table::new([Column::new("RISK"), Column::new("TITLE")]);
    table.push([Cell::styled(Style::Bad, "high"), "x".into()]);
    let colored = table.text(Screen::new(Width::Columns(24), ColorMode::Ansi));
    assert!(colored.contains("\x1b[31mhigh\x1b[0m  x\n"), "{colored:?}");
    let stripped = ["\x1b[31m", "\x1b[1m", "\x1b[0m"];
    let stripped = stripped.iter().fold(colored, |text, code| text.replace(code, ""));
    assert_eq!(stripped, table.text(PLAIN));
}

fn texts() -> impl Strategy<Value = Vec<[String; 4]>> {
    let text = || "[a-c\u{4e00}]{0,9}( [a-c\u{4e00}]{1,14}){0,5}";
    let id = "[0-9a-f]{12}";
    let row = (id, "low|high|critical", text(), text()).prop_map(|(a, b, c, d)| [a, b, c, d]);
    proptest::collection::vec(row, 0..6)
}

proptest! {
    #[test]
    fn no_line_is_too_wide_and_no_word_is_broken(rows in texts(), columns in 24_usize..220) {
        let mut table = example();
        for row in &rows {
            table.push(row.clone().map(Cell::from));
        }
        let text = table.text(at(columns));
        prop_assert_eq!(text.lines().count(), table.rows.len() + 1);
        for (line, row) in text.lines().skip(1).zip(&table.rows) {
            prop_assert!(line.width() <= columns, "{}", line);
            prop_assert!(line.starts_with(row[0].text.as_str()), "an id is whole: {}", line);
            let words: Vec<&str> = row.iter().flat_map(|cell| cell.text.split(' ')).collect();
            for word in line.split(' ').filter(|word| !word.is_empty() && *word != MARK) {
                // Only a first word that has no room in its column is cut, and says so.
                let is_whole = words.contains(&word);
                let cut = word.strip_suffix(MARK);
                let is_cut = cut.is_some_and(|cut| {
                    row.iter().any(|cell| cell.text.starts_with(cut))
                });
                prop_assert!(is_whole || is_cut, "{:?} in {:?}", word, line);
            }
        }
    }

    #[test]
    fn without_a_terminal_everything_is_whole(rows in texts()) {
        let table = Table::with(example().columns, rows.iter().map(|row| row.clone().map(Cell::from)));
        let text = table.text(PLAIN);
        for (line, row) in text.lines().skip(1).zip(&rows) {
            prop_assert!(row.iter().all(|cell| line.contains(cell.as_str())), "{}", line);
        }
    }
}
