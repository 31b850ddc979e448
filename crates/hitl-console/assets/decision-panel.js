// The panel on which a call is decided. It sends exactly the shown id, revision and binding.

import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { SecondStep, cautionsOf } from "./second-step.js";
import { wordsForm } from "./words-form.js";

// A card that has just appeared, or changed, under a finger takes no decision from it.
const MIN_READING_TIME = 600;

export class DecisionPanel {
	#call;
	#send;
	#look;
	#since = performance.now();
	#note = h("p", { class: "note", role: "alert" });
	#body = h("div", { class: "body" });
	#busy = false;
	#second = null;
	#action = null;
	#form = null;

	/** `send` sends a change; `look` only reads; `draft` is what was typed before and not sent. */
	constructor(call, { send, look, draft }) {
		this.#call = call;
		this.#send = send;
		this.#look = look;
		this.element = h("div", { class: "decide" }, this.#body, this.#note);
		this.home();
		if (draft && this.#actions()[draft.action]) this.act(draft.action, draft);
	}

	/** Returns what was typed and not sent; nothing if nothing was. */
	get draft() {
		const typed = this.#form?.typed?.();
		if (!typed) return null;
		if (typed instanceof Map) return typed.size ? { action: this.#action, fields: typed } : null;
		return { action: this.#action, ...typed };
	}

	get choices() {
		return this.#call.request.choices;
	}

	#has(choice) {
		return this.choices.includes(choice);
	}

	/** The actions that this call takes, by name: `[words, key, what it does]`. */
	#actions() {
		const call = this.#call;
		const { request } = call;
		const run = `run ${call.run}`;
		return {
			...(this.#has("reject") && {
				explain: ["Reject with a reason…", "Shift R", () => this.#rejecting()],
			}),
			...(this.#has("respond") && { respond: ["Answer instead…", "I", () => this.#responding()] }),
			...(!call.noGrant && { allow: ["Always allow…", "G", () => this.#allowing()] }),
			...(this.#has("edit") && !call.confirm && { edit: ["Edit", "E", () => this.#editing()] }),
			extend: ["More time", "T", () => this.#extending()],
			...(this.#has("abort") && { abort: ["Stop the whole run…", "S", () => this.#aborting(run)] }),
			withdraw: ["Withdraw the question…", "W", () => this.#withdrawing(request)],
		};
	}

	home(focus) {
		this.#form = this.#action = this.#second = null;
		this.#body.className = "body home";
		const { approveLabel, rejectLabel } = this.#call.request;
		const approve = h(
			"button",
			{
				class: "act approve main",
				type: "button",
				onclick: () => this.approve(),
				onkeydown: (event) => this.#onKey(event),
			},
			icon("check"),
			h("span", {}, approveLabel),
			h("kbd", { "aria-hidden": "true" }, "A"),
		);
		const reject = h(
			"button",
			{
				class: "act reject",
				type: "button",
				onclick: () => this.reject(),
				title: "Reject: it does not run, and the agent is told",
			},
			icon("cross"),
			h(
				"span",
				{},
				rejectLabel,
				this.#call.requiresReason && "…",
				!/reject|refuse|deny|decline/i.test(rejectLabel) && h("small", {}, " (reject)"),
			),
			h("kbd", { "aria-hidden": "true" }, "R"),
		);
		const cautions = this.#has("approve") && !this.#call.confirm ? cautionsOf(this.#call) : [];
		if (cautions.length) this.#second = new SecondStep(approve, approveLabel, cautions);
		const { edit, explain, abort, withdraw, ...others } = this.#actions();
		const link = (name, [words, key]) =>
			h(
				"button",
				{ class: `link do-${name}`, type: "button", onclick: () => this.act(name) },
				h("span", {}, words),
				h("kbd", { "aria-hidden": "true" }, key.replace("Shift ", "⇧")),
			);
		fill(
			this.#body,
			h(
				"div",
				{ class: "acts" },
				this.#call.confirm ? this.#confirming(approve) : this.#has("approve") && approve,
				this.#has("reject") && reject,
				edit &&
					h(
						"button",
						{ class: "act edit", type: "button", onclick: () => this.act("edit") },
						icon("pen"),
						h("span", {}, "Edit"),
						h("kbd", { "aria-hidden": "true" }, "E"),
					),
			),
			this.#second?.element,
			h(
				"div",
				{ class: "others" },
				explain && !this.#call.requiresReason && link("explain", explain),
				Object.entries(others).map(([name, action]) => link(name, action)),
			),
			h("div", { class: "ends" }, abort && link("abort", abort), link("withdraw", withdraw)),
			h(
				"button",
				{
					class: "link unfold",
					type: "button",
					"aria-expanded": "false",
					onclick: (event) => {
						const open = this.#body.classList.toggle("open");
						event.currentTarget.setAttribute("aria-expanded", String(open));
					},
				},
				"More actions",
			),
		);
		if (focus) this.#body.querySelector("button:not(:disabled)")?.focus();
	}

	/** A held key on the button is a held approval and no second press; Escape takes the first step back. */
	#onKey(event) {
		if (event.repeat && (event.key === "Enter" || event.key === " ")) {
			event.preventDefault();
			this.approve(true);
		}
		if (event.key !== "Escape" || !this.#second?.isArmed) return;
		event.stopPropagation();
		this.#second.disarm();
	}

	/** A deletion's button works once the exact name has been typed. */
	#confirming(approve) {
		const name = this.#call.confirm;
		const input = h("input", {
			type: "text",
			autocomplete: "off",
			autocapitalize: "off",
			spellcheck: "false",
			class: "confirm",
			"aria-label": `Type ${name} to confirm`,
			oninput: () => {
				approve.disabled = input.value !== name;
			},
			onkeydown: (event) => {
				if (event.key === "Enter" && !approve.disabled) this.approve();
				if (event.key === "Escape") input.blur();
			},
		});
		approve.disabled = true;
		approve.classList.add("danger");
		return h(
			"div",
			{ class: "confirming" },
			h("p", {}, "To confirm, type ", h("code", {}, name)),
			h("div", { class: "acts" }, input, approve),
		);
	}

	/** Approves; what is risky takes a second step. `repeats`: the key is held. */
	approve(repeats = false) {
		if (this.#busy || this.#form || !this.#has("approve")) return;
		if (this.#call.confirm) {
			const input = this.#body.querySelector(".confirm");
			if (!input || repeats) return;
			if (input.value !== this.#call.confirm) return input.focus();
			return this.#decide({ answer: "approve", confirm: input.value });
		}
		if (repeats && !this.#second) return;
		if (this.#isTooSoon()) return;
		if (this.#second && !this.#second.press(repeats)) return;
		this.#decide({ answer: "approve" });
	}

	reject() {
		if (this.#busy || this.#form || !this.#has("reject")) return;
		if (this.#call.requiresReason) this.act("explain");
		else this.#decide({ answer: "reject" });
	}

	/** Begins an action that asks for something first. */
	act(name, draft = null) {
		const action = this.#actions()[name];
		if (!action || this.#busy || (this.#form && !draft)) return;
		this.#second?.disarm();
		this.#body.className = "body";
		this.#action = name;
		this.#draft = draft;
		action[2]();
	}

	#draft = null;

	async #editing() {
		const draft = this.#draft;
		const [{ editor }, { extend }] = await Promise.all([import("./edit.js"), import("./style.js")]);
		await extend(this.element.getRootNode());
		const { revision, binding } = this.#call;
		this.#form = editor(this.#call, {
			cancel: () => this.home(true),
			look: (patch) => this.#look("edit/preview", { revision, binding, patch }),
			send: (patch, { binding, state }) => this.#decide({ answer: "edit", patch, previewed: { binding, state } }),
			draft: draft?.fields,
		});
		fill(this.#body, this.#form);
		this.#form.querySelector("input:not(:disabled), textarea:not(:disabled), select:not(:disabled)")?.focus();
	}

	/** A grant: its terms, then its exact rule, and only then the button that saves it. */
	async #allowing() {
		const [{ showGrantForm }, { extend }] = await Promise.all([import("./grant-form.js"), import("./style.js")]);
		await extend(this.element.getRootNode());
		const { revision, binding } = this.#call;
		this.#form = {};
		showGrantForm(this.#body, this.#call, {
			cancel: () => this.home(true),
			preview: (terms) => this.#look("grant/preview", { revision, binding, terms }),
			save: (terms, preview) => this.#go("grant", { revision, binding, terms, preview }),
		});
	}

	/** Gives the call the time of an approval again. It stays as it is otherwise. */
	#extending() {
		const { revision, binding } = this.#call;
		this.#action = null;
		this.#body.className = "body home";
		this.#go("extend", { revision, binding });
	}

	#rejecting() {
		const needed = this.#call.requiresReason;
		const ask = {
			title: "Reject this call",
			explains: "It does not run. The agent is told so, with your reason, and goes on.",
			label: needed ? "Reason (required by this tool)" : "Reason (optional)",
			needed,
			button: this.#call.request.rejectLabel,
			kind: "reject",
			option: "The model may ask for this again in the same run",
		};
		this.#ask(ask, (reason, mayAskAgain) =>
			this.#decide({ answer: "reject", ...(reason && { reason }), ...(mayAskAgain && { mayAskAgain }) }),
		);
	}

	#responding() {
		const ask = {
			title: "Answer instead of running it",
			explains: "It does not run. The agent reads your answer in place of a result, and goes on.",
			label: "Answer to the model",
			needed: true,
			button: "Send the answer",
			kind: "edit",
		};
		this.#ask(ask, (message) => this.#decide({ answer: "respond", message }));
	}

	#aborting(run) {
		const ask = {
			title: "Stop the whole run",
			explains: `It does not run, and neither does any other call of ${run} that has not started. The agent is told to stop.`,
			label: "Reason for stopping the run",
			needed: true,
			button: "Stop the whole run",
			kind: "reject",
		};
		this.#ask(ask, (reason) => this.#decide({ answer: "abort", reason }));
	}

	#withdrawing() {
		const ask = {
			title: "Withdraw the question",
			explains: "Nobody has said yes or no: it does not run, is not remembered as rejected, and may be asked again.",
			label: "Reason for withdrawing it",
			needed: true,
			button: "Withdraw the question",
			kind: "reject",
		};
		this.#ask(ask, (reason) => this.#go("cancel", { reason }));
	}

	#ask(ask, done) {
		this.#form = wordsForm(ask, this.#draft, {
			done,
			missing: () => say(this.#note, "Enter a reason first."),
			back: () => {
				say(this.#note, "");
				this.home(true);
			},
		});
		fill(this.#body, this.#form);
		this.#form.querySelector("textarea").focus();
	}

	#isTooSoon() {
		const soon = performance.now() - this.#since < MIN_READING_TIME;
		if (soon) say(this.#note, "This has only just appeared. Read it first.");
		return soon;
	}

	#decide(answer) {
		const { revision, binding } = this.#call;
		if (this.#isTooSoon()) return;
		return this.#go("decide", { revision, binding, decision: crypto.randomUUID(), ...answer });
	}

	async #go(path, body) {
		if (this.#busy) return;
		this.#busy = true;
		this.element.classList.add("busy");
		this.element.setAttribute("aria-busy", "true");
		say(this.#note, "");
		try {
			await this.#send(path, body);
		} catch (error) {
			say(this.#note, error.message);
		} finally {
			this.#busy = false;
			this.element.classList.remove("busy");
			this.element.removeAttribute("aria-busy");
		}
	}
}
