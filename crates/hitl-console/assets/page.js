// The page: the signed-in reviewer, the state of the connection, and the current view.

import { fill, h, isTyping, say } from "./dom.js";
import { hitl, signOut, withGrants, withHistory, withPolicies, withTasks } from "./hitl.js";
import { icon } from "./icons.js";
import { AFTER_SIGN_IN } from "./sign-in.js";

const VIEWS = { queue: "Queue", tasks: "Tasks", grants: "Grants", policies: "Policies", history: "History" };
const ON_DEMAND = { tasks: withTasks, grants: withGrants, policies: withPolicies, history: withHistory };

/** The views of this console: one without rule files has no page for them. */
const views = () => Object.entries(VIEWS).filter(([view]) => view !== "policies" || hitl.me?.policies);

/** The choice of a reviewer who has several tenants. */
function tenants() {
	const { tenant, otherTenants = [] } = hitl.me;
	if (!otherTenants.length) return null;
	const all = [tenant, ...otherTenants].sort();
	const choose = (event) => {
		// A call of one tenant is none of another.
		history.replaceState(null, "", location.hash.split("/")[0]);
		hitl.choose(event.target.value).catch(() => location.reload());
	};
	const options = all.map((name) => h("option", { value: name, selected: name === tenant }, name));
	return h("select", { class: "tenant", "aria-label": "Tenant", onchange: choose }, options);
}

class Page extends HTMLElement {
	#main = h("main", {});
	#tabs = {};
	#number = h("span", { class: "number" });
	#state = h("span", { class: "state", role: "status" });
	#lost = h("div", { class: "lost", role: "alert" });
	#frozen = h("div", { class: "frozen" });
	#freeze = h("button", { class: "link", type: "button", hidden: true }, "Freeze …");
	#banner = null;
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
		hitl.takeToken();
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
		this.#view = null;
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
				tenants(),
				this.#freeze,
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
				h("button", { class: "link", type: "button", onclick: () => this.#signOut() }, "Sign out"),
			),
			this.#lost,
			this.#frozen,
			this.#main,
		);
		this.#frozenOrNot();
		this.#main.id = "main";
		const wanted = sessionStorage.getItem(AFTER_SIGN_IN);
		sessionStorage.removeItem(AFTER_SIGN_IN);
		if (wanted && !location.hash) history.replaceState(null, "", wanted);
		this.#connection();
		this.#go();
	}

	async #signOut() {
		try {
			await signOut();
		} catch (error) {
			fill(this.#lost, icon("warn"), h("p", {}, `You are still signed in. ${error.message}`));
		}
	}

	/** The banner follows the page: the calls are there before it. */
	async #frozenOrNot() {
		if (this.#banner) return this.#banner.load();
		const { FreezeBanner } = await import("./freeze.js");
		this.#banner ??= new FreezeBanner(this.#frozen, this.#freeze);
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
