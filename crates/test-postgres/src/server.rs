//! The life of one server: created, started, crashed, stopped, removed.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    settings: String,
    user: Option<(u32, u32)>,
    /// The process that ends the server and removes its folder once this process is gone, however
    /// it ended.
    heir: Option<Child>,
}

/// The settings of every server here. Tests crash the server, not the machine under it.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c max_connections=300 -c fsync=off \
                        -c log_min_messages=fatal -c shared_buffers=64MB";

impl Server {
    /// Creates a server in a folder of its own and starts it, with these settings in addition to
    /// the usual ones, such as `-c fsync=on`. The programs must be installed: see
    /// [`find`](super::find).
    pub fn start(settings: &str) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let programs = super::find().ok_or("PostgreSQL's server is not installed")?;
        // The name is short because the path of a socket may have 107 bytes.
        let name =
            format!("hitl-pg-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let user = if is_root() { Some(unprivileged()?) } else { None };
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).map_err(|e| format!("chown: {e}"))?;
        }
        let settings = format!("{SETTINGS} {settings}");
        let mut server = Self { programs, folder, port: 0, settings, user, heir: None };
        server.heir = Some(server.name_heir()?);
        let data = server.data();
        server.run(
            "initdb",
            &["-D", &data, "-A", "trust", "-U", "hitl", "-E", "UTF8", "--no-sync"],
        )?;
        // Another process may take the port between the check here and the server's.
        let mut outcome = Err(String::new());
        for _ in 0..5 {
            server.port = free_port()?;
            outcome = server.restart();
            if outcome.is_ok() {
                break;
            }
        }
        outcome.map(|()| server)
    }

    /// Returns the server's URL over TCP.
    pub fn url(&self) -> String {
        format!("postgres://hitl@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the server's URL over its socket.
    pub fn socket_url(&self) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://hitl@{folder}:{}/postgres", self.port)
    }

    /// Returns the server's folder, which is removed with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the server's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the server again, after a crash.
    pub fn restart(&self) -> Result<(), String> {
        let (data, log) = (self.data(), self.folder.join("log").display().to_string());
        let options = format!("-p {} -k {} {}", self.port, self.folder.display(), self.settings);
        self.run("pg_ctl", &["start", "-w", "-D", &data, "-l", &log, "-o", &options])
    }

    /// Ends the server as a crash does: nothing is written, and no client is notified.
    pub fn crash(&self) -> Result<(), String> {
        self.run("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", &self.data()])
    }

    /// Makes the server offer TLS, with a certificate of its own. Returns the certificate, in PEM.
    pub fn use_tls(&self) -> Result<Vec<u8>, String> {
        let (key, certificate) = ("data/server.key", "data/server.crt");
        let name = ["-subj", "/CN=hitl test", "-addext", "subjectAltName=IP:127.0.0.1"];
        let kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let mut openssl = self.command("openssl");
        openssl.args(["req", "-x509", "-days", "2", "-addext", "basicConstraints=CA:FALSE"]);
        openssl.args(name).args(kind).args(["-keyout", key, "-out", certificate]);
        let made = openssl.output().map_err(|e| format!("openssl cannot be started: {e}"))?;
        if !made.status.success() {
            return Err(format!("openssl: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let settings = self.folder.join("data/postgresql.auto.conf");
        std::fs::write(settings, "ssl = on\n").map_err(|e| format!("settings: {e}"))?;
        self.crash()?;
        self.restart()?;
        std::fs::read(self.folder.join(certificate)).map_err(|e| format!("{certificate}: {e}"))
    }

    /// Starts a process that reads from this one, and ends when this one does.
    fn name_heir(&self) -> Result<Child, String> {
        let script = "read nothing; \"$0\" stop -m immediate -D \"$1/data\"; cd /; rm -rf \"$1\"";
        let mut heir = self.command("sh");
        heir.args(["-c", script]).arg(self.programs.join("pg_ctl")).arg(&self.folder);
        // In a process group of its own: Ctrl-C does not reach it.
        heir.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        heir.spawn().map_err(|e| format!("sh cannot be started: {e}"))
    }

    /// Returns a command that runs as the server's user, in its folder.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        // The server inherits the output of the process that starts it: a pipe would never end.
        let output = self.folder.join(format!("{program}.out"));
        let file = std::fs::File::create(&output).map_err(|e| format!("{program}: {e}"))?;
        let errors = file.try_clone().map_err(|e| format!("{program}: {e}"))?;
        let mut command = self.command(self.programs.join(program));
        let status = command.args(arguments).stdout(file).stderr(errors).status();
        let status = status.map_err(|e| format!("{program} cannot be started: {e}"))?;
        if status.success() {
            return Ok(());
        }
        let said = std::fs::read_to_string(&output).unwrap_or_default();
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(format!("{program} failed ({status}): {said}{log}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been crashed already; any remains are in the temporary folder.
        let _stopped = self.crash();
        let _gone = std::fs::remove_dir_all(&self.folder);
        if let Some(mut heir) = self.heir.take() {
            drop(heir.stdin.take());
            let _nothing_left = heir.wait();
        }
    }
}

/// Returns whether this process is root, which the server refuses to be.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Returns the user and group to run the server as.
fn unprivileged() -> Result<(u32, u32), String> {
    let users = std::fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd: {e}"))?;
    let find = |name: &str| {
        let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = fields.find(|fields| fields.first() == Some(&name))?;
        Some((user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?))
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .ok_or_else(|| "there is no user postgres".to_owned())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|e| format!("no port: {e}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|e| format!("no port: {e}"))
}
