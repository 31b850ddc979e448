//! Starts a browser, or reports why there is none.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The number of browsers that run at once.
static PLACES: Semaphore = Semaphore::const_new(2);

/// A browser of its own for one test, which ends with the test.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Child,
    _place: SemaphorePermit<'static>,
}

/// The kind of window.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    Desk,
    Phone,
    /// A desktop window of a user who prefers reduced motion.
    Still,
}

/// Returns whether a missing browser is a failure.
pub(crate) fn is_required() -> bool {
    ["HITL_REQUIRE_BROWSER", "CI"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Reports that a test did not run; panics where it must run.
pub(crate) fn skip(why: &str) {
    assert!(!is_required(), "the browser tests are required here, and {why}");
    eprintln!("\n!!! SKIPPED: {why}. `cargo xtask test` installs what is missing.\n");
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|program| program.is_file())
}

/// Starts a browser. Returns `None` if there is none, which is reported.
pub(crate) async fn start(window: Window) -> Option<Browser> {
    let driver = find(&["chromedriver"]);
    let browser = find(&["chromium", "chromium-browser", "google-chrome"]);
    let (Some(driver), Some(browser)) = (driver, browser) else {
        skip("Chromium or ChromeDriver is missing (Debian: apt install chromium chromium-driver)");
        return None;
    };
    let place = PLACES.acquire().await.unwrap();
    let (child, port) = run(&driver).await;
    let mut options = json!({
        "binary": browser,
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--window-size=1280,900", "--hide-scrollbars",
        ],
    });
    if window == Window::Still {
        let arguments = options["args"].as_array_mut().unwrap();
        arguments.push("--force-prefers-reduced-motion".into());
    }
    if window == Window::Phone {
        let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 2, "touch": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
    let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
        .capabilities(capabilities.as_object().unwrap().clone())
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .expect("the browser starts");
    Some(Browser { client, _driver: child, _place: place })
}

/// Starts the driver on a free port, which it chooses and prints.
async fn run(program: &Path) -> (Child, u16) {
    let mut child = Command::new(program)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the driver starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let port =
                line.split("successfully on port ").nth(1).map(|rest| rest.trim_end_matches('.'));
            if let Some(port) = port.and_then(|port| port.parse().ok()) {
                return port;
            }
        }
        panic!("the driver said no port")
    };
    let port = tokio::time::timeout(Duration::from_secs(30), port).await.expect("in time");
    // The driver continues to print, and must not block on a pipe that nobody reads.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, port)
}

impl Browser {
    /// Ends the session, and with it the browser.
    pub(crate) async fn close(self) {
        let _gone = self.client.close().await;
    }
}
