// The panel on which a call is decided. It sends exactly the shown id, revision and binding.

import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";

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

	/** `send` sends a change; `look` only reads. */
	constructor(call, send, look) {
		this.#call = call;
		this.#send = send;
		this.#look = look;
		this.element = h("div", { class: "decide" }, this.#body, this.#note);
		this.home();
	}

	/** Returns whether a person is in the middle of an action that an update should not interrupt. */
	get inUse() {
		return this.#busy || Boolean(this.#body.querySelector("form"));
	}

	get choices() {
		return this.#call.request.choices;
	}

	home(focus) {
		const { approveLabel, rejectLabel, level } = this.#call.request;
		const calm = level === "quick" && this.#call.risk === "low" && !this.#call.rendered.toUncover;
		const has = (choice) => this.choices.includes(choice);
		const approve = h(
			"button",
			{ class: `act approve ${calm ? "main" : ""}`, type: "button", onclick: () => this.approve() },
			icon("check"),
			h("span", {}, approveLabel),
			h("kbd", { "aria-hidden": "true" }, "A"),
		);
		const reject = h(
			"button",
			{ class: "act reject", type: "button", onclick: () => this.reject() },
			icon("cross"),
			h("span", {}, rejectLabel),
			h("kbd", { "aria-hidden": "true" }, "R"),
		);
		const edit =
			has("edit") &&
			!this.#call.confirm &&
			h(
				"button",
				{ class: "act edit", type: "button", onclick: () => this.edit() },
				icon("pen"),
				h("span", {}, "Edit"),
				h("kbd", { "aria-hidden": "true" }, "E"),
			);
		const more = [
			!this.#call.noGrant && ["Always allow …", () => this.#allowing()],
			has("reject") && !this.#call.requiresReason && ["Reject with a reason …", () => this.#rejecting()],
			has("respond") && ["Answer instead …", () => this.#responding()],
			has("abort") && ["Stop the run …", () => this.#aborting()],
			["Withdraw it …", () => this.#withdrawing()],
		].filter(Boolean);
		fill(
			this.#body,
			h(
				"div",
				{ class: "acts" },
				this.#call.confirm ? this.#confirming(approve) : has("approve") && approve,
				has("reject") && reject,
				edit,
			),
			h(
				"div",
				{ class: "others" },
				more.map(([name, go]) => h("button", { class: "link", type: "button", onclick: go }, name)),
			),
		);
		if (focus) this.#body.querySelector("button:not(:disabled)")?.focus();
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

	approve() {
		if (this.inUse || !this.choices.includes("approve")) return;
		if (!this.#call.confirm) return this.#decide({ answer: "approve" });
		const input = this.#body.querySelector(".confirm");
		if (!input) return;
		if (input.value !== this.#call.confirm) return input.focus();
		this.#decide({ answer: "approve", confirm: input.value });
	}

	reject() {
		if (this.inUse || !this.choices.includes("reject")) return;
		if (this.#call.requiresReason) this.#rejecting();
		else this.#decide({ answer: "reject" });
	}

	async edit() {
		if (this.inUse || !this.choices.includes("edit") || this.#call.confirm) return;
		const [{ editor }, { extend }] = await Promise.all([import("./edit.js"), import("./style.js")]);
		await extend(this.element.getRootNode());
		const form = editor(this.#call, {
			cancel: () => this.home(true),
			send: (patch) => this.#decide({ answer: "edit", patch }),
		});
		fill(this.#body, form);
		form.querySelector("input, textarea, select")?.focus();
	}

	/** A grant: its terms, then its exact rule, and only then the button that saves it. */
	async #allowing() {
		const [{ showGrantForm }, { extend }] = await Promise.all([import("./grant-form.js"), import("./style.js")]);
		await extend(this.element.getRootNode());
		const { revision, binding } = this.#call;
		showGrantForm(this.#body, this.#call, {
			cancel: () => this.home(true),
			preview: (terms) => this.#look("grant/preview", { revision, binding, terms }),
			save: (terms, preview) => this.#go("grant", { revision, binding, terms, preview }),
		});
	}

	#rejecting() {
		const needed = this.#call.requiresReason;
		this.#ask(
			{
				label: needed ? "Reason (required by this tool)" : "Reason (optional)",
				needed,
				button: this.#call.request.rejectLabel,
				kind: "reject",
				option: "The model may ask for this again in the same run",
			},
			(reason, mayAskAgain) =>
				this.#decide({ answer: "reject", ...(reason && { reason }), ...(mayAskAgain && { mayAskAgain }) }),
		);
	}

	#responding() {
		this.#ask({ label: "Answer to the model", needed: true, button: "Send the answer", kind: "edit" }, (message) =>
			this.#decide({ answer: "respond", message }),
		);
	}

	#aborting() {
		this.#ask(
			{ label: "Reason for stopping the run", needed: true, button: "Stop the run", kind: "reject" },
			(reason) => this.#decide({ answer: "abort", reason }),
		);
	}

	#withdrawing() {
		this.#ask({ label: "Reason for withdrawing it", needed: true, button: "Withdraw it", kind: "reject" }, (reason) =>
			this.#go("cancel", { reason }),
		);
	}

	#ask({ label, needed, button, kind, option }, done) {
		const box = option && h("input", { type: "checkbox", class: "again" });
		const text = h("textarea", {
			rows: "3",
			required: needed,
			maxlength: "4000",
			onkeydown: (event) => {
				if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
				if (event.key === "Escape") this.home(true);
			},
		});
		const form = h(
			"form",
			{
				class: "asking",
				novalidate: true,
				onsubmit: (event) => {
					event.preventDefault();
					const said = text.value.trim();
					if (needed && !said) {
						say(this.#note, "Enter a reason first.");
						text.setAttribute("aria-invalid", "true");
						return text.focus();
					}
					done(said, Boolean(box?.checked));
				},
			},
			h("label", {}, h("span", {}, label), text),
			box && h("label", { class: "check" }, box, h("span", {}, option)),
			h(
				"div",
				{ class: "acts" },
				h("button", { class: `act ${kind}`, type: "submit" }, h("span", {}, button)),
				h("button", { class: "link", type: "button", onclick: () => this.home(true) }, "Back"),
			),
		);
		fill(this.#body, form);
		text.focus();
	}

	#decide(answer) {
		const { revision, binding } = this.#call;
		if (performance.now() - this.#since < MIN_READING_TIME)
			return say(this.#note, "This has only just appeared. Read it first.");
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

/** The finding of a human about a call whose outcome is unknown. */
export function resolvePanel(call, send) {
	const note = h("p", { class: "note", role: "alert" });
	const reason = h("textarea", { rows: "2", maxlength: "4000" });
	const attest = h("input", { type: "checkbox" });
	const settle = async (found) => {
		const said = reason.value.trim();
		if (found === "failed" && !said) {
			say(note, "Enter what you saw.");
			return reason.focus();
		}
		const how = found === "retry" && attest.checked ? "retryAttested" : found;
		try {
			await send("resolve", { version: call.version, found: how, ...(said ? { reason: said } : {}) });
		} catch (error) {
			say(note, error.message);
		}
	};
	const button = (name, found) =>
		h("button", { class: "act", type: "button", onclick: () => settle(found) }, h("span", {}, name));
	return h(
		"div",
		{ class: "decide" },
		h("p", {}, "Check the system that it acts on, then choose how it ended."),
		h("label", {}, h("span", {}, "What did you see?"), reason),
		h("label", { class: "check" }, attest, h("span", {}, "I have verified that the earlier attempt is over.")),
		h(
			"div",
			{ class: "acts" },
			button("It took effect", "executed"),
			button("It did not take effect", "failed"),
			button("Run it once more", "retry"),
		),
		note,
	);
}
