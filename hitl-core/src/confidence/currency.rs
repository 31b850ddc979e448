//! The names of currencies, which may stand beside an amount without changing it.

/// The codes of ISO 4217.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB \
    BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN \
    ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD \
    JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT \
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR \
    RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND \
    TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";

/// Other words for currencies, in lower case.
const WORDS: [&str; 40] = [
    "dollar", "dollars", "euro", "euros", "pound", "pounds", "yen", "yuan", "rupee", "rupees",
    "franc", "francs", "peso", "pesos", "krone", "kroner", "krona", "kronor", "zloty", "cent",
    "cents", "pence", "us", "usd", "eur", "gbp", "chf", "jpy", "cny", "inr", "aud", "cad", "nzd",
    "sek", "nok", "dkk", "pln", "kr", "rs", "zł",
];

/// The countries whose currency is written with their letters before `$`.
const DOLLARS: [&str; 10] = ["US", "A", "AU", "C", "CA", "HK", "NZ", "NT", "SG", "R"];

/// Returns whether a text is the code of a currency, or its sign.
pub(super) fn is_currency_code(text: &str) -> bool {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(sign), None) => is_currency_sign(sign),
        _ => text.len() == 3 && !text.contains(' ') && CODES.split(' ').any(|code| code == text),
    }
}

/// Returns whether a word beside an amount names its currency. `next` is what stands right after
/// the word.
pub(super) fn is_currency_word(word: &str, next: Option<char>) -> bool {
    is_currency_code(word)
        || (next == Some('$') && DOLLARS.contains(&word))
        || WORDS.contains(&&*word.to_lowercase())
}

/// Returns whether a character is the sign of a currency.
pub(super) fn is_currency_sign(sign: char) -> bool {
    matches!(sign, '$' | '\u{A2}'..='\u{A5}' | '\u{E3F}' | '\u{20A0}'..='\u{20CF}')
}
