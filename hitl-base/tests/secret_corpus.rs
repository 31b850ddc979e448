//! How many secrets are caught that nobody named, and how often something else is taken for one.
//!
//! Everything here is made up while the test runs: the formats are those that scanners are tested
//! with, the values are random. Nothing is anybody's, and nothing is copied.

#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]

use std::collections::BTreeMap;

use hitl_base::Redactor;
use hitl_base::json::scan;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";

/// Pseudo-random, and the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn of(&mut self, alphabet: &str, length: usize) -> String {
        let all: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| all[self.below(all.len())]).collect()
    }

    fn alnum(&mut self, length: usize) -> String {
        self.of(&[UPPER, LOWER, DIGITS].concat(), length)
    }

    fn word(&mut self, length: usize) -> String {
        self.of(&[UPPER, LOWER, DIGITS, "_-"].concat(), length)
    }

    fn base64(&mut self, length: usize) -> String {
        self.of(&[UPPER, LOWER, DIGITS, "+/"].concat(), length)
    }

    fn hex(&mut self, length: usize) -> String {
        self.of(HEX, length)
    }

    fn uuid(&mut self) -> String {
        let h = self.hex(32);
        format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A password as people make them.
    fn password(&mut self) -> String {
        match self.below(5) {
            0 => format!(
                "{}{}{}",
                self.pick(&["Summer", "Tiger", "hunter", "Dragon", "qwerty"]),
                self.below(9_000) + 10,
                self.pick(&["!", "#", "", "?"])
            ),
            1 => self.of(&[UPPER, LOWER, DIGITS, "!@#%^*_-+"].concat(), 12),
            2 => self.alnum(16),
            3 => format!("{}-{}-{}", self.of(LOWER, 6), self.of(LOWER, 6), self.below(99) + 1),
            _ => self.alnum(24),
        }
    }
}

/// Tokens that stand by themselves.
fn token(dice: &mut Dice) -> (&'static str, String) {
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

/// A number with the check digit of a card.
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

/// A secret under its name, in the syntaxes in which secrets stand.
fn named(dice: &mut Dice) -> (String, String, String) {
    const NAMES: &[&str] = &[
        "password",
        "DB_PASSWORD",
        "passwd",
        "api_key",
        "apiKey",
        "API_SECRET",
        "client_secret",
        "access_token",
        "authToken",
        "secret_key",
        "SECRET",
        "private_key",
        "aws_secret_access_key",
        "DD_API_KEY",
        "HEROKU_API_KEY",
        "twilio_auth_token",
        "datadog.app.key",
        "encryption-key",
        "refreshToken",
        "JWT_SECRET",
        "smtp_pass",
        "spring.datasource.password",
        "MAPBOX_ACCESS_TOKEN",
        "consumer_key",
        "credentials",
        "session_token",
        "pwd",
    ];
    let d = dice;
    let name = d.pick(NAMES).to_owned();
    let secret = match d.below(6) {
        0 => d.hex(32),
        1 => d.hex(40),
        2 => d.base64(40),
        3 => d.alnum(32),
        _ if name.contains("consumer") || name.contains("app.key") => d.alnum(32),
        4 => d.uuid(),
        _ => d.password(),
    };
    // A value that may stand without quotes.
    let simple = secret.replace(['!', '#', '@', '%', '^', '*', '?', '+', '/'], "x");
    let n = &name;
    let (form, text, secret) = match d.below(26) {
        0 => ("env", format!("PORT=80\n{n}={simple}\nDEBUG=1\n"), simple),
        1 => ("export", format!("export {n}='{secret}'"), secret),
        2 => ("yaml", format!("service:\n  {n}: {simple}\n  port: 80\n"), simple),
        3 => ("yaml quoted", format!("  {n}: \"{secret}\""), secret),
        4 => ("json", format!("{{\"host\": \"x\", \"{n}\": \"{secret}\"}}"), secret),
        5 => ("json in text", format!("sent {{\"{n}\":\"{secret}\",\"a\":1 and more"), secret),
        6 => ("ini", format!("[db]\n{n} = {simple}\n"), simple),
        7 => ("python", format!("{n} = \"{secret}\"  # prod"), secret),
        8 => ("python type", format!("{n}: str = \"{secret}\""), secret),
        9 => ("kwarg", format!("connect(host='x', {n}='{secret}')"), secret),
        10 => ("js", format!("const {n} = `{simple}`;"), simple),
        11 => ("js object", format!("{{ {n}: '{secret}', port: 80 }}"), secret),
        12 => ("go", format!("{n} := \"{secret}\""), secret),
        13 => ("ruby", format!(":{n} => '{secret}',"), secret),
        14 => ("php", format!("define('{n}', '{secret}');"), secret),
        15 => ("java", format!("private static final String {n} = \"{secret}\";"), secret),
        16 => ("index", format!("os.environ[\"{n}\"] = \"{secret}\""), secret),
        17 => ("header", format!("curl -H 'X-{n}: {simple}' https://x.org"), simple),
        18 => ("flag", format!("deploy --{n} {simple} --region eu"), simple),
        19 => ("flag=", format!("deploy --{n}={simple} --region eu"), simple),
        20 => ("query", format!("GET https://x.org/v1?page=2&{n}={simple}&z=1"), simple),
        21 => ("xml", format!("<config><{n}>{simple}</{n}></config>"), simple),
        22 => ("xml add", format!("<add key=\"{n}\" value=\"{simple}\" />"), simple),
        23 => ("escaped", format!("{{\\\"{n}\\\": \\\"{simple}\\\"}}"), simple),
        24 => ("terraform", format!("  {n}    = \"{secret}\"\n"), secret),
        _ => (
            "connection",
            format!("Server=db;Database=x;User Id=sa;{n}={simple};Encrypt=true"),
            simple,
        ),
    };
    (form.to_owned(), text, secret)
}

/// Secrets in a place of their own.
fn placed(dice: &mut Dice) -> (&'static str, String, String) {
    let d = dice;
    let secret = d.alnum(14);
    match d.below(9) {
        0 => ("curl -u", format!("curl -u admin:{secret} https://x.org/api"), secret),
        1 => ("mysql -p", format!("mysql -u root -p{secret} shop"), secret),
        2 => ("sshpass", format!("sshpass -p {secret} ssh root@10.0.0.1"), secret),
        3 => ("netrc", format!("machine x.org login ann password {secret}"), secret),
        4 => ("bearer", format!("Authorization: Bearer {secret}{secret}"), secret),
        5 => {
            let secret = d.base64(30);
            ("basic", format!("Authorization: Basic {secret}=="), secret)
        }
        6 => ("npmrc", format!("//registry.example.org/:_authToken={secret}"), secret),
        7 => ("cookie", format!("Cookie: theme=dark; session={secret}"), secret),
        _ => ("prose", format!("Hi, my password is {secret}, please log in."), secret),
    }
}

/// What looks a little like a secret and is none.
fn harmless(dice: &mut Dice) -> (&'static str, String) {
    let d = dice;
    match d.below(40) {
        0 => ("uuid", format!("id={}", d.uuid())),
        1 => ("git hash", format!("git show {} -- src/main.rs", d.hex(40))),
        2 => ("short hash", format!("fixed in {}", d.hex(7))),
        3 => ("sha256", format!("sha256:{}", d.hex(64))),
        4 => ("integrity", format!("\"integrity\": \"sha512-{}==\"", d.base64(86))),
        5 => ("go.sum", format!("golang.org/x/text v0.3.{} h1:{}=", d.below(9), d.base64(43))),
        6 => ("path", format!("/home/ann/projects/{}/src/{}.rs", d.of(LOWER, 8), d.of(LOWER, 9))),
        7 => ("version", format!("serde_json = \"1.0.{}\"", d.below(200))),
        8 => ("date", format!("due: 2026-0{}-1{}T03:04:05.678Z", d.below(9) + 1, d.below(9))),
        9 => (
            "public key",
            format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} ann@host", d.base64(43)),
        ),
        10 => (
            "rsa public",
            format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ{} ann@host", d.base64(340)),
        ),
        11 => (
            "certificate",
            format!(
                "-----BEGIN CERTIFICATE-----\nMIID{}\n{}\n-----END CERTIFICATE-----",
                d.base64(60),
                d.base64(64)
            ),
        ),
        12 => (
            "public pem",
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", d.base64(64)),
        ),
        13 => ("image", format!("data:image/png;base64,iVBORw0KGgo{}", d.base64(300))),
        14 => ("image only", format!("iVBORw0KGgo{}", d.base64(400))),
        15 => ("author", format!("author: {} <{}@x.org>", d.pick(&["Ann", "Bob"]), d.of(LOWER, 6))),
        16 => ("tokens", format!("max_tokens={}, token_count: {}", d.below(9_000), d.below(90))),
        17 => (
            "prose",
            format!("Please reset the password of user {} and tell them.", d.of(LOWER, 5)),
        ),
        18 => (
            "prose 2",
            format!("The secret of the {} is patience; the key is practice.", d.of(LOWER, 5)),
        ),
        19 => ("getenv", format!("password = os.environ[\"DB_PASSWORD\"]  # line {}", d.below(99))),
        20 => ("getenv call", format!("api_key = os.getenv(\"API_KEY_{}\")", d.below(9))),
        21 => ("process.env", format!("const token = process.env.TOKEN_{};", d.below(9))),
        22 => ("variable", format!("password=${{DB_PASSWORD_{}}}", d.below(9))),
        23 => ("template", format!("token: {{{{ .Values.token{} }}}}", d.below(9))),
        24 => ("placeholder", format!("curl -H 'Authorization: Bearer <token{}>'", d.below(9))),
        25 => ("stars", format!("\"password\": \"********\", \"n\": {}", d.below(99))),
        26 => (
            "kwargs",
            format!("login(user=user{}, password=password, token=auth_token)", d.below(9)),
        ),
        27 => ("attribute", format!("self.password = config.password  # {}", d.below(99))),
        28 => ("policy", format!("password_min_length: {}", d.below(30))),
        29 => (
            "url",
            format!("https://x.org/docs/{}/reset-password?page={}", d.of(LOWER, 7), d.below(9)),
        ),
        30 => ("key value", format!("primary_key: id{}, sort_key=created_at", d.below(9))),
        31 => ("cache key", format!("cache_key={}", d.hex(32))),
        32 => ("phone", format!("+49 30 {} {}", d.of(DIGITS, 4), d.of(DIGITS, 4))),
        33 => ("order", format!("order_id: {}", d.of("13579", 16).replacen(|_| true, "1", 1))),
        34 => (
            "slug",
            format!(
                "feature-{}-{}-release-candidate-with-a-long-name",
                d.of(LOWER, 5),
                d.below(99)
            ),
        ),
        35 => {
            ("camel", format!("getUserProfileByAccountNumber{}AndReturnTheFullHistory", d.below(9)))
        }
        36 => ("mac", format!("00:1b:{}:{}:{}:{}", d.hex(2), d.hex(2), d.hex(2), d.hex(2))),
        37 => (
            "ulid",
            format!("request 01H{} took 12 ms", d.of("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 23)),
        ),
        38 => (
            "iban-free text",
            format!(
                "Invoice {} of 2026-01-0{} over $1,{}.00",
                d.below(99_999),
                d.below(8) + 1,
                d.below(900) + 100
            ),
        ),
        _ => (
            "base64 word",
            format!("Content-ID: <part{}.{}@mail.x.org>", d.below(9), d.of(DIGITS, 12)),
        ),
    }
}

const ROUNDS: usize = 3_000;

#[test]
fn invariant_8_of_secrets_that_nobody_named_95_of_100_are_caught() {
    let redactor = Redactor::standard();
    let mut dice = Dice(42);
    let mut missed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut all, mut lost) = (0, 0);
    let mut check = |kind: String, text: &str, secret: &str| {
        all += 1;
        let clean = redactor.text(text);
        // As an argument of a call, too.
        let json = hitl_base::Json::Object(vec![(
            "note".into(),
            hitl_base::Json::String(text.to_owned()),
        )]);
        let shown = redactor.json(&json).to_text();
        assert!(scan(&shown).is_ok());
        if clean.contains(secret) || shown.contains(secret) {
            lost += 1;
            missed.entry(kind).or_default().push(text.to_owned());
        }
    };
    for _ in 0..ROUNDS {
        let (kind, token) = token(&mut dice);
        let secret = match kind {
            "url" | "amqp" => {
                token.split(['@']).next().unwrap().rsplit(':').next().unwrap().to_owned()
            }
            "azure storage" => token.split("AccountKey=").nth(1).unwrap()[..80].to_owned(),
            "pem" => token.lines().nth(1).unwrap().to_owned(),
            _ => token.clone(),
        };
        let text = match dice.below(3) {
            0 => token.clone(),
            1 => format!("use {token} for the call"),
            _ => format!("x = \"{token}\";"),
        };
        check(format!("token: {kind}"), &text, &secret);
        let (form, text, secret) = named(&mut dice);
        check(format!("named: {form}"), &text, &secret);
        let (kind, text, secret) = placed(&mut dice);
        check(format!("placed: {kind}"), &text, &secret);
    }
    let counts: BTreeMap<_, _> =
        missed.iter().map(|(kind, texts)| (kind, (texts.len(), &texts[0]))).collect();
    println!(
        "caught {} of {all}: {:?}",
        all - lost,
        missed.iter().map(|(kind, texts)| (kind, texts.len(), &texts[0])).collect::<Vec<_>>()
    );
    assert!((all - lost) * 100 >= all * 95, "caught {} of {all}: {counts:#?}", all - lost);
}

#[test]
fn invariant_8_of_what_is_harmless_at_most_one_of_100_is_masked() {
    let redactor = Redactor::standard();
    let mut dice = Dice(43);
    let mut alarms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for _ in 0..ROUNDS * 2 {
        let (kind, text) = harmless(&mut dice);
        let clean = redactor.text(&text);
        if clean != text {
            alarms.entry(kind).or_default().push(format!("{text} -> {clean}"));
        }
    }
    let lost: usize = alarms.values().map(Vec::len).sum();
    let counts: BTreeMap<_, _> =
        alarms.iter().map(|(kind, texts)| (kind, (texts.len(), &texts[0]))).collect();
    println!("false alarms: {lost} of {}", ROUNDS * 2);
    assert!(lost * 100 <= ROUNDS * 2, "{lost} of {}: {counts:#?}", ROUNDS * 2);
}

/// A megabyte of arguments in less than 50 ms, where the code is optimised.
#[test]
fn a_megabyte_is_redacted_in_time() {
    let redactor = Redactor::standard();
    let mut dice = Dice(44);
    let mut items = Vec::new();
    while items.iter().map(String::len).sum::<usize>() < 1_000_000 {
        // One text in ten has something in it.
        let text = match items.len() % 30 {
            0 => named(&mut dice).1,
            10 => token(&mut dice).1,
            20 => harmless(&mut dice).1,
            _ => format!(
                "The {} of the {} is in the {} room, as agreed on Monday.",
                dice.of(LOWER, 6),
                dice.of(LOWER, 7),
                dice.of(LOWER, 5)
            ),
        };
        items.push(text);
    }
    let items = items.into_iter().map(hitl_base::Json::String).collect();
    let tree = hitl_base::Json::Object(vec![("items".to_owned(), hitl_base::Json::Array(items))]);
    redactor.json(&tree);
    let took = (0..5)
        .map(|_| {
            let (begin, on_cpu) = (std::time::Instant::now(), cpu_time());
            std::hint::black_box(redactor.json(&tree));
            match (on_cpu, cpu_time()) {
                (Some(before), Some(after)) => after.saturating_sub(before),
                _ => begin.elapsed(),
            }
        })
        .min()
        .unwrap();
    println!("{} bytes in {took:?}", tree.to_text().len());
    if !cfg!(debug_assertions) {
        assert!(took < std::time::Duration::from_millis(50), "{took:?}");
    }
}

/// How long this thread has had a processor, where the system says so: other tests do not count.
fn cpu_time() -> Option<std::time::Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(std::time::Duration::from_nanos)
}
