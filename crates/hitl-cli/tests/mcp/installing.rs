//! Configurations of clients, wrapped and taken back.

use std::process::Stdio;

use crate::gateway::{Place, program};

const CONFIG: &str = r#"{
  // mine
  "mcpServers": {
    "files": {"command": "npx", "args": ["-y", "server-filesystem", "/tmp"], "env": {"KEY": "v"}}
  }
}
"#;

fn hitl(arguments: &[&str]) -> (i32, String) {
    let done = program(arguments).stdin(Stdio::null()).output().unwrap();
    let text = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn a_configuration_is_wrapped_once_and_taken_back_to_the_byte() {
    let place = Place::new();
    std::fs::write(place.path("config.json"), CONFIG).unwrap();
    let file = place.said("config.json");
    let text = || std::fs::read_to_string(place.path("config.json")).unwrap();
    let command = ["mcp", "install", "cursor", "--file", &file];

    let (code, said) = hitl(&[&command[..], &["--dry-run"]].concat());
    assert!(code == 0 && said.contains("+ ") && text() == CONFIG, "{said}");
    let (code, said) = hitl(&[&command[..], &["--", "--trust-hints"]].concat());
    assert_eq!(code, 0, "{said}");
    let wrapped = text();
    assert!(wrapped.contains("\"--trust-hints\", \"--\", \"npx\", \"-y\""), "{wrapped}");
    let copy = std::fs::read_to_string(place.path("config.json.before-hitl")).unwrap();
    assert_eq!(copy, CONFIG);
    let (code, _) = hitl(&[&command[..], &["--", "--trust-hints"]].concat());
    assert_eq!((code, text()), (0, wrapped));
    let (code, said) = hitl(&["mcp", "uninstall", "cursor", "--file", &file]);
    assert_eq!((code, text().as_str()), (0, CONFIG), "{said}");
    assert!(!place.path("config.json.before-hitl").exists());
}

#[test]
fn a_configuration_that_is_not_understood_stays_as_it_is() {
    let place = Place::new();
    std::fs::write(place.path("config.json"), "{").unwrap();
    let (code, said) = hitl(&["mcp", "install", "cursor", "--file", &place.said("config.json")]);
    assert!(code > 0 && said.contains("not JSON"), "{said}");
    assert_eq!(std::fs::read_to_string(place.path("config.json")).unwrap(), "{");
    let (code, said) = hitl(&["mcp", "install", "cursor", "--file", &place.said("none.json")]);
    assert!(code > 0 && said.contains("none.json"), "{said}");
}
