// What an edit would make of the call, by the gate: asked for while the reviewer types, and shown before it is sent.

import { preview } from "./call-preview.js";
import { levelBadge } from "./card-parts.js";
import { fill, h } from "./dom.js";
import { line } from "./value-view.js";

// A pause in typing.
const PAUSE = 350;

export class EditPreview {
	#call;
	#look;
	#changed;
	#patch = null;
	#result = null;
	#timer = null;

	/** `look` asks the gate about a patch; `changed` is called when `result` changes. */
	constructor(call, look, changed) {
		this.#call = call;
		this.#look = look;
		this.#changed = changed;
		this.element = h("div", { class: "edit-preview", role: "status" });
	}

	/** What the gate has answered about the present patch; null while it is not known, or refused. */
	get result() {
		return this.#result;
	}

	/** Asks about another patch; null if there is nothing to ask about. */
	show(patch) {
		if (patch === this.#patch) return;
		clearTimeout(this.#timer);
		this.#patch = patch;
		this.#result = null;
		fill(this.element, patch !== null && h("p", { class: "faint" }, "Checking what it would do…"));
		if (patch !== null) this.#timer = setTimeout(() => this.#ask(patch), PAUSE);
	}

	async #ask(patch) {
		let shown;
		try {
			const result = await this.#look(patch);
			if (patch !== this.#patch) return;
			this.#result = result;
			shown = consequences(this.#call, result);
		} catch (error) {
			if (patch !== this.#patch) return;
			shown = [h("p", { class: "note" }, error.message), error.status !== 422 && this.#again(patch)];
		}
		fill(this.element, shown);
		this.#changed();
	}

	#again(patch) {
		const again = () => {
			this.#patch = null;
			this.show(patch);
		};
		return h("button", { class: "link", type: "button", onclick: again }, "Check again");
	}
}

/** What differs between the call as it is and as it would be. */
function consequences(call, result) {
	const now = call.request;
	const known = new Set([...(call.rendered.warnings ?? []), ...(now.because ?? [])]);
	const further = [...(result.rendered.warnings ?? []), ...result.reasons].filter((text) => !known.has(text));
	const score = now.assessment.confidence;
	return [
		h("h4", {}, "What it would be then"),
		h("p", { class: "then" }, line(result.title)),
		h(
			"p",
			{ class: "faint" },
			levelBadge(result.level),
			" confidence ",
			result.confidence === score ? score : [h("del", {}, score), " ", h("ins", {}, result.confidence)],
		),
		result.state === "pending" &&
			h("p", { class: "warn" }, "Your edit does not approve it yet: it still needs another approval."),
		further.map((text) => h("p", { class: "warn" }, text)),
		preview(result),
	];
}
