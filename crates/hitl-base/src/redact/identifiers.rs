//! Text that looks random and is no secret: blockchain addresses, file ids, click ids, and encoded
//! text.

use super::encoded;

const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Returns whether a name that ends in this word is an identifier's.
pub(super) fn is_name(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "id",
        "ids",
        "address",
        "addresses",
        "addr",
        "wallet",
        "recipient",
        "payee",
        "hash",
        "digest",
        "checksum",
        "sha",
        "sha1",
        "sha256",
        "sha512",
        "md5",
        "etag",
        "cid",
        "txid",
        "tx",
        "gclid",
        "braid",
        "gbraid",
        "wbraid",
        "igshid",
        "igsh",
        "epik",
        "cursor",
        "fingerprint",
        "integrity",
        "thumbprint",
        "image",
        "thumbnail",
        "avatar",
        "icon",
        "logo",
        "photo",
        "blob",
        "commit",
        "revision",
        "version",
        "gl",
        "ga",
        "ved",
        "usg",
        "ei",
    ];
    const ENDINGS: &[&str] = &[
        "clid", "kid", "tid", "cid", "uid", "gid", "pid", "fid", "oid", "vid", "rid", "mid", "eid",
        "docid", "fileid",
    ];
    WORDS.contains(&word) || ENDINGS.iter().any(|end| word.ends_with(end))
}

/// Returns whether a run of letters and digits has the form of a well-known identifier.
pub(super) fn is_known(run: &str) -> bool {
    is_address(run) || is_file_id(run) || encoded::is_ordinary(run)
}

/// Returns whether a text has only the unambiguous letters and digits of base58.
fn is_base58(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() && !b"0OIl".contains(&b))
}

/// Returns whether a run is a blockchain address, by its alphabet, its first letters and its
/// length.
fn is_address(run: &str) -> bool {
    if let Some(hexadecimal) = run.strip_prefix("0x") {
        return hexadecimal.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let base32 = |text: &str| text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
    let starts = |marks: &[&str]| marks.iter().any(|mark| run.starts_with(mark));
    match run.len() {
        // Bitcoin and similar chains, Tron, XRP, Tezos, early Cardano addresses, IPFS, Substrate,
        // Solana.
        25..=35
            if is_base58(run)
                && starts(&[
                    "1", "3", "2", "m", "n", "L", "M", "D", "A", "9", "T", "r", "X", "t1", "t3",
                ]) =>
        {
            true
        }
        36 if is_base58(run) && starts(&["tz1", "tz2", "tz3", "KT1"]) => true,
        43 | 44 | 86..=88 if is_base58(run) => true,
        46 if is_base58(run) && run.starts_with("Qm") => true,
        46..=48 if is_base58(run) && starts(&["1", "5", "C", "D", "E", "F", "G", "H", "J"]) => true,
        48 if starts(&["EQ", "UQ", "kQ", "0Q"]) => true,
        // Stellar, Algorand.
        56 if base32(run) && starts(&["G", "C"]) => true,
        58 if base32(run) => true,
        59..=104 if is_base58(run) && starts(&["Ae2", "Ddz"]) => true,
        95 | 106 if is_base58(run) && starts(&["4", "8"]) => true,
        107..=112
            if is_base58(run) && starts(&["xpub", "ypub", "zpub", "tpub", "upub", "vpub"]) =>
        {
            true
        }
        _ => is_bech32(run) || is_lower_base32(run),
    }
}

/// Returns whether a run is a Filecoin or Nano address, or an address with its network's name
/// before a colon.
fn is_lower_base32(run: &str) -> bool {
    let of =
        |text: &str, letters: &[u8]| text.len() >= 38 && text.bytes().all(|b| letters.contains(&b));
    let filecoin = ["f1", "f2", "f3", "t1"].iter().find_map(|mark| run.strip_prefix(mark));
    let nano = ["nano_", "xrb_"].iter().find_map(|mark| run.strip_prefix(mark));
    filecoin.is_some_and(|rest| of(rest, b"abcdefghijklmnopqrstuvwxyz234567"))
        || nano.is_some_and(|rest| of(rest, b"13456789abcdefghijkmnopqrstuwxyz"))
        || of(run, BECH32)
}

/// Returns whether a run is in the form of BIP 173: a network name, a one, and letters of an
/// unambiguous alphabet of 32. Private keys have prefixes of their own.
fn is_bech32(run: &str) -> bool {
    let run = ["X-", "P-", "C-"].iter().find_map(|chain| run.strip_prefix(chain)).unwrap_or(run);
    let Some((whose, data)) = run.rsplit_once('1') else { return false };
    (1..=16).contains(&whose.len())
        && data.len() >= 32
        && whose.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        && data.bytes().all(|b| BECH32.contains(&b))
}

/// Returns whether a run is the id of a cloud file, or of a video playlist.
fn is_file_id(run: &str) -> bool {
    let word = run.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let upper = run.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    match run.len() {
        33 | 44 => word && run.starts_with('1'),
        28 => word && run.starts_with("0B"),
        34 => upper && run.starts_with("01") || word && run.starts_with("PL"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_told_from_secrets_by_their_form() {
        for id in [
            "rDz7vTqKc2nYb5WmE8hJxLp4sGfQaU9eNt",
            "cosmos1q9wzv5k7ryx2s8d3jfh4nmce6tgu0lap2q9wz",
            "1a2B3c4D5e6F7g8H9i0J-kLmNoPqRsTuV",
            "01ABCDEFGH2IJKLMNOPQ3RSTUVWXYZ4567",
        ] {
            assert!(is_known(id), "{id}");
        }
        for secret in
            ["q3Zk8RtW1yPv7LmX0dJs5HfGb2NcUa9Ee4To6KiQ", "kL9vQwXzR2tYbN4m0OIlpQ8sD6fG3hJ1"]
        {
            assert!(!is_known(secret), "{secret}");
        }
    }
}
