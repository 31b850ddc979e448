// <hitl-approval-card call="ID">: one call, and the panel on which it is decided.

import { session } from "./api.js";
import { earlier, preview, reason } from "./call-preview.js";
import { argumentTable } from "./arguments.js";
import {
	asker,
	audit,
	confidence,
	contract,
	effect,
	levelBadge,
	outcome,
	riskBadge,
	votes,
	warnings,
} from "./card-parts.js";
import { DecisionPanel } from "./decision-panel.js";
import { fill, h, say } from "./dom.js";
import { draftOf, draftText, keepDraft } from "./drafts.js";
import { icon } from "./icons.js";
import { resolvePanel } from "./resolve-panel.js";
import { result } from "./result.js";
import { shadow } from "./style.js";
import { words } from "./text.js";
import { ago, due, isPast, now, setClock, span, ticking } from "./time.js";

const PRESENCE = 10000;

export class ApprovalCard extends HTMLElement {
	static observedAttributes = ["call"];

	#root = shadow(this);
	#call = null;
	#panel = null;
	#loading = 0;
	#leave = [];
	#left = h("span", { class: "left" });
	#warned = h("div", {});
	#table = h("div", {});
	#about = h("div", {});
	#why = h("div", {});
	#onlookers = h("p", { class: "onlookers", role: "status" });
	#assigned = h("div", {});

	get callId() {
		return this.getAttribute("call");
	}

	set callId(id) {
		if (id) this.setAttribute("call", id);
		else this.removeAttribute("call");
	}

	connectedCallback() {
		const { stream } = session;
		const listen = (kind, to) => {
			stream.addEventListener(kind, to);
			this.#leave.push(() => stream.removeEventListener(kind, to));
		};
		listen("call", ({ detail }) => detail.call.id === this.callId && this.#changed(detail.call));
		// The card says what became of the earlier call with the same effect.
		listen("call", ({ detail }) => detail.call.id === this.#call?.request.repeats && this.load());
		listen("presence", ({ detail }) => detail.call === this.callId && this.#others(detail.onlookers));
		listen("gap", () => this.load());
		listen("state", () => stream.state === "live" && this.load());
		this.#leave.push(
			ticking(this, 1000, () => this.#tick()),
			ticking(this, PRESENCE, () => this.#present()),
		);
		this.load();
	}

	disconnectedCallback() {
		for (const leave of this.#leave.splice(0)) leave();
		this.#keep();
		this.#present(null);
	}

	attributeChangedCallback(name, before, after) {
		if (before === after || !this.isConnected) return;
		this.#keep();
		this.#call = this.#panel = null;
		this.load();
	}

	/** Approves; what is risky takes a second step. `repeats`: the key is held. */
	approve(repeats) {
		this.#panel?.approve(repeats);
	}

	reject() {
		this.#panel?.reject();
	}

	/** Begins an action that asks for something first: `edit`, `explain`, `respond`, `allow`, `abort`, `withdraw`. */
	act(name) {
		this.#panel?.act(name);
	}

	/** Opens or closes the call's history. */
	showHistory() {
		this.#root.querySelector(".audit summary")?.click();
	}

	/** Shows the masked values, or covers them again. Uncovered values are kept on this card only. */
	async uncover(show = true) {
		const call = this.#call;
		if (!call || Boolean(call.uncovered) === show || (show && !call.rendered.toUncover)) return;
		try {
			const { revision, binding } = call;
			const uncovered = show ? await session.post(`api/calls/${call.id}/uncover`, { revision, binding }) : null;
			if (this.#call !== call) return;
			call.uncovered = uncovered;
			this.#contents(call);
			this.#table.querySelector(".uncovering button")?.focus();
		} catch (error) {
			if (error.current || error.kind === "expired") return this.load();
			fill(this.#warned, warnings(call), h("p", { class: "moved", role: "alert" }, icon("warn"), error.message));
		}
	}

	async load() {
		const id = this.callId;
		const turn = (this.#loading += 1);
		if (!id || !session.me) return fill(this.#root);
		if (!this.#call) this.#skeleton();
		try {
			const call = await session.get(`api/calls/${id}`);
			if (turn !== this.#loading) return;
			setClock(call.now);
			this.#show(call);
			this.#present();
		} catch (error) {
			if (turn === this.#loading) this.#failed(error);
		}
	}

	#changed(summary) {
		if (this.#call && summary.version <= this.#call.version) return;
		this.load();
	}

	#show(call) {
		const before = this.#call;
		const same = before && before.version === call.version;
		this.#call = call;
		this.#others(call.onlookers);
		fill(this.#why, confidence(call));
		this.#assignment(call);
		if (same) return;
		this.#keep(before);
		const hadFocus = this.#root.activeElement !== null;
		const wasOpen = before?.id === call.id && this.#root.querySelector(".audit")?.open;
		const draft = draftOf(call.id);
		const moved = before && before.id === call.id && before.revision !== call.revision && call.state === "pending";
		this.#panel =
			call.state === "pending"
				? new DecisionPanel(call, {
						send: (path, body) => this.#send(path, body),
						look: (path, body) => session.post(`api/calls/${call.id}/${path}`, body),
						draft,
					})
				: null;
		const settle = call.state === "outcomeUnknown" && resolvePanel(call, (path, body) => this.#send(path, body));
		const title = call.rendered.title;
		this.#contents(call);
		fill(
			this.#root,
			h(
				"article",
				{ class: `card risk-${call.risk} type-${call.approvalType}`, "aria-labelledby": "title" },
				h(
					"header",
					{},
					h(
						"div",
						{ class: "badges" },
						riskBadge(call.risk),
						h("span", { class: "badge" }, words(call.approvalType)),
						levelBadge(call.level),
						call.priority === "urgent" && h("span", { class: "badge urgent" }, "Urgent"),
						this.#left,
					),
					h("h2", { id: "title", tabindex: "-1" }, title.text),
					h(
						"p",
						{ class: "said" },
						h("code", {}, call.tool),
						" ",
						call.request.description,
						(title.origin === "mixed" || title.origin === "model") &&
							h("small", {}, " · the title includes text from the model"),
					),
					asker(call),
					this.#assigned,
					this.#onlookers,
				),
				moved &&
					h(
						"p",
						{ class: "moved", role: "alert" },
						icon("warn"),
						"This call has changed since you opened it. Check it again.",
					),
				call.state !== "pending" && [outcome(call, ago), this.#taking(call), this.#next()],
				call.state !== "pending" && this.#kept(call, draft),
				result(call),
				votes(call),
				this.#warned,
				contract(call),
				effect(call),
				this.#about,
				h("div", { class: "columns" }, this.#table, this.#why),
				earlier(call, ago),
				audit(() => session.get(`api/calls/${call.id}/audit`), ago),
				h("p", { class: "identity faint" }, `revision ${call.revision} · binding ${call.binding.slice(0, 16)}…`),
				this.#panel?.element ?? settle,
			),
		);
		if (wasOpen) this.#root.querySelector(".audit").open = true;
		this.#tick();
		// What had the focus is gone: it stays on the card.
		if (hadFocus && !this.#root.activeElement) this.#root.querySelector("#title")?.focus();
	}

	/** Shows what the call is about, covered or uncovered. */
	#contents(call) {
		fill(this.#warned, warnings(call));
		fill(this.#about, preview(call), reason(call));
		fill(
			this.#table,
			argumentTable(call, (show) => this.uncover(show)),
		);
	}

	/** Keeps what was typed about the call, unless it was sent. */
	#keep(call = this.#call) {
		if (call && this.#panel) keepDraft(call.id, this.#panel.draft);
	}

	/** Takes the approval back, while the call does not start. The button goes when it does. */
	#taking(call) {
		const left = () => Date.parse(call.claimableFrom) - now();
		if (!call.claimableFrom || left() <= 0) return null;
		const me = session.me?.principal;
		const mine = call.decided?.by === me || call.approvedBy?.includes(me);
		const when = h("span", {});
		const note = h("p", { class: "note", role: "alert" });
		const block = h(
			"div",
			{ class: "taking" },
			h("p", { class: "onward" }, when),
			mine &&
				h(
					"button",
					{ class: "act take-back", type: "button", onclick: () => this.takeBack() },
					h("span", {}, "Take back"),
					h("kbd", { "aria-hidden": "true" }, "B"),
				),
			note,
		);
		this.#grace = { call, note };
		const tick = () => {
			if (left() <= 0) return block.remove();
			say(when, `It starts in ${Math.ceil(left() / 1000)} s.`);
		};
		tick();
		ticking(block, 1000, tick);
		return block;
	}

	#grace = null;

	/** Takes the approval of the shown call back: it is asked about again. */
	async takeBack() {
		const grace = this.#grace;
		if (!grace || grace.call !== this.#call || !(Date.parse(grace.call.claimableFrom) > now())) return;
		const { id, revision, binding } = grace.call;
		try {
			await session.post(`api/calls/${id}/take-back`, { revision, binding });
			if (this.callId === id) await this.load();
		} catch (error) {
			say(grace.note, error.message);
		}
	}

	/** Shows to whom the call is assigned, and lets somebody assign it. */
	async #assignment(call) {
		const { assignment } = await import("./assignment.js");
		if (this.#call !== call || this.#assigned.querySelector("form")) return;
		const done = async (notes) => {
			fill(this.#assigned);
			await this.load();
			if (notes.length) this.#assigned.append(h("p", { class: "note", role: "status" }, notes.join(". ")));
		};
		fill(this.#assigned, assignment(call, done));
	}

	/** Leads to the next call, where a queue has one. */
	#next() {
		return (
			this.hasAttribute("has-next") &&
			h(
				"p",
				{ class: "onward" },
				h(
					"button",
					{
						class: "act main next",
						type: "button",
						onclick: () => this.dispatchEvent(new CustomEvent("next", { bubbles: true, composed: true })),
					},
					h("span", {}, "Next call"),
					h("kbd", { "aria-hidden": "true" }, "N"),
				),
			)
		);
	}

	/** What was typed about a call that was decided meanwhile. */
	#kept(call, draft) {
		const text = draftText(draft);
		if (!text) return null;
		const box = h("textarea", { rows: "3", readonly: true, "aria-label": "What you typed", value: text });
		const block = h(
			"div",
			{ class: "moved kept", role: "alert" },
			icon("warn"),
			h(
				"div",
				{},
				h(
					"p",
					{},
					h("strong", {}, "Your text was not sent. "),
					call.decided ? `${call.decided.by} decided while you were typing.` : "The call ended while you were typing.",
					" It is kept here until you discard it.",
				),
				box,
				h(
					"button",
					{
						class: "link",
						type: "button",
						onclick: () => {
							keepDraft(call.id, null);
							block.remove();
							this.#root.querySelector("#title")?.focus();
						},
					},
					"Discard it",
				),
			),
		);
		return block;
	}

	async #send(path, body) {
		const id = this.#call.id;
		try {
			const said = await session.post(`api/calls/${id}/${path}`, body);
			// A grant allows this call first, unless a reviewer has decided it just now.
			const call = said.allowed ? said.allowed[0] : said;
			this.#panel = null;
			keepDraft(id, null);
			if (call && path !== "extend")
				this.dispatchEvent(new CustomEvent("decided", { bubbles: true, composed: true, detail: call }));
		} catch (error) {
			if (error.current || error.kind === "expired") this.load();
			throw error;
		}
		if (this.callId !== id) return;
		await this.load();
		(this.#root.querySelector(".next") ?? this.#root.querySelector("#title"))?.focus();
	}

	#skeleton() {
		fill(
			this.#root,
			h(
				"article",
				{ class: "card skeleton", "aria-busy": "true" },
				h("p", { class: "sr", role: "status" }, "Loading"),
				h("i", { class: "w30" }),
				h("i", { class: "w80 tall" }),
				h("i", { class: "w60" }),
				h("i", {}),
				h("i", {}),
				h("i", { class: "w60" }),
			),
		);
	}

	#failed(error) {
		if (this.#call && error.kind === "unreachable") return;
		fill(
			this.#root,
			h(
				"article",
				{ class: "card broken" },
				icon("warn"),
				h("p", { role: "alert" }, error.kind === "notFound" ? "This call no longer exists." : error.message),
				h("button", { class: "act", type: "button", onclick: () => this.load() }, h("span", {}, "Try again")),
			),
		);
	}

	#tick() {
		const call = this.#call;
		if (!call) return;
		const waits = call.state === "pending" || call.state === "approved";
		const left = Date.parse(call.expiresAt) - now();
		this.#left.classList.toggle("soon", waits && (left < 300000 || isPast(call.dueAt)));
		say(
			this.#left,
			!waits
				? ""
				: left <= 0
					? "expired"
					: Math.abs(Date.parse(call.dueAt) - Date.parse(call.expiresAt)) < 1000
						? `due in ${span(left)}, then expires`
						: `${due(call.dueAt)} · expires in ${span(left)}`,
		);
	}

	#others(names) {
		const others = names.filter((name) => name !== session.me?.principal);
		fill(
			this.#onlookers,
			others.length > 0 && [
				icon("eye"),
				h("span", {}, `${others.join(", ")} ${others.length === 1 ? "is" : "are"} also looking at this`),
			],
		);
	}

	#present(at = document.visibilityState === "visible" && this.#call ? this.#call.id : null) {
		if (session.me) session.post("api/presence", { at }).catch(() => {});
	}
}
