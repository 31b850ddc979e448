//! Each limit lies where it is set: a text on it, and one that is a step beyond.

use super::*;

/// Returns `runs` runs of characters, `length` bytes in all, whose kinds alternate between digits
/// and the letters. Half of it are digits, so it is no name.
fn in_runs(length: usize, runs: usize, letters: &[&str]) -> String {
    let mut kinds = letters.iter().flat_map(|letters| ["8305716942", letters]).cycle();
    let mut drawn = [0; 128];
    (0..runs)
        .flat_map(|run| {
            let kind = kinds.next().unwrap_or_default();
            let size = length * (run + 1) / runs - length * run / runs;
            (0..size)
                .map(|_| {
                    let next = &mut drawn[usize::from(kind.as_bytes()[0])];
                    *next += 1;
                    char::from(kind.as_bytes()[*next % kind.len()])
                })
                .collect::<Vec<char>>()
        })
        .collect()
}

const UPPER_LETTERS: &str = "QGZKWTXNRVJHPMYSLU";
const LOWER_LETTERS: &str = "qgzkwtxnrvjhpmyslu";

fn mixed(length: usize, runs: usize) -> String {
    in_runs(length, runs, &[UPPER_LETTERS, LOWER_LETTERS])
}

fn one_case(length: usize, runs: usize) -> String {
    in_runs(length, runs, &[LOWER_LETTERS])
}

#[test]
fn a_random_text_changes_its_kind_often() {
    // 38 changes in 100 characters.
    assert!(is_random(&mixed(50, 20)));
    assert!(!is_random(&mixed(50, 19)));
    // 22 in one case.
    assert!(is_random(&one_case(50, 12)));
    assert!(!is_random(&one_case(50, 11)));
}

#[test]
fn a_random_text_has_a_length() {
    assert!(is_random(&mixed(SHORTEST, SHORTEST)) && !is_random(&mixed(SHORTEST - 1, 31)));
    assert!(is_random(&mixed(LONGEST, LONGEST)) && !is_random(&mixed(LONGEST + 1, LONGEST)));
    // Padding is no part of it.
    assert!(!is_random(&format!("{}==", mixed(SHORTEST - 1, 31))));
    assert!(is_random_in_one_case(&one_case(ONE_CASE, ONE_CASE)));
    assert!(!is_random_in_one_case(&one_case(ONE_CASE - 1, ONE_CASE - 1)));
}

#[test]
fn a_path_is_random_only_as_the_secret_of_a_cloud() {
    let slashed = |length: usize| format!("{}/{}", mixed(19, 19), mixed(length - 20, length - 20));
    assert!(is_random(&slashed(ACCESS)));
    assert!(!is_random(&slashed(ACCESS + 1)) && !is_random(&slashed(ACCESS - 1)));
    assert!(!is_random(&slashed(ACCESS).replacen('8', "-", 1)));
    // Base64 with a slash also has a plus or padding.
    assert!(is_random(&format!("{}+", slashed(ACCESS + 3))));
    assert!(is_random(&format!("{}=", slashed(ACCESS + 3))));
}

#[test]
fn a_random_text_is_neither_hexadecimal_nor_the_alphabet_nor_a_public_value() {
    assert!(!is_random("0123456789abcdefABCDEF9876543210fedcba"));
    let alphabet = "abcdefghijklmnopqrstuvwxyz";
    for (text, is) in [
        (format!("{alphabet}0123456789"), true),
        (format!("{}0123456789", alphabet.to_uppercase()), true),
        (format!("{alphabet}012345678"), false),
        (format!("{}0123456789_", alphabet.replace('q', "7")), false),
    ] {
        assert_eq!(is_alphabet(&text), is, "{text}");
    }
    let drawing = format!("{}{alphabet}", mixed(40, 40));
    assert!(is_random(&mixed(66, 66)) && !is_random(&drawing));
    assert!(!is_random(&format!("bc1{}", mixed(40, 40))));
}

#[test]
fn a_slug_is_words_and_numbers() {
    for slug in [
        "release-2024-01",
        "user_12_profile",
        "ABCDEFGHIJK-1",
        "Customer.Invoice:2024/7",
        "a-Bc",
        "abcdefghijklmnopqrst-1",
    ] {
        assert!(is_slug(slug), "{slug}");
    }
    for other in ["release", "2024", "ABCDEFGHIJKL-1", "a1-b2", "aBc-d", "AbC-d", "x-a1"] {
        assert!(!is_slug(other), "{other}");
    }
}

#[test]
fn a_host_has_three_short_labels_and_a_short_end() {
    let label = "a1".repeat(11);
    for host in [
        "api.example.com",
        "api-2.example.com:8443",
        "a.b.c",
        "a.b.museum",
        &format!("{label}x.example.com"),
    ] {
        assert!(is_host(host), "{host}");
    }
    for other in [
        "example.com",
        "api.example.com:80a",
        "a.b.example",
        "a..com",
        "Api.example.com",
        "a.b.c1",
        &format!("{label}xx.example.com"),
    ] {
        assert!(!is_host(other), "{other}");
    }
}

#[test]
fn a_file_name_has_five_short_parts_half_of_them_words() {
    for name in [
        "fix-read-in-2d_blt-CVE-2021-1234",
        "ab-cd-ef-1-2",
        "ab-cd-1-2-ef",
        "abcdefgh-abcdefgh-abcdefgh-abcd-12345678",
    ] {
        assert!(is_file_name(name), "{name}");
    }
    for other in [
        "ab-cd-ef-12",
        "ab-1-2-3-4",
        "ab-cd-1-2-3-4-5",
        "abcdefgh-abcdefgh-abcdefgh-abcd-123456789",
        "a-b-c-1-2",
    ] {
        assert!(!is_file_name(other), "{other}");
    }
}

#[test]
fn noise_has_signs_letters_and_few_spaces() {
    let noise = "a!b\"c#1$e%f&g'h(i)j*k+l,";
    assert_eq!(noise.len(), 24);
    assert!(is_noise(noise));
    assert!(!is_noise(&noise[1..]), "too short");
    assert!(!is_noise(&noise.replace('1', "d")), "no digit");
    // Signs: a sixth.
    assert!(is_noise("abcdefghij!lmnop#r$t%v12"));
    assert!(!is_noise("abcdefghij!lmnop#r$tuv12"));
    // Spaces: an eighth.
    assert!(is_noise("abc efg ij!lmnop#r$ t%12"));
    assert!(!is_noise("abc efg ij!l nop#r$ t%12"));
}

#[test]
fn uuids_and_what_is_grouped_like_one() {
    assert!(is_uuid("01a22eb1-490d-7000-819f-72e1f84a37cd"));
    for other in [
        "01a22eb1-490d-7000-819f-72e1f84a37c",
        "01a22eb14-90d-7000-819f-72e1f84a37cd",
        "01a22eb1-490d-7000-819f-72e1f84a37cg",
        "01a22eb1-490d-7000-819f_72e1f84a37cd",
    ] {
        assert!(!is_uuid(other), "{other}");
    }
    assert!(is_like_a_uuid("q1z2wxk4-tgnr-v5jh-pmys-lxqgzkwtxnrv"));
    for other in [
        "01a22eb1-490d-7000-819f-72e1f84a37cd",
        "q1z2wxk4-tgnr-vbjh-pmys-lxqgzkwtxnrv",
        "q1z2wxk4-tgnr-v5jh-pmys-lxqgzkwtxnr",
        "Q1z2wxk4-tgnr-v5jh-pmys-lxqgzkwtxnrv",
    ] {
        assert!(!is_like_a_uuid(other), "{other}");
    }
}

#[test]
fn a_value_under_a_doubtful_name_looks_like_a_secret() {
    for secret in ["q8z3k0w5t7x1n6r9", "/Q8z3K0w5T7x1N6r9V4j2H8p3M0y5S7l1U", "QgZkWtXnRvJhPmYsLuQz"]
    {
        assert!(looks_secret(secret), "{secret}");
    }
    for other in [
        "q8z3k0w5t7x1n6r",
        "QgZkWtXnRvJhPmYsLuQ",
        "8305716942830571",
        "q8z3k0w5 t7x1n6r9",
        "./q8z3k0w5t7x1n6r9",
        "~/q8z3k0w5t7x1n6r9",
        "/home/q8z3k0w5t7x1n6r9",
        "https://q8z3k0w5t7x1n6r9",
        "c:\\q8z3k0w5t7x1n6r9",
        "q8z3k0w5t7x1n6r\u{e9}",
        "01a22eb1-490d-7000-819f-72e1f84a37cd",
        "customer-invoice-2024",
        "api.example2.com:8443",
        "customer%20invoice%20number%207",
        "a1a1a1a1a1a1a1a1a1",
    ] {
        assert!(!looks_secret(other), "{other}");
    }
}

#[test]
fn the_entropy_is_that_of_the_frequencies() {
    for (text, bits) in [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("aabc", 1.5)] {
        assert!((shannon(text) - bits).abs() < 1e-9, "{text}");
    }
}
