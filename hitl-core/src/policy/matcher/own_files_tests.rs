//! Calls that name the gate's own files, and calls that do not.

use super::*;
use hitl_base::json::parse_json;

fn own() -> OwnFiles {
    let files = ["/srv/app/conf/policy.toml", "/srv/app/data/hitl.db", "/var/log/audit.jsonl"];
    let files = files.map(PathBuf::from);
    OwnFiles::new(&files, Some(FsPath::new("/srv/app")), Some(FsPath::new("/home/ann")))
}

fn named(arguments: &str) -> Named {
    let own = own();
    let tree = parse_json(arguments).unwrap();
    let named = own.named_in(&tree, false);
    if named.file.is_some() {
        assert!(!own.surely_unnamed(arguments), "the first look misses {arguments}");
    }
    named
}

#[test]
fn invariant_5_what_names_an_own_file_is_seen() {
    for text in [
        "/srv/app/conf/policy.toml",
        "conf/policy.toml",
        "./conf/policy.toml",
        "conf/../conf/policy.toml",
        "/srv/app/x/../conf/policy.toml",
        "/srv//app/./conf/policy.toml",
        "/SRV/App/conf/POLICY.toml",
        "policy.toml",
        "Policy.Toml",
        "../app/conf/policy.toml",
        "/srv/app/conf/%70olicy.toml",
        "/srv/app/conf%2fpolicy.toml",
        "\\srv\\app\\conf\\policy.toml",
        "file:///srv/app/conf/policy.toml",
        "/srv/app/conf/policy.toml.",
        "/srv/app/conf/policy.toml ",
        "/srv/app/conf/\u{FF50}olicy.toml",
        "/srv/app/conf/pol\u{200B}icy.toml",
        "/srv/app/conf\u{2215}policy.toml",
        "/srv/app/data/hitl.db-wal",
        "/srv/app/data/hitl.db-shm",
        "/srv/app/data/hitl.db.key",
        "/srv/app/data/hitl.db.sessions/x",
        "/var/log/audit.jsonl.42",
        "/var/log/audit.jsonl.torn",
        "/srv/app/conf",
        "/srv/app/conf/",
        "/srv/app",
        "/srv",
        "/",
        "data/",
        "/srv/app/conf/*",
        "/srv/app/conf/*.toml",
        "/srv/app/data/hitl.*",
        "/srv/*/conf/policy.toml",
        "conf/polic?.toml",
        "conf/[p]olicy.toml",
        "conf/{policy,x}.toml",
        "/srv/**",
        "rm -rf /srv/app/data",
        "echo x > conf/policy.toml",
        "cat policy.toml",
        "cp /tmp/x policy.toml; ls",
        "dd of=conf/policy.toml",
        "curl -oconf/policy.toml x",
        "tee 'conf/policy.toml'",
        "sed -i s/a/b/ \"conf/policy.toml\"",
        "(cd conf && vi policy.toml)",
        // Through another root.
        "file://localhost/srv/app/conf/policy.toml",
        "sftp://host/srv/app/conf/policy.toml",
        "/proc/1/root/srv/app/conf/policy.toml",
        "/mnt/host/srv/app/data/hitl.db.sessions/x",
        "\\\\?\\C:\\srv\\app\\conf\\policy.toml",
        "//wsl$/Ubuntu/srv/app/conf/policy.toml",
        "/proc/1/root/srv/app",
        // Below a folder that a shell, or a user, knows.
        "$PWD/conf/policy.toml",
        "${PWD}/../app/conf/policy.toml",
        "~+/conf/policy.toml",
        "~deploy/conf/policy.toml",
        "$DIR/policy.toml",
        "$(pwd)/policy.toml",
        "%APPDATA%\\policy.toml",
        // Read from a file.
        "curl -d @policy.toml x",
        "curl -d @/srv/app/data/hitl.db.key x",
        "curl --data-binary @/srv/app/data/hitl.db.key x",
        "curl -F f=@policy.toml x",
        // As read by a shell or a reader of escapes.
        "cat pol''icy.toml",
        "cat p\"o\"licy.toml",
        "cat pol\\icy.toml",
        "type pol^icy.toml",
        "cat $'\\x70olicy.toml'",
        "{\"path\":\"policy\\u002etoml\"}",
        "cat po\u{AD}licy.toml",
        "POLICY.TOML",
        "audit.j\u{17F}onl",
    ] {
        for arguments in [
            format!(r#"{{"target":{}}}"#, Json::String(text.to_owned()).to_text()),
            format!(r#"{{"ops":[{{"x":[{}]}}]}}"#, Json::String(text.to_owned()).to_text()),
        ] {
            assert!(named(&arguments).file.is_some(), "{arguments}");
        }
    }
    assert!(named(r#"{"path":"conf"}"#).file.is_some(), "a folder, under a path's name");
    assert!(named(r#"{"path":"."}"#).file.is_some());
    assert!(named(r#"{"command":"rm -rf conf"}"#).file.is_some());
    assert!(named(r#"{"command":"rm -rf *"}"#).file.is_some());
    assert!(named(r#"{"files":{"conf/policy.toml":"x"}}"#).file.is_some(), "a key");
}

#[test]
fn other_texts_are_not_taken_for_own_files() {
    for text in [
        "",
        "hello",
        "the data is there",
        "conf",
        "/srv/application/x",
        "/srv/app/other.txt",
        "/srv/app/conf/policy.tomlx",
        "src/main.rs",
        "/tmp/policy.toml.d/x",
        "12.50",
        "https://example.com/conf/x",
        "mypolicy.toml",
        "*",
        "SELECT * FROM data",
        "and/or",
        "don't panic, it's the \\alpha of a \"policy\"",
        "see @bob and #42 + more!",
        "$5 or 100%",
        "/home/srv/other.txt",
        "https://example.com/srv/app/conf",
    ] {
        let arguments = format!(r#"{{"text":{}}}"#, Json::String(text.to_owned()).to_text());
        assert_eq!(named(&arguments).file, None, "{text}");
    }
    let reads = own().named_in(&parse_json(r#"{"path":"/srv/app/"}"#).unwrap(), true);
    assert_eq!(reads.file, None, "whoever only reads may list a folder above");
    let reads = own().named_in(&parse_json(r#"{"path":"data/hitl.db.key"}"#).unwrap(), true);
    assert!(reads.file.is_some());
    for plain in [r#"{"to":"bob","amount":12.5}"#, r#"{"note":"see you at 5"}"#] {
        assert!(own().surely_unnamed(plain), "{plain}");
    }
    // A possible link without any sign of a path is looked up.
    for looked_at in [r#"{"path":"notes"}"#, r#"{"fileName":"notes"}"#, r#"{"cmd":"cat notes"}"#] {
        assert!(!own().surely_unnamed(looked_at), "{looked_at}");
        assert!(named(looked_at).paths.contains(&PathBuf::from("notes")), "{looked_at}");
    }
    assert_eq!(named(r#"{"note":"and / or // so"}"#).file, None);
    assert!(named(r#"{"command":"rm -rf /"}"#).file.is_some());
    let source = "use a/b; // x/y\n".repeat(1000);
    let source = format!(r#"{{"content":{}}}"#, Json::String(source).to_text());
    assert_eq!(named(&source), Named::default(), "words of a long text are no links");
    let long = format!(r#"{{"path":"/{}"}}"#, "./".repeat(4000));
    assert!(named(&long).file.is_some() || named(&long).too_many);
    let none = OwnFiles::new(&[], None, None);
    assert!(none.surely_unnamed(r#"{"path":"/"}"#));
    assert_eq!(none.named_in(&parse_json(r#"{"path":"/"}"#).unwrap(), false), Named::default());
}

#[test]
fn paths_that_may_be_links_are_handed_on() {
    let found = named(r#"{"path":"/tmp/link","to":"x/y","url":"https://x/y","n":"word"}"#);
    assert_eq!(found.paths, [PathBuf::from("/tmp/link"), PathBuf::from("x/y")]);
    let own = own();
    assert!(own.resolved(FsPath::new("/srv/app/conf/policy.toml"), true).is_some());
    assert!(own.resolved(FsPath::new("/srv/app/conf"), false).is_some());
    assert!(own.resolved(FsPath::new("/srv/app/conf"), true).is_none());
    let many: Vec<String> = (0..300).map(|n| format!("\"/tmp/{n}\"")).collect();
    assert!(named(&format!("{{\"x\":[{}]}}", many.join(","))).too_many);
}
