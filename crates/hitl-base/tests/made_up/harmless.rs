//! Text that looks a little like a secret and is none.

use super::dice::{DIGITS, Dice, LOWER, UPPER};

/// Returns text that looks a little like a secret and is none.
pub(crate) fn harmless(dice: &mut Dice) -> (&'static str, String) {
    if dice.below(2) == 0 { thing(dice) } else { code(dice) }
}

/// Returns ids, hashes, public keys, prose, placeholders.
fn thing(dice: &mut Dice) -> (&'static str, String) {
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

/// Returns lines of programs and of configuration, addresses, and more prose.
fn code(dice: &mut Dice) -> (&'static str, String) {
    let d = dice;
    match d.below(26) {
        0 => ("path of code", format!("use crate::auth::Reviewer{};", d.below(9))),
        1 => ("type", format!("pub brace_token: token::Brace, // {}", d.below(9))),
        2 => ("constant", format!("pub const ADD_ENCRYPTION_KEY: u32 = {};", d.of("123456789", 9))),
        3 => ("loop", format!("for _, token := range tokens.Data[{}:] {{", d.below(9))),
        4 => ("local", format!("let secret = captured_values; // {}", d.below(9))),
        5 => (
            "struct tag",
            format!("ApiToken *T `protobuf:\"bytes,{},opt,name=api_token\"`", d.below(90)),
        ),
        6 => ("header's name", format!("const API_KEY_HEADER_{} = \"X-Api-Key\";", d.of(UPPER, 1))),
        7 => ("page", format!("AccessToken: \"https://x.org/docs/{}/query\",", d.of(LOWER, 6))),
        8 => (
            "route",
            format!("put '/forgot-password' => \"sites/passwords#update\" # {}", d.below(9)),
        ),
        9 => ("label", format!("nameLabel:\"Name:\",passwordLabel:\"Password:\",n:{}", d.below(9))),
        10 => ("added", format!("get(\"https://x.org/v{}?api_key=\" + key)", d.below(9))),
        11 => ("filler", format!("export GH_TOKEN=ghp_{}", "x".repeat(30 + d.below(9)))),
        12 => ("public key", format!("public_key = \"{}\"", d.alnum(43))),
        13 => ("bitcoin", format!("send to bc1q{}", d.of("023456789acdefghjklmnpqrstuvwxyz", 38))),
        14 => {
            ("content id", format!("ipfs cat bafy{}", d.of("234567abcdefghijklmnopqrstuvwxyz", 55)))
        }
        15 => (
            "alphabet",
            format!(
                "const CHARS{} = \"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz\"",
                d.below(9)
            ),
        ),
        16 => ("hash", format!("{{\"hash\":\"{}\",\"size\":{}}}", d.hex(40), d.below(9))),
        17 => ("row", format!("{{\"id\":\"{}\",\"author\":\"ann\",\"key\":\"name\"}}", d.uuid())),
        18 => ("pod", format!("pod/web-{}-{} restarted", d.hex(10), d.alnum(5).to_lowercase())),
        19 => ("host", format!("api-auth.url=auth-{}.api.internal.example.com:8443", d.below(9))),
        20 => {
            ("prose 3", format!("The token is expired since {} days, please sign in.", d.below(90)))
        }
        21 => ("prose 4", format!("Use Basic authentication, or a bearer token. ({})", d.below(9))),
        22 => (
            "flag in prose",
            format!("Pass --all-secrets to list them, --no-token to skip {}.", d.below(9)),
        ),
        23 => (
            "arn",
            format!("SecretArn: arn:aws:secretsmanager:eu-west-1:{}:secret:db", d.of(DIGITS, 12)),
        ),
        24 => ("stamp", format!("build 1.{}.0_2024011{}_1420 of main", d.below(9), d.below(9))),
        _ => ("css", format!("newPassword = \"#new-password\"; // {}", d.below(9))),
    }
}
