// <hitl-grants>: the grants, the draws on them, and the people who gave them; revoked here.

import { ruleList } from "./grant-form.js";
import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { extend, shadow } from "./style.js";
import { plural } from "./text.js";
import { ago, clockTime, setClock } from "./time.js";

const STANDING = {
	live: ["check", "In force"],
	revoked: ["cross", "Revoked"],
	over: ["clock", "Expired"],
	used: ["stop", "Used up"],
};
// Changes that arrive together are read together.
const PAUSE = 400;

export class Grants extends HTMLElement {
	#root = shadow(this);
	#which = "live";
	#grants = new Map();
	#next = null;
	#loading = 0;
	#again = null;
	#leave = [];
	#list = h("div", { class: "all" });
	#empty = h("div", { class: "empty" });
	#more = h("button", { class: "link", type: "button", onclick: () => this.#read(this.#next) }, "Show more");
	#live = h("p", { class: "sr", role: "status" });

	async connectedCallback() {
		await extend(this.#root);
		const choose = h(
			"select",
			{
				"aria-label": "Which grants",
				onchange: () => {
					this.#which = choose.value;
					this.load();
				},
			},
			h("option", { value: "live" }, "In force"),
			h("option", { value: "all" }, "All grants"),
		);
		choose.value = this.#which;
		fill(
			this.#root,
			h(
				"div",
				{ class: "grants" },
				h("header", { class: "head" }, h("h2", {}, "Grants"), choose),
				h(
					"p",
					{ class: "faint" },
					"Calls that a grant covers run without asking. After you revoke it, they are asked about again.",
				),
				this.#list,
				this.#empty,
				this.#more,
				this.#live,
			),
		);
		const { stream } = session;
		const listen = (kind, to) => {
			stream.addEventListener(kind, to);
			this.#leave.push(() => stream.removeEventListener(kind, to));
		};
		// Each start of a call may have drawn on a grant.
		for (const kind of ["grant", "call", "gap"]) listen(kind, () => this.#soon());
		listen("state", () => stream.state === "live" && this.load());
		this.load();
	}

	disconnectedCallback() {
		clearTimeout(this.#again);
		this.#again = null;
		for (const leave of this.#leave.splice(0)) leave();
	}

	#soon() {
		this.#again ??= setTimeout(() => {
			this.#again = null;
			this.load();
		}, PAUSE);
	}

	load() {
		return this.#read(null);
	}

	async #read(after) {
		if (!session.me) return;
		const turn = (this.#loading += 1);
		if (!this.#grants.size)
			fill(
				this.#empty,
				h("div", { class: "skeleton", "aria-busy": "true" }, h("i", { class: "tall" }), h("i", {}), h("i", {})),
			);
		try {
			const told = await session.get(`api/grants?which=${this.#which}&limit=200${after ? `&after=${after}` : ""}`);
			if (turn !== this.#loading) return;
			setClock(told.now);
			const keep = new Set(told.grants.map(({ id }) => id));
			if (!after) for (const [id, card] of this.#grants) if (!keep.has(id) && !card.inUse) this.#drop(id);
			// The newest first; the server lists them last.
			for (const grant of told.grants) this.#put(grant);
			this.#next = told.next ?? null;
			this.#told();
		} catch (error) {
			if (turn !== this.#loading || error.status === 401) return;
			if (this.#grants.size) return say(this.#live, error.message);
			fill(
				this.#empty,
				icon("warn"),
				h("p", { role: "alert" }, error.message),
				h("button", { class: "act", type: "button", onclick: () => this.load() }, h("span", {}, "Try again")),
			);
		}
	}

	#put(grant) {
		const there = this.#grants.get(grant.id);
		if (there) return there.show(grant);
		const card = new GrantCard(grant, (said) => {
			say(this.#live, `Revoked: ${said.tool}`);
			this.#put(said);
		});
		this.#grants.set(grant.id, card);
		this.#list.prepend(card.element);
	}

	#drop(id) {
		this.#grants.get(id).element.remove();
		this.#grants.delete(id);
	}

	#told() {
		this.#more.hidden = !this.#next;
		fill(
			this.#empty,
			!this.#grants.size && [
				icon("lock"),
				h("p", {}, h("strong", {}, this.#which === "live" ? "No grant is in force." : "There are no grants.")),
				h(
					"p",
					{ class: "faint" },
					"Every call follows its tool and your rules. “Always allow …” on a card gives a grant.",
				),
			],
		);
	}
}

/** One grant. */
class GrantCard {
	#grant = null;
	#revoked;
	#told = h("div", { class: "told" });
	#body = h("div", { class: "revoking" });
	element = h("article", { class: "card grant" }, this.#told, this.#body);

	constructor(grant, revoked) {
		this.#revoked = revoked;
		this.show(grant);
	}

	/** Returns whether a person is typing a reason. */
	get inUse() {
		return Boolean(this.#body.querySelector("form"));
	}

	show(grant) {
		const before = this.#grant;
		const same = before && before.version === grant.version && before.standing === grant.standing;
		if (same) return;
		this.#grant = grant;
		const live = grant.standing === "live";
		const [sign, name] = STANDING[grant.standing] ?? ["dot", grant.standing];
		const revocable = live || grant.standing === "used";
		if (!revocable || !this.inUse) this.#home(revocable);
		this.element.classList.toggle("is-over", !live);
		fill(
			this.#told,
			h(
				"header",
				{},
				h("span", { class: `badge is-${grant.standing}` }, icon(sign), name),
				grant.breakGlass && h("span", { class: "badge urgent" }, icon("warn"), "Break-glass"),
				h("h3", {}, grant.tool),
				h("span", { class: "faint" }, "given by ", h("strong", {}, grant.by), ` ${ago(grant.savedAt)}`),
			),
			ruleList(grant.rule),
			this.#drawn(),
			grant.revoked &&
				h(
					"p",
					{},
					"Revoked by ",
					h("strong", {}, grant.revoked.by),
					` ${ago(grant.revoked.at)}`,
					grant.revoked.reason && h("span", { class: "faint" }, `: ${grant.revoked.reason}`),
				),
		);
	}

	#drawn() {
		const { used, uses, spent, sum, until } = this.#grant;
		const bar = (part, whole) =>
			h(
				"div",
				{
					class: "bar",
					"aria-hidden": "true",
					vars: { "--score": Math.min(100, (100 * Number(part)) / Number(whole)) },
				},
				h("span", { class: "filled" }),
			);
		return h(
			"dl",
			{ class: "drawn" },
			h(
				"div",
				{},
				h("dt", {}, "Runs"),
				h(
					"dd",
					{},
					uses === undefined ? plural(used, "run") : `${used} of ${uses}`,
					uses !== undefined && bar(used, uses),
				),
			),
			sum &&
				h(
					"div",
					{},
					h("dt", {}, `Total of ${sum.path}`),
					h("dd", {}, `${spent} of ${sum.atMost}`, bar(spent, sum.atMost)),
				),
			until && h("div", {}, h("dt", {}, "Until"), h("dd", {}, clockTime(until))),
		);
	}

	#home(revocable, focus) {
		const button =
			revocable &&
			h(
				"button",
				{ class: "act reject", type: "button", onclick: () => this.#asking() },
				icon("cross"),
				h("span", {}, "Revoke …"),
			);
		fill(this.#body, button && h("div", { class: "acts" }, button));
		if (focus && button) button.focus();
	}

	#asking() {
		const note = h("p", { class: "note", role: "alert" });
		const reason = h("textarea", {
			rows: "2",
			required: true,
			maxlength: "4000",
			onkeydown: (event) => {
				if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
				if (event.key === "Escape") this.#home(true, true);
			},
		});
		let busy = false;
		const submit = h("button", { class: "act reject", type: "submit" }, h("span", {}, "Revoke it"));
		const form = h(
			"form",
			{
				class: "revoking",
				novalidate: true,
				onsubmit: async (event) => {
					event.preventDefault();
					const said = reason.value.trim();
					if (!said) {
						say(note, "Enter a reason first.");
						return reason.focus();
					}
					if (busy) return;
					busy = true;
					try {
						const grant = await session.post(`api/grants/${this.#grant.id}/revoke`, { reason: said });
						fill(this.#body);
						this.#revoked(grant);
					} catch (error) {
						say(note, error.message);
						busy = false;
					}
				},
			},
			h("label", {}, h("span", {}, "Reason for revoking it"), reason),
			note,
			h(
				"div",
				{ class: "acts" },
				submit,
				h("button", { class: "link", type: "button", onclick: () => this.#home(true, true) }, "Back"),
			),
		);
		fill(this.#body, form);
		reason.focus();
	}
}
