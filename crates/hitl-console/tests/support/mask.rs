//! Replaces values that differ between runs by placeholders, for golden texts.

/// Replaces ids, digests, cursors, moments, days, long numbers, marks of secrets, and times to
/// decision.
pub(crate) fn masked(text: &str) -> String {
    let mut out = masked_shapes(text);
    for field in ["\"medianSeconds\":", "\"p90Seconds\":"] {
        let mut parts = out.split(field);
        let mut masked = parts.next().unwrap_or_default().to_owned();
        for rest in parts {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            masked = format!("{masked}{field}<seconds>{rest}");
        }
        out = masked;
    }
    out
}

fn masked_shapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let starts_word = !before.is_ascii_alphanumeric();
        let found = if starts_word { SHAPES.iter().find_map(|shape| shape(rest)) } else { None };
        let (length, placeholder) = found.unwrap_or((first.len_utf8(), ""));
        let taken = &rest[..length];
        out.push_str(if placeholder.is_empty() { taken } else { placeholder });
        before = taken.chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    out
}

/// A shape: returns its length at the beginning of a text, and its placeholder.
type Shape = fn(&str) -> Option<(usize, &'static str)>;

const SHAPES: [Shape; 7] = [
    |text| form(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").map(|length| (length, "<id>")),
    |text| {
        let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
        (digits == 64).then_some((digits, "<digest>"))
    },
    |text| {
        let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
        (digits > 24).then_some((digits, "<cursor>"))
    },
    |text| {
        let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
        (digits == 10 && text.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_lowercase()))
            .then_some((digits, "<mark>"))
    },
    |text| form(text, "dddd-dd-ddTdd:dd:dd.dddZ").map(|length| (length, "<moment>")),
    |text| form(text, "dddd-dd-dd").map(|length| (length, "<day>")),
    |text| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        (digits >= 12).then_some((digits, "<number>"))
    },
];

/// Returns whether a text matches a form, in which `x` is a hexadecimal digit and `d` a decimal
/// one.
fn form(text: &str, form: &str) -> Option<usize> {
    let fits = |(byte, wanted): (u8, u8)| match wanted {
        b'x' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    };
    let long_enough = text.len() >= form.len();
    (long_enough && text.bytes().zip(form.bytes()).all(fits)).then_some(form.len())
}
