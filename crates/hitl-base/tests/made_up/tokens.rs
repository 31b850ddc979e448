//! Tokens without a name.

use super::dice::{DIGITS, Dice, LOWER, UPPER};

/// Returns a token without a name.
pub(crate) fn token(dice: &mut Dice) -> (&'static str, String) {
    let d = dice;
    match d.below(46) {
        0 => ("aws id", format!("AKIA{}", d.of(&[UPPER, "234567"].concat(), 16))),
        1 => ("google key", format!("AIza{}", d.word(35))),
        2 => ("google client", format!("GOCSPX-{}", d.word(28))),
        3 => ("github", format!("ghp_{}", d.alnum(36))),
        4 => ("github fine", format!("github_pat_{}_{}", d.alnum(22), d.alnum(59))),
        5 => ("gitlab", format!("glpat-{}", d.word(20))),
        6 => {
            ("slack bot", format!("xoxb-{}-{}-{}", d.of(DIGITS, 12), d.of(DIGITS, 12), d.alnum(24)))
        }
        7 => (
            "slack hook",
            format!(
                "https://hooks.slack.com/services/T{}/B{}/{}",
                d.of(UPPER, 8),
                d.of(UPPER, 8),
                d.alnum(24)
            ),
        ),
        8 => ("stripe", format!("sk_live_{}", d.alnum(24))),
        9 => ("stripe test", format!("rk_test_{}", d.alnum(24))),
        10 => ("twilio", format!("SK{}", d.hex(32))),
        11 => ("sendgrid", format!("SG.{}.{}", d.word(22), d.word(43))),
        12 => ("npm", format!("npm_{}", d.alnum(36))),
        13 => ("pypi", format!("pypi-AgEIcHlwaS5vcmc{}", d.word(60))),
        14 => ("openai", format!("sk-proj-{}T3BlbkFJ{}", d.word(20), d.word(20))),
        15 => ("openai old", format!("sk-{}", d.alnum(48))),
        16 => ("anthropic", format!("sk-ant-api03-{}AA", d.word(93))),
        17 => ("hugging face", format!("hf_{}", d.alnum(34))),
        18 => ("discord", format!("M{}.{}.{}", d.word(23), d.word(6), d.word(27))),
        19 => ("telegram", format!("{}:AA{}", d.of(DIGITS, 10).replace('0', "7"), d.word(33))),
        20 => ("shopify", format!("shpat_{}", d.hex(32))),
        21 => ("square", format!("sq0atp-{}", d.word(22))),
        22 => ("mailgun", format!("key-{}", d.hex(32))),
        23 => ("mailchimp", format!("{}-us{}", d.hex(32), d.below(20) + 1)),
        24 => ("jwt", format!("eyJ{}.eyJ{}.{}", d.word(33), d.word(70), d.word(43))),
        25 => (
            "pem",
            format!(
                "-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n-----END RSA PRIVATE KEY-----",
                d.base64(64),
                d.base64(64)
            ),
        ),
        26 => ("url", format!("postgres://app:{}@db.internal:5432/main", d.alnum(14))),
        27 => ("amqp", format!("amqps://{}:{}@rabbit.internal/vhost", d.of(LOWER, 6), d.alnum(20))),
        28 => (
            "azure storage",
            format!(
                "DefaultEndpointsProtocol=https;AccountName=files;AccountKey={}==;EndpointSuffix=core.windows.net",
                d.base64(86)
            ),
        ),
        29 => ("azure client", format!("{}8Q~{}", d.alnum(3), d.alnum(34))),
        30 => ("digitalocean", format!("dop_v1_{}", d.hex(64))),
        31 => ("databricks", format!("dapi{}", d.hex(32))),
        32 => ("vault", format!("hvs.{}", d.word(90))),
        33 => ("atlassian", format!("ATATT3xFfGF0{}", d.word(170))),
        34 => ("linear", format!("lin_api_{}", d.alnum(40))),
        35 => ("new relic", format!("NRAK-{}", d.of(&[UPPER, DIGITS].concat(), 27))),
        36 => ("grafana", format!("glsa_{}_{}", d.alnum(32), d.hex(8))),
        37 => ("postman", format!("PMAK-{}-{}", d.hex(24), d.hex(34))),
        38 => ("doppler", format!("dp.pt.{}", d.alnum(43))),
        39 => ("artifactory", format!("AKCp{}", d.alnum(69))),
        40 => (
            "discord hook",
            format!("https://discord.com/api/webhooks/{}/{}", d.of(DIGITS, 18), d.word(68)),
        ),
        41 => ("bcrypt", format!("$2b$12${}", d.of(&[UPPER, LOWER, DIGITS, "./"].concat(), 53))),
        42 => ("groq", format!("gsk_{}", d.alnum(52))),
        43 => ("sentry", format!("sntrys_{}", d.base64(80))),
        44 => ("plaid", format!("access-production-{}", d.uuid())),
        _ => ("card", card(d)),
    }
}

/// Returns a number with a valid card check digit.
fn card(dice: &mut Dice) -> String {
    let body = format!("4{}", dice.of(DIGITS, 14));
    let sum: u32 = body
        .chars()
        .rev()
        .enumerate()
        .map(|(i, c)| {
            let digit = c.to_digit(10).unwrap();
            if i % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
