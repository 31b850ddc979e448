// The bar for selected calls: they are approved or rejected together, after a second step that lists them, and rejected
// with a reason that the reviewer gives. None is invented.

import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { tally } from "./queue-groups.js";
import { language, plural } from "./text.js";

// The most calls of one request.
const MOST = 200;

export class BulkBar {
	#calls = [];
	#step = null;
	#note = h("p", { class: "note", role: "alert" });
	#told;
	#clear;
	#text = "";

	/** `told(words)` announces; `clear(ids)` unselects these calls, or all. */
	constructor({ told, clear }) {
		this.#told = told;
		this.#clear = clear;
		this.element = h("div", { class: "bulk", role: "region", "aria-label": "Selected calls" });
	}

	/** The calls that are selected. */
	set calls(calls) {
		const same = calls.length === this.#calls.length && calls.every((call, at) => call === this.#calls[at]);
		this.#calls = calls;
		this.element.hidden = !calls.length;
		if (!calls.length) this.#step = null;
		if (!same) this.#show();
	}

	get calls() {
		return this.#calls;
	}

	/** Begins an approval or a rejection: the second step follows. */
	begin(answer) {
		if (!this.#calls.length) return;
		this.#step = answer;
		say(this.#note, "");
		this.#show();
		(this.element.querySelector("textarea") ?? this.element.querySelector(".main"))?.focus();
	}

	#back() {
		this.#step = null;
		this.#show();
		this.element.querySelector("button")?.focus();
	}

	#show() {
		const count = this.#calls.length.toLocaleString(language());
		const calls = plural(this.#calls.length, "call");
		if (!this.#calls.length) return fill(this.element);
		if (!this.#step) {
			const button = (name, answer, kind, key) =>
				h(
					"button",
					{ class: `act ${kind}`, type: "button", onclick: () => this.begin(answer) },
					h("span", {}, `${name} ${count}`),
					h("kbd", { "aria-hidden": "true" }, key),
				);
			return fill(
				this.element,
				h("p", {}, h("strong", {}, `${calls} selected`), h("span", { class: "faint" }, ` · ${tally(this.#calls)}`)),
				h(
					"div",
					{ class: "acts" },
					button("Approve", "approve", "approve main", "⇧A"),
					button("Reject", "reject", "reject", "⇧R"),
					h("button", { class: "link", type: "button", onclick: () => this.#clear() }, "None"),
				),
				this.#note,
			);
		}
		const titles = h(
			"ul",
			{ class: "chosen", tabindex: "0", "aria-label": "The selected calls" },
			this.#calls.map((call) => h("li", {}, call.title)),
		);
		const send = (kind, words) =>
			h(
				"div",
				{ class: "acts" },
				h("button", { class: `act main ${kind}`, type: "submit" }, h("span", {}, words)),
				h("button", { class: "link", type: "button", onclick: () => this.#back() }, "Back"),
			);
		const onkeydown = (event) => {
			if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
			if (event.key !== "Escape") return;
			event.stopPropagation();
			this.#back();
		};
		if (this.#step === "approve") {
			const onsubmit = (event) => {
				event.preventDefault();
				this.#decide("approve", {});
			};
			fill(
				this.element,
				h(
					"form",
					{ onsubmit, onkeydown },
					h("p", {}, h("strong", {}, `Approve ${calls}?`)),
					titles,
					send("approve", `Approve these ${count}`),
				),
				this.#note,
			);
			return;
		}
		const needed = this.#calls.some((call) => call.requiresReason);
		const reason = h("textarea", {
			rows: "2",
			maxlength: "4000",
			required: needed,
			value: this.#text,
			oninput: () => (this.#text = reason.value),
		});
		const onsubmit = (event) => {
			event.preventDefault();
			const said = reason.value.trim();
			if (needed && !said) {
				say(this.#note, "Enter a reason first: some of these tools require one.");
				reason.setAttribute("aria-invalid", "true");
				return reason.focus();
			}
			this.#decide("reject", said ? { reason: said } : {});
		};
		fill(
			this.element,
			h(
				"form",
				{ novalidate: true, onsubmit, onkeydown },
				h("label", {}, h("span", {}, `Reason for rejecting ${calls} (${needed ? "required" : "optional"})`), reason),
				titles,
				send("reject", `Reject these ${count}`),
			),
			this.#note,
		);
	}

	async #decide(answer, words) {
		const calls = this.#calls.map(({ id, revision, binding }) => ({ id, revision, binding }));
		this.element.classList.add("busy");
		try {
			const results = [];
			for (let at = 0; at < calls.length; at += MOST) {
				const some = await session.post("api/bulk", { answer, calls: calls.slice(at, at + MOST), ...words });
				results.push(...some.results);
				this.#clear(some.results.filter((one) => one.result === "ok").map((one) => one.id));
			}
			const left = results.filter((one) => one.result !== "ok");
			this.#step = null;
			if (answer === "reject" && !left.length) this.#text = "";
			this.#show();
			say(this.#note, left.length ? `${plural(left.length, "call")} not decided: ${left[0].message}` : "");
			this.#told(`${plural(results.length - left.length, "call")} decided`);
		} catch (error) {
			say(this.#note, error.message);
		} finally {
			this.element.classList.remove("busy");
		}
	}
}
