//! Numbers, dates and lists in the form people write. They are shown beside the exact value, never
//! instead of it: nothing here rounds.

use jiff::civil::Date;

use super::escape::quoted;

/// Returns a decimal number with grouped digits, and at least two decimals if it has a fraction.
/// `None` if it is not a plain decimal number.
///
/// ```
/// # use hitl::display::amount;
/// assert_eq!(amount("1500.0").as_deref(), Some("1,500.00"));
/// assert_eq!(amount("-1234567").as_deref(), Some("-1,234,567"));
/// assert_eq!(amount("0.125").as_deref(), Some("0.125"));
/// assert_eq!(amount("1e3"), None);
/// ```
pub fn amount(number: &str) -> Option<String> {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !decimal(whole) || !decimal(fraction) || digits.ends_with('.') {
        return None;
    }
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
        out.extend(std::iter::repeat_n('0', 2_usize.saturating_sub(fraction.len())));
    }
    Some(out)
}

/// Returns whether a parameter of this name holds an amount of money, as far as a name can tell.
///
/// ```
/// # use hitl::display::is_amount_name;
/// assert!(is_amount_name("amount") && is_amount_name("totalPrice") && is_amount_name("max_fee"));
/// assert!(!is_amount_name("order_number") && !is_amount_name("count"));
/// ```
pub fn is_amount_name(name: &str) -> bool {
    const LAST: &[&str] = &[
        "amount", "price", "cost", "costs", "total", "subtotal", "fee", "fees", "budget",
        "balance", "salary", "refund", "payment", "fare", "tax", "usd", "eur", "gbp",
    ];
    crate::redact::words(name).last().is_some_and(|word| LAST.contains(&word.as_str()))
}

/// Returns whether a parameter of this name holds a point in time, as far as a name can tell.
pub fn is_time_name(name: &str) -> bool {
    const LAST: &[&str] =
        &["at", "date", "time", "timestamp", "until", "deadline", "expires", "expiry", "since"];
    crate::redact::words(name).last().is_some_and(|word| LAST.contains(&word.as_str()))
}

/// Returns whether a parameter of this name says whom a call reaches, or who pays, as far as a name
/// can tell.
///
/// ```
/// # use hitl::display::is_party_name;
/// assert!(is_party_name("to") && is_party_name("userId") && is_party_name("payment_method"));
/// assert!(!is_party_name("total") && !is_party_name("accountant") && !is_party_name("reason"));
/// ```
pub fn is_party_name(name: &str) -> bool {
    const ANY: &[&str] = &[
        "account",
        "address",
        "attendees",
        "bcc",
        "beneficiary",
        "bucket",
        "cc",
        "channel",
        "customer",
        "destination",
        "email",
        "host",
        "iban",
        "member",
        "members",
        "passenger",
        "passengers",
        "payee",
        "payer",
        "payment",
        "payments",
        "phone",
        "receiver",
        "recipient",
        "recipients",
        "repository",
        "signatory",
        "target",
        "tenant",
        "to",
        "url",
        "user",
        "users",
    ];
    crate::redact::words(name).iter().any(|word| ANY.contains(&word.as_str()))
}

/// Returns an ISO-8601 date or instant as people write it, with the day of the week. The time stays
/// in the zone in which it was written.
///
/// ```
/// # use hitl::display::date;
/// assert_eq!(date("2026-01-02").as_deref(), Some("Fri 2 January 2026"));
/// assert_eq!(date("2026-01-02T03:04:00Z").as_deref(), Some("Fri 2 January 2026, 03:04 UTC"));
/// assert_eq!(date("2026-01-02T03:04:05+02:00").as_deref(), Some("Fri 2 January 2026, 03:04:05 +02:00"));
/// assert_eq!(date("2026-13-02"), None);
/// ```
pub fn date(text: &str) -> Option<String> {
    if !text.is_ascii() || text.len() > 40 {
        return None;
    }
    let (day, rest) = text.split_at_checked(10)?;
    let shape = day.bytes().enumerate().all(|(i, byte)| match i {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !shape {
        return None;
    }
    let parsed: Date = day.parse().ok()?;
    let day = format!("{} {} {}", parsed.strftime("%a"), parsed.day(), parsed.strftime("%B %Y"));
    if rest.is_empty() {
        return Some(day);
    }
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let zone = time.find(['Z', 'z', '+', '-']).map_or(time.len(), |at| at);
    let (clock, zone) = time.split_at(zone);
    // The calendar checks that it is a valid time; the text shown is the original one.
    let parsed: jiff::civil::Time = clock.parse().ok()?;
    if !zone.is_empty() {
        text.parse::<jiff::Timestamp>().ok()?;
    }
    let clock = if parsed.second() == 0 && parsed.subsec_nanosecond() == 0 {
        parsed.strftime("%H:%M").to_string()
    } else {
        clock.to_owned()
    };
    let zone = match zone {
        "" => String::new(),
        "Z" | "z" => " UTC".to_owned(),
        zone => format!(" {zone}"),
    };
    Some(format!("{day}, {clock}{zone}"))
}

/// Returns seconds or milliseconds since the Unix epoch, between 2001 and 2286, as people write
/// dates.
///
/// ```
/// # use hitl::display::moment;
/// assert_eq!(moment("1767323045").as_deref(), Some("Fri 2 January 2026, 03:04:05 UTC"));
/// assert_eq!(moment("1767323040000").as_deref(), Some("Fri 2 January 2026, 03:04 UTC"));
/// assert_eq!(moment("12"), None);
/// ```
pub fn moment(number: &str) -> Option<String> {
    let value: i64 = number.parse().ok()?;
    let at = match number.len() {
        10 => jiff::Timestamp::from_second(value),
        13 => jiff::Timestamp::from_millisecond(value),
        _ => return None,
    };
    date(&at.ok()?.to_string())
}

/// Returns the first few items of a list, and the number of the others. An item that could be
/// mistaken for two, or for something else, is quoted.
///
/// ```
/// # use hitl::display::list;
/// assert_eq!(list(["ann", "bob"]), "ann, bob");
/// assert_eq!(list(["a, b", ""]), r#""a, b", """#);
/// assert_eq!(list((1..=30).map(|n| n.to_string())), "1, 2, 3, 4, 5 and 25 more");
/// ```
pub fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 5;
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(SHOWN).map(|item| plain(item.as_ref())).collect();
    let more = items.count();
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Returns a text as it is if it is unambiguous, and quoted otherwise.
fn plain(text: &str) -> String {
    let simple =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '/' | '#');
    if !text.is_empty() && text.chars().all(simple) { text.to_owned() } else { quoted(text) }
}

/// Returns a number of bytes as people write it.
///
/// ```
/// # use hitl::display::bytes;
/// assert_eq!([bytes(999), bytes(1_500), bytes(12_000_000)], ["999 B", "1.5 kB", "12.0 MB"]);
/// ```
pub fn bytes(count: usize) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let unit = units.iter().find(|(size, _)| count >= *size);
    unit.map_or_else(
        || format!("{count} B"),
        |(size, unit)| format!("{}.{} {unit}", count / size, count % size * 10 / size),
    )
}
