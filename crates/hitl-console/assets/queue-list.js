// The lines of the queue: one call each, in order.

import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { stateIcon, stateName } from "./card-parts.js";
import { ago, dueShort, isPast } from "./time.js";

/** One line. `parts` are filled again when the call changes. */
export class Row {
	constructor(call, { pick, check }) {
		this.when = h("span", { class: "when" });
		this.button = h("button", { class: "row", type: "button", onclick: () => pick(this.call.id) });
		this.box = h("input", { type: "checkbox", onchange: () => check(this.call.id, this.box.checked) });
		this.element = h("li", {}, this.button);
		this.show(call);
	}

	show(call) {
		this.call = call;
		const pending = call.state === "pending";
		this.element.className = `line risk-${call.risk} state-${call.state}`;
		const spoken = pending ? `${call.risk} risk: ` : `${stateName(call.state)}: `;
		fill(
			this.button,
			h(
				"span",
				{ class: "sign" },
				pending ? icon(call.risk) : stateIcon(call.state),
				h("span", { class: "sr" }, spoken),
			),
			h("span", { class: "title" }, call.title),
			h(
				"span",
				{ class: "number", vars: { "--score": call.confidence } },
				h("span", { class: "sr" }, "confidence "),
				call.confidence,
			),
			h(
				"span",
				{ class: "meta" },
				call.priority === "urgent" && pending && [h("b", {}, "Urgent"), " · "],
				call.tool,
				" · ",
				call.principal,
			),
			this.when,
		);
		const checkable = pending && call.level === "quick" && call.approvalType !== "deletion" && !call.toUncover;
		if (checkable && !this.box.isConnected) this.element.prepend(this.box);
		if (!checkable) this.box.remove();
		this.box.setAttribute("aria-label", `Select: ${call.title}`);
		this.tick();
	}

	tick() {
		const { call } = this;
		const pending = call.state === "pending";
		say(
			this.when,
			pending
				? dueShort(call.dueAt)
				: call.decided
					? `${call.decided.by}, ${ago(call.decided.at)}`
					: ago(call.updatedAt),
		);
		this.when.classList.toggle("late", pending && isPast(call.dueAt));
	}
}
