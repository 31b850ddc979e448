//! Queries that reach through every shadow root, and actions on what they find.

use std::time::Duration;

use fantoccini::Client;
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::{Element, ElementRef};
use serde_json::{Value, json};

/// The time within which an element must appear.
const PATIENCE: Duration = Duration::from_secs(15);

/// Paths to elements: each `>>>` steps into a shadow root.
pub(crate) const CARD: &str = "hitl-queue >>> hitl-approval-card >>> ";
pub(crate) const QUEUE: &str = "hitl-queue >>> ";

/// The script that finds the elements of a path, each within the one before.
const FIND: &str = "
    let roots = [document];
    const parts = arguments[0].split('>>>').map((part) => part.trim());
    for (const [at, part] of parts.entries()) {
        const found = roots.flatMap((root) => [...root.querySelectorAll(part)]);
        roots = at + 1 < parts.length ? found.map((one) => one.shadowRoot ?? one) : found;
    }
";

/// A page in a browser.
pub(crate) struct Screen<'b>(pub(crate) &'b Client);

impl Screen<'_> {
    /// Opens the console and signs in through its form.
    pub(crate) async fn sign_in(&self, url: &str, token: &str) {
        self.0.goto(url).await.unwrap();
        let form = "hitl-sign-in >>> input";
        self.one(form).await.send_keys(token).await.unwrap();
        self.press("\u{e007}").await;
        self.until("a live connection", "return document.querySelector('.state.is-live') !== null")
            .await;
    }

    /// Repeats a script until it returns true.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let wait = async {
            loop {
                if self.0.execute(script, vec![]).await.unwrap() == json!(true) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let text = self.0.execute("return document.body.innerText", vec![]).await.unwrap();
            panic!("{what} does not come: {text}");
        }
    }

    /// Returns the elements of a path that exist now.
    pub(crate) async fn all(&self, path: &str) -> Vec<Element> {
        let script = format!("{FIND} return roots");
        let found = self.0.execute(&script, vec![json!(path)]).await.unwrap();
        let elements = found.as_array().cloned().unwrap_or_default();
        let id = |element: &Value| {
            element.as_object()?.values().next()?.as_str().map(|id| ElementRef::from(id.to_owned()))
        };
        elements
            .iter()
            .filter_map(id)
            .map(|id| Element::from_element_id(self.0.clone(), id))
            .collect()
    }

    /// Returns the first element of a path, as soon as there is one.
    pub(crate) async fn one(&self, path: &str) -> Element {
        let wait = async {
            loop {
                if let Some(element) = self.all(path).await.into_iter().next() {
                    return element;
                }
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        };
        let Ok(element) = tokio::time::timeout(PATIENCE, wait).await else {
            let text = self.0.execute("return document.body.innerText", vec![]).await.unwrap();
            panic!("{path} does not come: {text}")
        };
        element
    }

    /// Clicks at the element's position, as a mouse does: another element may be on top.
    pub(crate) async fn click(&self, path: &str) {
        self.one(path).await.click().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Clicks the button or link whose text contains this, as soon as it is there.
    pub(crate) async fn click_text(&self, path: &str, text: &str) {
        let click = async {
            while !self.try_click_text(path, text).await {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        };
        let clicked = tokio::time::timeout(PATIENCE, click).await.is_ok();
        assert!(clicked, "there is no {text} at {path}");
    }

    /// Clicks it, if it is there and stays there. The page may replace an element at any time.
    async fn try_click_text(&self, path: &str, text: &str) -> bool {
        for element in self.all(path).await {
            if element.text().await.is_ok_and(|shown| shown.contains(text)) {
                // Out from under what sticks to an edge.
                let script = "arguments[0].scrollIntoView({ block: 'center' })";
                let at = serde_json::to_value(&element).unwrap();
                return self.0.execute(script, vec![at]).await.is_ok()
                    && element.click().await.is_ok();
            }
        }
        false
    }

    /// Returns the text of all elements of a path.
    pub(crate) async fn text(&self, path: &str) -> String {
        let script = format!("{FIND} return roots.map((one) => one.innerText).join('\\n')");
        let text = self.0.execute(&script, vec![json!(path)]).await.unwrap();
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the text of a path contains this.
    pub(crate) async fn see(&self, path: &str, text: &str) {
        let wait = async {
            while !self.text(path).await.contains(text) {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(came, "{text:?} does not come at {path}: {:?}", self.text(path).await);
    }

    /// Presses keys in order; a control key is held until the end.
    pub(crate) async fn press(&self, keys: &str) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        let mut held = Vec::new();
        for value in keys.chars() {
            actions = actions.then(KeyAction::Down { value });
            if value == '\u{e009}' {
                held.push(value);
            } else {
                actions = actions.then(KeyAction::Up { value });
            }
        }
        for value in held {
            actions = actions.then(KeyAction::Up { value });
        }
        self.0.perform_actions(actions).await.unwrap();
    }

    /// Opens a call from the queue, and waits until its card accepts a decision.
    pub(crate) async fn open(&self, title: &str) {
        self.see(&format!("{QUEUE}.row"), title).await;
        self.click_text(&format!("{QUEUE}.row"), title).await;
        self.see(&format!("{CARD}h2"), title).await;
        self.settle().await;
    }

    /// Approves the call on display, in the two steps that a risky one takes.
    pub(crate) async fn approve(&self) {
        self.click(&format!("{CARD}.approve")).await;
        self.confirm(CARD).await;
    }

    /// Takes the second step of an approval on this card, if there is one.
    pub(crate) async fn confirm(&self, card: &str) {
        let armed = format!("{card}.armed");
        if !self.all(&armed).await.is_empty() {
            self.settle().await;
            self.click(&armed).await;
        }
    }

    /// Waits until the card accepts a decision: one that has just appeared does not.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(750)).await;
    }
}
