// The page: the signed-in reviewer, the state of the connection, and the current view.

import { fill, h, say } from "./dom.js";
import { hitl, signOut, withGrants, withHistory, withPolicies } from "./hitl.js";
import { icon } from "./icons.js";

const VIEWS = { queue: "Queue", tasks: "Tasks", grants: "Grants", policies: "Policies", history: "History" };
const ON_DEMAND = { grants: withGrants, policies: withPolicies, history: withHistory };

/** The views of this console: one without rule files has no page for them. */
const views = () => Object.entries(VIEWS).filter(([view]) => view !== "policies" || hitl.me?.policies);

class Tasks extends HTMLElement {
	#cards = new Map();
	#dismissed = new Set(JSON.parse(sessionStorage.getItem("hitl-dismissed") ?? "[]"));
	#grid = h("div", { class: "grid" });
	#empty = h("div", { class: "plain" });
	#leave = [];

	connectedCallback() {
		fill(this, h("h2", {}, "Tasks"), this.#grid, this.#empty);
		const listen = (kind, to) => {
			hitl.stream.addEventListener(kind, to);
			this.#leave.push(() => hitl.stream.removeEventListener(kind, to));
		};
		listen("task", ({ detail }) => this.#put(detail));
		listen("gap", () => this.load());
		listen("state", () => hitl.stream.state === "live" && this.load());
		this.addEventListener("dismiss", ({ detail }) => {
			this.#dismissed.add(detail);
			sessionStorage.setItem("hitl-dismissed", JSON.stringify([...this.#dismissed].slice(-200)));
			this.#cards.delete(detail);
			this.#count();
		});
		this.load();
	}

	disconnectedCallback() {
		for (const leave of this.#leave.splice(0)) leave();
	}

	async load() {
		try {
			const { tasks } = await hitl.get("api/tasks");
			const there = new Set(tasks.map((task) => task.taskId));
			for (const [id, card] of this.#cards) {
				if (!there.has(id)) {
					card.remove();
					this.#cards.delete(id);
				}
			}
			tasks.forEach((task) => this.#put(task));
			this.#count();
		} catch (error) {
			fill(this.#empty, h("p", { role: "alert" }, error.message));
		}
	}

	#put(task) {
		if (this.#dismissed.has(task.taskId)) return;
		let card = this.#cards.get(task.taskId);
		if (!card) {
			card = document.createElement("hitl-task-card");
			this.#cards.set(task.taskId, card);
			this.#grid.append(card);
		}
		card.task = task;
		this.#count();
	}

	#count() {
		fill(
			this.#empty,
			!this.#cards.size && [
				h("p", {}, h("strong", {}, "No tasks are running.")),
				h("p", { class: "faint" }, "Long-running work shows its progress here."),
			],
		);
	}
}
customElements.define("hitl-tasks", Tasks);

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
				h("span", { class: "who" }, hitl.me.principal),
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
		document.title = `${VIEWS[name]} · Review · hitl`;
		if (this.#view !== name) {
			this.#view = name;
			ON_DEMAND[name]?.();
			const element = document.createElement(`hitl-${name}`);
			element.addEventListener("pick", ({ detail }) =>
				history.replaceState(null, "", detail ? `#queue/${detail}` : "#queue"),
			);
			element.addEventListener("count", ({ detail }) => say(this.#number, detail || ""));
			fill(this.#main, element);
		}
		if (name === "queue" && call) this.#main.firstChild.pick(call, false);
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
