// <hitl-queue>: the waiting calls, and the card of the selected call.
//
// Lines beyond the screen are not drawn (content-visibility), and come in pages, so that a thousand
// are as smooth as ten. Their order is the server's: it knows whose turn it is.

import { session } from "./api.js";
import { fill, h, isTyping, say } from "./dom.js";
import { icon } from "./icons.js";
import { Row } from "./queue-list.js";
import { shadow } from "./style.js";
import { plural, tally, words } from "./text.js";
import { setClock, ticking } from "./time.js";

const PAGE = 100;
// Calls that are shown already are read again in larger pages.
const LARGE = 200;
// The number of pages read at once, when a filter leaves few calls on each.
const PAGES = 5;

export class Queue extends HTMLElement {
	#root = shadow(this);
	#rows = new Map();
	#order = [];
	#next = null;
	#counts = null;
	#picked = null;
	#checked = new Set();
	#filter = { order: "priority", level: "", risk: "", tool: "", text: "" };
	#loading = 0;
	#again = null;
	#changes = new Map();
	#since = new Map();
	#anew = false;
	#reading = 0;
	#leave = [];

	#list = h("ul", { class: "list", "aria-label": "Pending calls" });
	#empty = h("div", { class: "empty" });
	#more = h("button", { class: "link more", type: "button", onclick: () => this.#page() }, "Show more");
	#status = h("p", { class: "counts" });
	#live = h("p", { class: "sr", role: "status", "aria-live": "polite" });
	#bulk = h("div", { class: "bulk", role: "region", "aria-label": "Selected calls" });
	#bulkNote = h("p", { class: "note", role: "alert" });
	#card = document.createElement("hitl-approval-card");
	#search = h("input", {
		type: "search",
		placeholder: "Search titles",
		"aria-label": "Search titles",
		oninput: () => this.#set("text", this.#search.value.trim(), 200),
	});
	#tools = h("select", { "aria-label": "Tool", onchange: (event) => this.#set("tool", event.target.value) });
	#timer = null;

	constructor() {
		super();
		const options = (pairs) => pairs.map(([value, name]) => h("option", { value }, name));
		const choose = (name, label, pairs) =>
			h("select", { "aria-label": label, onchange: (event) => this.#set(name, event.target.value) }, options(pairs));
		fill(
			this.#root,
			h(
				"div",
				{ class: "queue" },
				h(
					"section",
					{ class: "side", "aria-label": "Queue" },
					h(
						"div",
						{ class: "tools" },
						h(
							"div",
							{ class: "first" },
							this.#search,
							choose("order", "Order", [
								["priority", "Most urgent first"],
								["due", "Due first"],
								["oldest", "Oldest first"],
							]),
						),
						h(
							"div",
							{ class: "filters" },
							choose("level", "Level", [
								["", "All levels"],
								["quick", "Quick look"],
								["full", "Full review"],
							]),
							choose("risk", "Risk", [
								["", "All risks"],
								["low", "Low risk"],
								["medium", "Medium risk"],
								["high", "High risk"],
								["critical", "Critical risk"],
							]),
							this.#tools,
						),
						this.#status,
					),
					this.#list,
					this.#empty,
					this.#more,
					this.#bulk,
				),
				h(
					"section",
					{ class: "detail", "aria-label": "Call" },
					h(
						"button",
						{ class: "link backward", type: "button", onclick: () => this.pick(null) },
						icon("back"),
						"Queue",
					),
					this.#card,
					h(
						"div",
						{ class: "nothing" },
						h("p", {}, "Choose a call to see what it would do."),
						h(
							"p",
							{ class: "faint" },
							h("kbd", {}, "J"),
							" and ",
							h("kbd", {}, "K"),
							" move, ",
							h("kbd", {}, "?"),
							" lists all keys.",
						),
					),
				),
				this.#live,
			),
		);
		fill(this.#tools, options([["", "All tools"]]));
		this.#card.addEventListener("decided", ({ detail }) => this.#decided(detail));
		new IntersectionObserver((seen) => seen.some((at) => at.isIntersecting) && this.#page(), {
			rootMargin: "600px",
		}).observe(this.#more);
	}

	connectedCallback() {
		const { stream } = session;
		const listen = (to, kind, what) => {
			to.addEventListener(kind, what);
			this.#leave.push(() => to.removeEventListener(kind, what));
		};
		listen(stream, "call", ({ detail }) => this.#heard(detail.call));
		listen(stream, "gap", () => this.load());
		listen(stream, "state", () => stream.state === "live" && this.load());
		listen(session, "signed-in", () => this.load());
		listen(document, "keydown", (event) => this.#key(event));
		this.#leave.push(ticking(this, 15000, () => this.#rows.forEach((row) => row.tick())));
		this.load();
	}

	disconnectedCallback() {
		for (const leave of this.#leave.splice(0)) leave();
	}

	get picked() {
		return this.#picked;
	}

	/** Selects a call, or none. */
	pick(id, focus = true) {
		if (this.#picked === id) return;
		this.#row(this.#picked)?.button.removeAttribute("aria-current");
		this.#picked = id;
		this.#card.callId = id;
		this.toggleAttribute("showing", Boolean(id));
		const row = this.#row(id);
		row?.button.setAttribute("aria-current", "true");
		if (focus) row?.button.focus({ preventScroll: true });
		row?.element.scrollIntoView({ block: "nearest" });
		this.dispatchEvent(new CustomEvent("pick", { detail: id }));
	}

	#row(id) {
		return this.#rows.get(id);
	}

	#set(name, value, wait = 0) {
		this.#filter[name] = value;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.load(), wait);
	}

	#path(after, limit = PAGE) {
		const query = new URLSearchParams(Object.entries(this.#filter).filter(([, value]) => value));
		query.set("limit", limit);
		if (after) query.set("after", after);
		return `api/calls?${query}`;
	}

	/** Reads pages until this many calls are read, or some pages have brought too few. */
	async #read(want, after) {
		const calls = [];
		let listing = null;
		const size = want > PAGE ? LARGE : PAGE;
		const most = Math.max(PAGES, Math.ceil(want / size));
		for (let page = 0; page < most && (!listing || (listing.next && calls.length < want)); page += 1) {
			listing = await session.get(this.#path(listing?.next ?? after, size));
			calls.push(...listing.calls);
		}
		return { ...listing, calls };
	}

	/** Reads the queue again, up to the last call shown. */
	async load() {
		if (!session.me) return;
		const turn = (this.#loading += 1);
		clearTimeout(this.#again);
		this.#again = null;
		this.#since = new Map();
		if (!this.#rows.size)
			this.#say(h("div", { class: "skeleton", "aria-busy": "true" }, h("i", {}), h("i", {}), h("i", {})));
		this.#reading += 1;
		try {
			const listing = await this.#read(Math.max(PAGE, this.#order.length));
			if (turn !== this.#loading) return;
			const calls = this.#current(listing.calls);
			const keep = new Set(calls.map((call) => call.id));
			for (const id of [...this.#rows.keys()]) if (!keep.has(id)) this.#drop(id);
			for (const call of calls) this.#put(call);
			this.#order = [...keep];
			this.#arrange();
			this.#count(listing);
		} catch (error) {
			if (turn !== this.#loading || error.status === 401) return;
			this.#say(
				icon("warn"),
				h("p", { role: "alert" }, error.message),
				h("button", { class: "act", type: "button", onclick: () => this.load() }, h("span", {}, "Try again")),
			);
		} finally {
			this.#reading -= 1;
		}
	}

	async #page() {
		if (!session.me || !this.#next || this.#more.disabled) return;
		this.#more.disabled = true;
		const turn = this.#loading;
		try {
			const listing = await this.#read(PAGE, this.#next);
			if (turn !== this.#loading) return;
			for (const call of this.#current(listing.calls)) {
				if (!this.#row(call.id)) this.#order.push(call.id);
				this.#put(call);
			}
			this.#arrange();
			this.#count(listing);
		} catch {
			// The button stays, for another attempt.
		} finally {
			this.#more.disabled = false;
		}
	}

	/** Returns the calls that were read, unless the stream has reported newer states meanwhile. */
	#current(calls) {
		return calls
			.map((call) => {
				const heard = this.#since.get(call.id);
				return heard && heard.version > call.version ? heard : call;
			})
			.filter((call) => call.state === "pending" && this.#fits(call));
	}

	#put(call) {
		const row = this.#row(call.id);
		if (!row)
			this.#rows.set(call.id, new Row(call, { pick: (id) => this.pick(id), check: (id, on) => this.#check(id, on) }));
		else if (row.call.version < call.version) row.show(call);
	}

	#drop(id) {
		this.#row(id)?.element.remove();
		this.#rows.delete(id);
		this.#checked.delete(id);
	}

	/** Puts the lines in order, touching only those that are out of place. */
	#arrange() {
		let at = this.#list.firstChild;
		for (const id of this.#order) {
			const { element } = this.#row(id);
			if (element === at) at = at.nextSibling;
			else this.#list.insertBefore(element, at);
		}
		this.#row(this.#picked)?.button.setAttribute("aria-current", "true");
		this.#bulkBar();
	}

	#count({ counts, next, now, tools }) {
		setClock(now);
		this.#next = next ?? null;
		this.#counts = counts;
		const known = tools.includes(this.#filter.tool) || !this.#filter.tool ? tools : [...tools, this.#filter.tool];
		fill(
			this.#tools,
			h("option", { value: "" }, "All tools"),
			known.map((tool) => h("option", { value: tool }, words(tool))),
		);
		this.#tools.value = this.#filter.tool;
		this.#told();
	}

	/** Shows the numbers of calls. */
	#told() {
		if (!this.#counts) return;
		const { all, overdue, quick, full } = this.#counts;
		const { level, risk, tool, text } = this.#filter;
		const filtered = level || risk || tool || text;
		const seen = filtered && [`${this.#order.length.toLocaleString("en")}${this.#next ? "+" : ""} of `];
		fill(
			this.#status,
			h("b", {}, seen, tally(all)),
			" pending",
			overdue.counted > 0 && h("span", { class: "late" }, ` · ${tally(overdue)} overdue`),
			h("span", { class: "faint" }, ` · ${tally(quick)} quick, ${tally(full)} full`),
		);
		this.#more.hidden = !this.#next;
		this.toggleAttribute("empty", !all.counted);
		this.dispatchEvent(new CustomEvent("count", { detail: all.counted && tally(all) }));
		if (this.#order.length) fill(this.#empty);
		else if (this.#next) this.#say(h("p", {}, "Nothing matches the filter so far; there are more pages."));
		else if (all.counted) this.#say(h("p", {}, "No pending call matches the filter."));
		else
			this.#say(
				icon("check"),
				h("p", {}, h("strong", {}, "Nothing is pending.")),
				h("p", { class: "faint" }, "New calls appear here automatically."),
			);
	}

	#say(...what) {
		fill(this.#empty, what);
	}

	/** Applies a change of a call. Changes that arrive together are shown together. */
	#heard(call) {
		this.#since.set(call.id, call);
		this.#changes.set(call.id, call);
		if (this.#changes.size > 1) return;
		requestAnimationFrame(() => this.#show());
	}

	#show() {
		const changes = [...this.#changes.values()];
		this.#changes.clear();
		let arrived = null;
		for (const change of changes) {
			const row = this.#row(change.id);
			if (change.state !== "pending" || !this.#fits(change)) this.#drop(change.id);
			else if (!row) arrived = change;
			else if (row.call.priority !== change.priority || row.call.dueAt !== change.dueAt) arrived = change;
			else this.#put(change);
		}
		this.#order = this.#order.filter((id) => this.#rows.has(id));
		this.#arrange();
		this.#told();
		if (arrived && !this.#row(arrived.id)) say(this.#live, `New: ${arrived.title}, ${arrived.risk} risk`);
		this.#readAgain(Boolean(arrived));
	}

	/** Reads again: a new call has its place from the server. Delayed, as more may come and many are listed. */
	#readAgain(anew) {
		if (this.#again !== null && (this.#anew || !anew)) return;
		clearTimeout(this.#again);
		this.#anew = anew;
		this.#again = setTimeout(
			() => {
				this.#again = null;
				// A read in progress is shown first: restarted at each change, it might never be.
				if (this.#reading) this.#readAgain(anew);
				else if (anew) this.load();
				else this.#recount();
			},
			150 + (anew ? this.#order.length : 0),
		);
	}

	async #recount() {
		try {
			const { counts, now } = await session.get(this.#path(null, 1));
			setClock(now);
			this.#counts = counts;
			this.#told();
		} catch {
			// The stream reports when the connection is back, and everything is read again.
		}
	}

	#fits(call) {
		const { level, risk, tool, text } = this.#filter;
		const is = (wanted, there) => !wanted || wanted === there;
		const found = !text || call.title.toLowerCase().includes(text.toLowerCase());
		return is(level, call.level) && is(risk, call.risk) && is(tool, call.tool) && found;
	}

	#decided(call) {
		say(this.#live, `${words(call.state)}: ${call.title}`);
	}

	#check(id, on) {
		if (on) this.#checked.add(id);
		else this.#checked.delete(id);
		this.#bulkBar();
	}

	#bulkBar() {
		const count = this.#checked.size;
		this.#bulk.hidden = !count;
		if (!count) return fill(this.#bulk);
		const button = (name, answer, kind) =>
			h(
				"button",
				{ class: `act ${kind}`, type: "button", onclick: () => this.#decideAll(answer) },
				h("span", {}, `${name} ${count}`),
			);
		fill(
			this.#bulk,
			h("p", {}, plural(count, "quick call"), " selected"),
			h(
				"div",
				{ class: "acts" },
				button("Approve", "approve", "approve main"),
				button("Reject", "reject", "reject"),
				h("button", { class: "link", type: "button", onclick: () => this.#uncheck() }, "None"),
			),
			this.#bulkNote,
		);
	}

	#uncheck() {
		for (const id of this.#checked) if (this.#row(id)) this.#row(id).box.checked = false;
		this.#checked.clear();
		this.#bulkBar();
	}

	async #decideAll(answer) {
		const calls = [...this.#checked]
			.map((id) => this.#row(id)?.call)
			.filter(Boolean)
			.slice(0, 200)
			.map(({ id, revision, binding }) => ({ id, revision, binding }));
		const reason = answer === "reject" ? { reason: "rejected in bulk" } : {};
		try {
			const { results } = await session.post("api/bulk", { answer, calls, ...reason });
			const left = results.filter((one) => one.result !== "ok");
			for (const one of results) if (one.result === "ok") this.#checked.delete(one.id);
			say(this.#bulkNote, left.length ? `${plural(left.length, "call")} not decided: ${left[0].message}` : "");
			say(this.#live, `${plural(results.length - left.length, "call")} decided`);
			this.#bulkBar();
		} catch (error) {
			say(this.#bulkNote, error.message);
		}
	}

	#step(by) {
		if (!this.#order.length) return;
		const at = this.#order.indexOf(this.#picked);
		// The selected call may have left the queue: continue at its position.
		const next =
			at < 0 ? (by > 0 ? 0 : this.#order.length - 1) : Math.min(Math.max(at + by, 0), this.#order.length - 1);
		this.pick(this.#order[next]);
	}

	#key(event) {
		if (
			event.ctrlKey ||
			event.metaKey ||
			event.altKey ||
			(event.repeat && !"jk".includes(event.key)) ||
			isTyping(event) ||
			!this.checkVisibility() ||
			document.querySelector("hitl-help, hitl-code")
		)
			return;
		const keys = {
			j: () => this.#step(1),
			ArrowDown: () => this.#step(1),
			k: () => this.#step(-1),
			ArrowUp: () => this.#step(-1),
			a: () => this.#card.approve(),
			r: () => this.#card.reject(),
			e: () => this.#card.edit(),
			u: () => this.#card.uncover(),
			x: () => this.#row(this.#picked)?.box.isConnected && this.#row(this.#picked).box.click(),
			"/": () => this.#search.focus(),
			"?": async () => (await import("./help.js")).help(),
			Escape: () => this.pick(null),
		};
		const act = keys[event.key];
		if (!act || (event.key === "Escape" && !this.hasAttribute("showing"))) return;
		event.preventDefault();
		act();
	}
}
