// The page: the signed-in reviewer, the state of the connection, and the current view.

import { fill, h, isTyping, say } from "./dom.js";
import { hitl, signOut, withGrants, withHistory, withPolicies, withTasks } from "./hitl.js";
import { icon } from "./icons.js";

const VIEWS = { queue: "Queue", tasks: "Tasks", grants: "Grants", policies: "Policies", history: "History" };
const ON_DEMAND = { tasks: withTasks, grants: withGrants, policies: withPolicies, history: withHistory };

/** The views of this console: one without rule files has no page for them. */
const views = () => Object.entries(VIEWS).filter(([view]) => view !== "policies" || hitl.me?.policies);

class Page extends HTMLElement {
	#main = h("main", {});
	#tabs = {};
	#number = h("span", { class: "number" });
	#state = h("span", { class: "state", role: "status" });
	#lost = h("div", { class: "lost", role: "alert" });
	#view = null;

	connectedCallback() {
		hitl.addEventListener("signed-in", () => this.#signedIn());
		hitl.addEventListener("signed-out", () => this.#signedOut());
		hitl.stream.addEventListener("state", () => this.#connection());
		document.addEventListener("keydown", (event) => this.#key(event));
		addEventListener("hashchange", () => hitl.me && this.#go());
		this.#begin();
	}

	/** Signs in with a token, or with the host's own sign-in; otherwise there is nothing to try yet. */
	async #begin() {
		try {
			if (!(await hitl.begin())) this.#signedOut();
		} catch (error) {
			if (error.status === 401) this.#signedOut();
			else if (error.status === 429) this.#signedOut(error.message);
			else this.#unreachable(error);
		}
	}

	#signedOut(why) {
		this.#view = null;
		fill(
			this,
			why && h("p", { class: "plain", role: "alert" }, why),
			h("main", {}, document.createElement("hitl-sign-in")),
		);
	}

	#unreachable(error) {
		fill(
			this,
			h(
				"main",
				{ class: "plain" },
				h("h1", {}, "The console is not responding"),
				h("p", { role: "alert" }, error.message),
				h("button", { class: "act", type: "button", onclick: () => location.reload() }, "Try again"),
			),
		);
	}

	#signedIn() {
		const tab = ([view, name]) =>
			(this.#tabs[view] = h("a", { href: `#${view}` }, name, view === "queue" && this.#number));
		fill(
			this,
			h("a", { class: "skip", href: "#main" }, "Skip to the calls"),
			h(
				"header",
				{ class: "top" },
				h("h1", {}, "Review"),
				h("nav", { "aria-label": "Views" }, views().map(tab)),
				this.#state,
				h(
					"button",
					{
						class: "link who",
						type: "button",
						title: "Say that you are away",
						onclick: async () => (await import("./away.js")).away(),
					},
					hitl.me.principal,
				),
				h(
					"button",
					{
						class: "link",
						type: "button",
						"aria-label": "Keys",
						onclick: async () => (await import("./help.js")).help(),
					},
					h("kbd", {}, "?"),
				),
				h("button", { class: "link", type: "button", onclick: () => signOut() }, "Sign out"),
			),
			this.#lost,
			this.#main,
		);
		this.#main.id = "main";
		this.#connection();
		this.#go();
	}

	#go() {
		const [view, call] = location.hash.slice(1).split("/");
		const name = views().some(([known]) => known === view) ? view : "queue";
		for (const [of, tab] of Object.entries(this.#tabs)) {
			if (of === name) tab.setAttribute("aria-current", "page");
			else tab.removeAttribute("aria-current");
		}
		this.#title(name);
		if (this.#view !== name) {
			this.#view = name;
			ON_DEMAND[name]?.();
			const element = document.createElement(`hitl-${name}`);
			element.addEventListener("pick", ({ detail }) =>
				history.replaceState(null, "", detail ? `#queue/${detail}` : "#queue"),
			);
			element.addEventListener("count", ({ detail }) => {
				say(this.#number, detail || "");
				this.#title(name);
			});
			fill(this.#main, element);
		}
		if (name === "queue" && call) this.#main.firstChild.pick(call, false);
	}

	/** The tab's title begins with the number of waiting calls. */
	#title(view) {
		const count = this.#number.textContent;
		document.title = `${count && `(${count}) `}${VIEWS[view]} · Review · hitl`;
	}

	/** The digits lead to the views, in the order of the tabs. */
	#key(event) {
		if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !hitl.me) return;
		const [view] = Object.entries(VIEWS)[Number(event.key) - 1] ?? [];
		if (view && this.#tabs[view]?.isConnected) location.hash = view;
		if (event.key === "?" && this.#view !== "queue") import("./help.js").then(({ help }) => help());
	}

	#connection() {
		const { state } = hitl.stream;
		const names = { live: "Live", connecting: "Connecting", lost: "Connection lost" };
		this.#state.className = `state is-${state}`;
		say(this.#state, names[state] ?? "");
		fill(
			this.#lost,
			state === "lost" && [
				icon("warn"),
				h(
					"p",
					{},
					h("strong", {}, "The connection is lost."),
					" What you see may be out of date. Reconnecting automatically. A decision always names exactly what is shown, so nothing else can be approved.",
				),
			],
		);
	}
}
customElements.define("hitl-console", Page);
