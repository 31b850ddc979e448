// <hitl-queue>: the waiting calls, and the card of the selected call.
//
// Lines beyond the screen are not drawn (content-visibility), and come in pages, so that a thousand
// are as smooth as ten. Their order is the server's: it knows whose turn it is.

import { alertOf } from "./alerts.js";
import { session } from "./api.js";
import { BulkBar } from "./bulk-bar.js";
import { fill, h, isTyping, say } from "./dom.js";
import { icon } from "./icons.js";
import { preference } from "./preferences.js";
import { QueueFilters } from "./queue-filters.js";
import { frame } from "./queue-frame.js";
import { groupsOf } from "./queue-groups.js";
import { queueKeys } from "./queue-keys.js";
import { GroupHead, Row, isSelectable } from "./queue-list.js";
import { shadow } from "./style.js";
import { language, tally, words } from "./text.js";
import { setClock, ticking } from "./time.js";

const PAGE = 100;
// Calls that are shown already are read again in larger pages.
const LARGE = 200;
// The number of pages read at once, when a filter leaves few calls on each.
const PAGES = 5;
// From this number of calls on, rows are dense unless a reviewer has chosen.
const MANY = 25;

export class Queue extends HTMLElement {
	#root = shadow(this);
	#rows = new Map();
	#heads = new Map();
	#folded = new Set();
	// The calls in the server's order, and those that are listed, in the order of the list.
	#order = [];
	#listed = [];
	#next = null;
	#counts = null;
	#banner = null;
	#picked = null;
	// Where the selected call was in the list: the next one is there once it has left.
	#place = 0;
	#checked = new Set();
	#anchor = null;
	#loading = 0;
	#again = null;
	#changes = new Map();
	#since = new Map();
	#anew = false;
	#reading = 0;
	#leave = [];
	#timer = null;

	#list = h("ul", { class: "list", "aria-label": "Pending calls" });
	#empty = h("div", { class: "empty" });
	#more = h("button", { class: "link more", type: "button", onclick: () => this.#page() }, "Show more");
	#status = h("p", { class: "counts" });
	#live = h("p", { class: "sr", role: "status", "aria-live": "polite" });
	#card = document.createElement("hitl-approval-card");
	#filters = new QueueFilters({
		changed: (wait) => {
			clearTimeout(this.#timer);
			this.#timer = setTimeout(() => this.load(), wait);
		},
		looks: () => this.#arrange(),
	});
	#bulk = new BulkBar({ told: (said) => say(this.#live, said), clear: (ids) => this.#uncheck(ids) });

	constructor() {
		super();
		const side = [
			h("div", { class: "tools" }, this.#filters.element, this.#status),
			this.#list,
			this.#empty,
			this.#more,
			this.#bulk.element,
		];
		fill(
			this.#root,
			frame(side, this.#card, () => this.pick(null)),
			this.#live,
		);
		this.#bulk.calls = [];
		this.#card.addEventListener("decided", ({ detail }) => this.#decided(detail));
		this.#card.addEventListener("next", () => this.next());
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
		this.#leave.push(ticking(this, 5000, () => this.#rows.forEach((row) => row.tick())));
		this.load();
	}

	disconnectedCallback() {
		for (const leave of this.#leave.splice(0)) leave();
	}

	get picked() {
		return this.#picked;
	}

	get card() {
		return this.#card;
	}

	get filters() {
		return this.#filters;
	}

	get bulk() {
		return this.#bulk;
	}

	/** Selects a call, or none. */
	pick(id, focus = true) {
		if (this.#picked === id) return;
		this.#row(this.#picked)?.button.removeAttribute("aria-current");
		this.#picked = id;
		if (id) this.#card.setAttribute("call", id);
		else this.#card.removeAttribute("call");
		this.toggleAttribute("showing", Boolean(id));
		const row = this.#row(id);
		row?.button.setAttribute("aria-current", "true");
		if (focus) (row?.element.isConnected ? row.button : this.#filters.search).focus({ preventScroll: true });
		row?.element.scrollIntoView({ block: "nearest" });
		this.#placed();
		this.dispatchEvent(new CustomEvent("pick", { detail: id }));
	}

	#placed() {
		const at = this.#listed.indexOf(this.#picked);
		if (at >= 0) this.#place = at;
		this.#card.toggleAttribute(
			"has-next",
			this.#listed.some((id) => id !== this.#picked),
		);
	}

	#row(id) {
		return this.#rows.get(id);
	}

	#path(after, limit = PAGE) {
		const query = new URLSearchParams(this.#filters.query);
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
			this.#count(listing);
			this.#arrange();
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
			this.#count(listing);
			this.#arrange();
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
			.filter((call) => call.state === "pending" && this.#filters.fits(call) !== false);
	}

	#put(call) {
		const row = this.#row(call.id);
		if (!row)
			this.#rows.set(
				call.id,
				new Row(call, { pick: (id) => this.pick(id), check: (id, on, range) => this.#check(id, on, range) }),
			);
		else if (row.call.version < call.version) {
			row.show(call);
			if (!isSelectable(call)) this.#checked.delete(call.id);
		}
	}

	#drop(id) {
		this.#row(id)?.element.remove();
		this.#rows.delete(id);
		this.#checked.delete(id);
	}

	/** Returns the headings and lines in the order of the list, and notes which calls are listed. */
	#elements() {
		const calls = this.#order.map((id) => this.#row(id).call);
		const groups = groupsOf(calls, preference("group"));
		const elements = [];
		const heads = new Set();
		this.#listed = [];
		for (const group of groups) {
			const folded = group.heading !== null && this.#folded.has(group.key);
			if (group.heading !== null) {
				heads.add(group.key);
				elements.push(this.#head(group, folded));
			}
			if (folded) continue;
			for (const { id } of group.calls) {
				this.#listed.push(id);
				elements.push(this.#row(id).element);
			}
		}
		for (const key of [...this.#heads.keys()]) if (!heads.has(key)) this.#heads.delete(key);
		return elements;
	}

	#head(group, folded) {
		const { key } = group;
		if (!this.#heads.has(key)) {
			const head = new GroupHead({
				fold: () => {
					if (!this.#folded.delete(key)) this.#folded.add(key);
					this.#arrange();
				},
				check: (on) => this.#checkAll(head.calls, on),
			});
			this.#heads.set(key, head);
		}
		const head = this.#heads.get(key);
		head.calls = group.calls;
		head.show(group, folded, this.#checked);
		return head.element;
	}

	/** Puts the lines in order, touching only those that are out of place. The focus stays in the list. */
	#arrange() {
		const many = (this.#counts?.all.counted ?? 0) >= MANY;
		const dense = preference("dense") ?? many;
		this.#filters.dense = dense;
		this.toggleAttribute("dense", dense);
		const focused = this.#list.contains(this.#root.activeElement);
		const elements = this.#elements();
		const wanted = new Set(elements);
		for (const element of [...this.#list.children]) if (!wanted.has(element)) element.remove();
		let at = this.#list.firstChild;
		for (const element of elements) {
			if (element === at) at = at.nextSibling;
			else this.#list.insertBefore(element, at);
		}
		this.#row(this.#picked)?.button.setAttribute("aria-current", "true");
		if (focused && !this.#list.contains(this.#root.activeElement)) this.#focusNear();
		this.#placed();
		this.#bulkBar();
	}

	/** The line that had the focus is gone: the one in its place gets it. */
	#focusNear() {
		const id = this.#listed[Math.min(this.#place, this.#listed.length - 1)];
		(this.#row(id)?.button ?? this.#filters.search).focus({ preventScroll: true });
	}

	#count({ counts, next, now, tools, calls, brokenGlass }) {
		setClock(now);
		this.#glass(brokenGlass);
		this.#next = next ?? null;
		this.#counts = counts;
		this.#filters.offer(tools, calls);
		this.#told();
	}

	/** Shows who has broken the glass, while somebody has. */
	async #glass(grants = []) {
		if (!grants.length && !this.#banner) return;
		const { brokenGlass } = await import("./broken-glass.js");
		this.#banner ??= brokenGlass();
		if (!this.#banner.element.isConnected) this.#list.before(this.#banner.element);
		this.#banner.show(grants);
	}

	/** Shows the numbers of calls. */
	#told() {
		if (!this.#counts) return;
		const { all, overdue, quick, full } = this.#counts;
		const seen = this.#filters.isNarrow && [
			`${this.#order.length.toLocaleString(language())}${this.#next ? "+" : ""} of `,
		];
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
			if (change.state !== "pending" || this.#filters.fits(change) === false) this.#drop(change.id);
			else if (!row) arrived = change;
			else if (row.call.priority !== change.priority || row.call.dueAt !== change.dueAt) arrived = change;
			else this.#put(change);
		}
		this.#order = this.#order.filter((id) => this.#rows.has(id));
		this.#arrange();
		this.#told();
		if (arrived && !this.#row(arrived.id)) {
			say(this.#live, `New: ${arrived.title}, ${arrived.risk} risk`);
			alertOf(arrived);
		}
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
			const { counts, now, brokenGlass } = await session.get(this.#path(null, 1));
			setClock(now);
			this.#glass(brokenGlass);
			this.#counts = counts;
			this.#told();
		} catch {
			// The stream reports when the connection is back, and everything is read again.
		}
	}

	#decided(call) {
		say(this.#live, `${words(call.state)}: ${call.title}`);
		if (preference("advance")) this.next();
	}

	/** Selects or unselects a call; with `range`, all from the one before to this one. */
	#check(id, on, range = false) {
		const [from, to] = [this.#listed.indexOf(this.#anchor), this.#listed.indexOf(id)];
		const ids = range && from >= 0 && to >= 0 ? this.#listed.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
		this.#anchor = id;
		this.#checkAll(ids.map((each) => this.#row(each)?.call).filter(Boolean), on);
	}

	#checkAll(calls, on) {
		for (const call of calls.filter(isSelectable)) {
			if (on) this.#checked.add(call.id);
			else this.#checked.delete(call.id);
			this.#row(call.id).box.checked = on;
		}
		this.#arrange();
	}

	/** Selects every listed call that may be decided together with others, or none if all of them are. */
	checkListed() {
		const calls = this.#listed.map((id) => this.#row(id).call).filter(isSelectable);
		this.#checkAll(
			calls,
			calls.some((call) => !this.#checked.has(call.id)),
		);
	}

	/** Selects the call on display, or unselects it; with `range`, all from the last one on. */
	checkPicked(range) {
		const row = this.#row(this.#picked);
		if (row && isSelectable(row.call)) this.#check(this.#picked, range || !this.#checked.has(this.#picked), range);
	}

	#bulkBar() {
		this.#bulk.calls = this.#listed.filter((id) => this.#checked.has(id)).map((id) => this.#row(id).call);
	}

	#uncheck(ids = [...this.#checked]) {
		for (const id of ids) {
			if (this.#row(id)) this.#row(id).box.checked = false;
			this.#checked.delete(id);
		}
		this.#arrange();
	}

	/** Selects the call that follows in the list, or the one before. */
	step(by) {
		if (!this.#listed.length) return;
		const at = this.#listed.indexOf(this.#picked);
		const last = this.#listed.length - 1;
		// The selected call may have left the queue: continue at its place.
		const gone = this.#picked === null ? (by > 0 ? 0 : last) : by > 0 ? this.#place : this.#place - 1;
		this.pick(this.#listed[Math.min(Math.max(at < 0 ? gone : at + by, 0), last)]);
	}

	/** Goes on to the next call after a decision; at the end of the list, to the first. */
	next() {
		const others = this.#listed.filter((id) => id !== this.#picked);
		const at = this.#listed.indexOf(this.#picked);
		this.pick(others[at < 0 ? this.#place : at] ?? others[0] ?? null);
	}

	#key(event) {
		if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !this.checkVisibility()) return;
		if (document.querySelector("hitl-help, hitl-code")) return;
		const act = queueKeys(this, event);
		if (!act) return;
		event.preventDefault();
		act();
	}
}
