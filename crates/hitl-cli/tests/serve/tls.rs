//! Certificates in files.

use std::path::Path;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::client::Client;
use crate::house::House;
use crate::served::{Served, free_address};

/// A certificate and its key.
struct Made {
    /// The certificate, to be trusted.
    der: Vec<u8>,
    cert: String,
    key: String,
}

fn make() -> Made {
    let names = ["localhost".to_owned(), "review.example.com".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    Made { der: cert.der().to_vec(), cert: cert.pem(), key: signing_key.serialize_pem() }
}

/// Writes a new certificate and its key; returns the certificate.
fn certify(house: &House) -> Vec<u8> {
    let Made { der, cert, key } = make();
    house.file("cert.pem", &cert);
    house.file("key.pem", &key);
    der
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_speaks_tls_alone_and_takes_up_a_renewed_certificate() {
    let house = House::new().await;
    let first = certify(&house);
    let (cert, key, tokens) = (house.path("cert.pem"), house.path("key.pem"), house.path("t.toml"));
    let made = house.hitl(&["console", "token", "ann", "--tokens", text(&tokens)]).ended(0);
    let bearer = format!("Bearer {}", made.out.trim());
    let address = free_address();
    let served = Served::start_at(
        &house,
        &address,
        &[
            "--tls-cert",
            text(&cert),
            "--tls-key",
            text(&key),
            "--tokens",
            text(&tokens),
            "--public-url",
            "https://review.example.com",
        ],
    );
    assert_eq!(served.url, "https://review.example.com");
    let port = address.rsplit(':').next().unwrap();
    let url = format!("https://localhost:{port}/api/me");
    let signed = [("authorization", bearer.as_str())];
    let me = Client::trusting(&first).get(&url, &signed);
    assert_eq!((me.status, me.json()["principal"].as_str()), (200, Some("ann")));
    assert_eq!(me.header("strict-transport-security"), None, "other servers of this machine");
    let named = [signed[0], ("host", "review.example.com")];
    let me = Client::trusting(&first).get(&url, &named);
    assert_eq!(me.status, 200);
    assert_eq!(me.header("strict-transport-security"), Some("max-age=31536000"));
    // Neither plain text, nor somebody who trusts another certificate.
    assert!(Client::new().try_get(&format!("http://{address}/health"), &[]).is_err());

    // A renewal that is half done changes nothing.
    let Made { der: second, cert: new_cert, key: new_key } = make();
    std::fs::write(&cert, new_cert).unwrap();
    assert!(Client::trusting(&second).try_get(&url, &signed).is_err());
    assert_eq!(Client::trusting(&first).get(&url, &signed).status, 200);
    std::fs::write(&key, new_key).unwrap();
    let written = Instant::now();
    while Client::trusting(&second).try_get(&url, &signed).is_err() {
        assert!(written.elapsed() < Duration::from_secs(30), "the new certificate is not used");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(Client::trusting(&first).try_get(&url, &signed).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_a_key_that_cannot_be_used_is_not_quoted() {
    let house = House::new().await;
    certify(&house);
    let other = std::fs::read_to_string(house.path("key.pem")).unwrap();
    certify(&house);
    let wrong = house.file("wrong.pem", &other);
    let empty = house.file("empty.pem", "");
    let (cert, key) = (house.path("cert.pem"), house.path("key.pem"));
    for (cert, key) in [(text(&cert), wrong.as_str()), (text(&cert), &empty), (&empty, text(&key))]
    {
        let refused = house
            .hitl(&["console", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key])
            .ended(2);
        let secret = other.lines().nth(1).unwrap();
        assert!(!refused.err.contains(secret), "{refused:?}");
        assert!(
            refused.err.contains(".pem") || refused.err.contains("the private key"),
            "{refused:?}"
        );
    }
}
