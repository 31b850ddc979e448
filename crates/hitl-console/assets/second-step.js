// A second step before a risky approval: the same key again, or held. Neither a double click nor the repetition of a
// key that was meant for something else is one.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { ticking } from "./time.js";

const SOONEST = 350;
const HELD = 900;
const LATEST = 8000;

const CAUTIONS = {
	fullReview: "it needs a full review",
	largeAmount: "an amount is above its limit",
	warning: "it has a warning",
};

/** Returns why one key is too little to approve a call; nothing if it is enough. */
export function cautionsOf(call) {
	const found = (call.cautions ?? []).map((caution) => CAUTIONS[caution] ?? caution);
	// A warning about the tool as it is now is on the card only.
	if (call.rendered?.warnings?.length && !found.includes(CAUTIONS.warning)) found.push(CAUTIONS.warning);
	return found;
}

export class SecondStep {
	#button;
	#label;
	#since = null;
	#stop = null;
	#plain;
	#why = h("p", { class: "why-twice", role: "status" });

	/** `button` approves, and `label` is what it says. */
	constructor(button, label, cautions) {
		this.#button = button;
		this.#label = label;
		this.#plain = [...button.childNodes];
		this.element = this.#why;
		this.#why.textContent = `Approving takes two steps: ${cautions.join(", ")}.`;
	}

	/** Takes a press. Returns whether it is the second step. A held key repeats its press: `repeats`. */
	press(repeats) {
		const now = performance.now();
		if (this.#since === null) {
			if (!repeats) this.#arm(now);
			return false;
		}
		const after = now - this.#since;
		return after >= (repeats ? HELD : SOONEST);
	}

	get isArmed() {
		return this.#since !== null;
	}

	#arm(now) {
		this.#since = now;
		this.#button.classList.add("armed");
		this.#button.replaceChildren(
			icon("check"),
			h("span", {}, `Once more: ${this.#label}`),
			h("kbd", { "aria-hidden": "true" }, "A"),
		);
		this.#button.focus();
		this.#stop = ticking(this.#button, 500, () => performance.now() - now > LATEST && this.disarm());
	}

	disarm() {
		if (this.#since === null) return;
		this.#since = null;
		this.#stop?.();
		this.#button.classList.remove("armed");
		this.#button.replaceChildren(...this.#plain);
	}
}
