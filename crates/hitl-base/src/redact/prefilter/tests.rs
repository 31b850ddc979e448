//! The prefilter misses no match: texts of every kind are searched with the slow patterns alone and
//! with the prefilter.

use proptest::prelude::*;

use super::super::mask::{Masker, NameMasker};
use super::super::{
    Redactor, contexts as slow_places, issuer_tokens, key_value, shapes as slow_shapes,
};
use super::*;

/// Texts that the patterns match, in parts that are recombined.
const PIECES: &[&str] = &[
    "password",
    "Passwort for user x: ",
    "passw",
    "pasword",
    "PSW",
    "pssw",
    "pw",
    "secret",
    "token",
    "KEY",
    "auth",
    "cred",
    "cookie: a=bcd",
    "Set-Cookie : sid=31d4d96e",
    "pin",
    "otp",
    "cvv",
    "cvc",
    "ssn",
    "jwt",
    "bearer",
    "Bearer abcdefghijkl",
    "basic  dXNlcjpwYXNz",
    "mnemonic",
    "session",
    "connectionstring",
    "seed",
    "code",
    "card",
    "psk",
    "salt",
    "sas",
    "sig",
    "hmac",
    "license",
    "access",
    "login",
    "sid",
    "webhook",
    "dsn",
    "private",
    "api",
    "_pat",
    "Kennwort",
    "contraseña",
    "senha",
    "motdepasse",
    "wachtwoord",
    "Пароль",
    "парол",
    "密码",
    "口令",
    "パスワード",
    "비밀번호",
    "비번",
    "ｐａｓｓ",
    "ſecret",
    "paſſword",
    "toKen",
    "toKen",
    "coo\u{212A}ie",
    "curl -u ann:hunter22 x",
    "curl --user ann:hunter22",
    " --proxy-user=a:bcd",
    "wget -u 'somebody1:' x",
    "mysql -psecret1",
    "sshpass -p hunter2 ssh",
    "redis-cli -h x -a hunter22",
    "docker login -u a -p hunter22",
    "login ann password hunter2",
    "identified by 'hunter2'",
    "IDENTIFIED BY password \"x1y2\"",
    "ConvertTo-SecureString -String \"h4nter\"",
    "psexec \\\\x -u a -p hunter22",
    "NetworkCredential(\"a\", \"hunter22\")",
    "DirectoryEntry(\"a\", \"b\", \"hunter22\")",
    "'hunter22' == password",
    "\"a1b2c3d4\" !=  userPassword",
    "'x1y2z3' === api_key",
    "<key>password</key> <string>hunter2</string>",
    "<password>hunter2</password>",
    "<add key=\"password\" value=\"hunter2\" />",
    "name: 'api_key', value: 'a1b2c3'",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
    "eyJabcdefgh....",
    "4111 1111 1111 1111",
    "4111111111111111",
    "5500-0000-0000-0004",
    "postgres://app:hunter2@db/x",
    "amqp://:a:b@c",
    "https://ann@example.com:80/",
    "hooks.slack.com/services/T0001/B0002/a1B2c3D4e5F6",
    "q3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9Ee4To6KiQ",
    "0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11",
    "$2b$12$abcdefghijklmnopqrstuv",
    "$krb5tgs$23$*user$realm$test/spn*$63386d22d359fe42230300d5",
    "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4-us12",
    "/webhook/a1B2c3D4e5F6g7H8i9J0k1L2",
    "AccountKey=",
    "MIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf",
    "zip -P Tr0mbone9 out",
    "ldapsearch -w Tr0mbone9",
    "openssl enc -k Tr0mbone9",
    "smbclient -U ann%Tr0mbone9",
    "sqlplus scott/Tr0mbone9",
    "htpasswd -b f ann Tr0mbone9",
    "lftp -u ann,Tr0mbone9",
    " /p:Tr0mbone9",
    "http -a ann:Tr0mbone9",
    "IDENTIFIED BY Tr0mbone9",
    "create role a password Tr0mbone9",
    "getenv('DB_PASSWORD', 'x1y2z3')",
    "os.environ['API_TOKEN'] or 'x1y2z3'",
    "SECRET = env.get('X', 'x1y2z3')",
    "AcmeClient('0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11')",
    "secret_key = {0x12,0x34,0x56,0x78,0x9a,0xbc,0xde,0xf0}",
    "secretKey: []byte{1,2,3,4,5,6,7,8,9}",
    "seed phrase: ladder window fossil garden pepper ribbon tunnel oyster violet napkin copper meadow",
    "mnemonic ladder window fossil garden pepper ribbon tunnel oyster violet napkin copper meadow",
    "verification code is 482913",
    "otp: 4711",
    "cvv 123",
    "ssn 219-09-9999",
    "social security number 219 09 9999",
    "219-09-9999",
    "1234567890123|q3Zk8RtW1yPv7LmX0dJs5HfGb2N",
    "\"kty\": \"oct\", \"k\": \"q3Zk8RtW1yPv7LmX\"",
    "cGFzc3dvcmQ9VHIwbWJvbmU5OSZ4PTE=",
    "&quot;password&quot;: &quot;x1y2z3&quot;",
    "password%3Dx1y2z3%26",
    "hasło: x1y2z3",
    "Şifre: x1y2z3",
    "секрет",
    "密碼",
    "令牌",
    "암호",
    "the customer",
    "asks",
    "of",
    "-",
    "--",
    "=",
    "==",
    "!=",
    "'",
    "\"",
    "`",
    "<",
    "</",
    ":",
    "//",
    "@",
    ".",
    ",",
    " ",
    "  ",
    "\n",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "\u{b}",
    "é",
    "—",
    "value",
    "=\"",
    "1",
    "12",
    "2024-05-22",
    "555 010",
    "ab",
    "Xy",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => proptest::sample::select(PIECES).prop_map(str::to_uppercase),
        1 => "[ -~]{1,12}",
        1 => (any::<prop::sample::Index>(), proptest::sample::select(PIECES)).prop_map(|(at, piece)| {
            let mut letters: Vec<char> = piece.chars().collect();
            letters.remove(at.index(letters.len()));
            letters.into_iter().collect()
        }),
        1 => proptest::sample::select(issuer_tokens::marks()).prop_map(|mark| {
            format!("{mark}{}", "a1B2c3D4e5".repeat(5))
        }),
    ];
    (proptest::collection::vec(piece, 1..8), 0..12_usize)
        .prop_map(|(pieces, before)| "x ".repeat(before) + &pieces.concat())
}

/// Returns the character boundaries of a text.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn invariant_8_the_stems_are_those_of_the_pattern(text in texts()) {
        let stems = Stems::new(&text);
        for from in starts(&text) {
            let plainly = STEM.place(&text, from).map(|(start, end)| start..end);
            prop_assert_eq!(stems.next(from), plainly, "from {} in {:?}", from, text);
        }
        prop_assert!(signs(&text).stem || STEM.place(&text, 0).is_none(), "{:?}", text);
    }

    #[test]
    fn invariant_8_what_stands_in_a_place_has_a_sign(text in texts()) {
        let masker = Masker::default();
        let changed = slow_places::mask(&text, &mut NameMasker::new(&masker)) != text;
        prop_assert!(signs(&text).place || !changed, "{:?}", text);
    }

    #[test]
    fn invariant_8_what_has_a_shape_has_a_sign(text in texts()) {
        let changed = slow_shapes::mask(&text, &Masker::default()) != text;
        prop_assert!(signs(&text).shape || !changed, "{:?}", text);
    }

    #[test]
    fn invariant_8_a_quick_pass_first_changes_nothing(text in texts()) {
        let masker = Masker::default();
        let all = Signs { stem: true, place: true, shape: true };
        let paired = key_value::mask(&text, all, &masker);
        let slowly = slow_shapes::mask(&paired, &masker);
        prop_assert_eq!(Redactor::standard().once(&text), slowly, "{:?}", text);
    }
}

#[test]
fn every_piece_has_the_signs_that_the_slow_patterns_ask_for() {
    let masker = Masker::default();
    let mut found = [0, 0, 0];
    for piece in PIECES {
        let signs = signs(piece);
        let place = slow_places::mask(piece, &mut NameMasker::new(&masker)) != *piece;
        let shape = slow_shapes::mask(piece, &masker) != *piece;
        let stem = STEM.place(piece, 0).is_some();
        assert!(signs.place || !place, "{piece}");
        assert!(signs.shape || !shape, "{piece}");
        assert!(signs.stem || !stem, "{piece}");
        for (count, found) in found.iter_mut().zip([place, shape, stem]) {
            *count += usize::from(found);
        }
    }
    assert!(found[0] > 15 && found[1] > 8 && found[2] > 50, "the pieces find something: {found:?}");
}

#[test]
fn ordinary_prose_has_no_sign() {
    for prose in [
        "The customer asks for a refund of the second leg because of the delay.",
        "Please seat them together, and book HAT271 on 2024-05-22 for 3 people - thank you!",
        "See example.com/help for the follow-up (in two weeks), or call +1 555 010 9999.",
    ] {
        assert_eq!(signs(prose), Signs::default(), "{prose}");
    }
}

#[test]
fn nothing_that_is_found_without_a_sign_of_its_own_is_short() {
    for mark in issuer_tokens::marks() {
        let length = issuer_tokens::shortest(mark);
        let sign = length >= shapes::LONG || signs(&format!("{mark}...")).shape;
        assert!(sign, "{mark} is found with {length} bytes, and has no sign");
    }
    let rare = LITERALS.iter().filter(|literal| literal.kind == Kind::Stem).map(Literal::rare);
    assert!(rare.max() == Some(APART), "the stem whose rarest letters are furthest on");
}
