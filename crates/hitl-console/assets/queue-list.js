// The lines of the queue: one call each, in order, and the headings of groups.

import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { agentOf } from "./queue-groups.js";
import { outcomeTone, stateIcon, stateName } from "./states.js";
import { plural } from "./text.js";
import { ago, dueShort, urgency, waited } from "./time.js";

/** Returns whether a call may be approved together with others: quick, and nothing about it asks for a closer look. */
export function isSelectable(call) {
	const plain = call.level === "quick" && call.approvalType !== "deletion" && !call.toUncover;
	return call.state === "pending" && plain && !call.cautions?.length;
}

/** Who stands in for the reviewer to whom a call is assigned, while they are away. */
const away = ({ away }) => (away ? ` (away${away.deputy ? `: ${away.deputy}` : ""})` : "");

/** One line. `parts` are filled again when the call changes. */
export class Row {
	constructor(call, { pick, check }) {
		this.when = h("span", { class: "when" });
		this.waits = h("span", { class: "waits" });
		this.button = h("button", { class: "row", type: "button", onclick: () => pick(this.call.id) });
		this.box = h("input", {
			type: "checkbox",
			onclick: (event) => check(this.call.id, this.box.checked, event.shiftKey),
		});
		this.element = h("li", {}, this.button);
		this.show(call);
	}

	show(call) {
		this.call = call;
		const pending = call.state === "pending";
		this.element.className = `line risk-${call.risk} state-${call.state} ${pending ? "" : `tone-${outcomeTone(call.state)}`}`;
		const spoken = pending ? `${call.risk} risk: ` : `${stateName(call.state)}: `;
		const warned = pending && call.cautions?.includes("warning");
		fill(
			this.button,
			h(
				"span",
				{ class: "sign" },
				pending ? icon(call.risk) : stateIcon(call.state),
				h("span", { class: "sr" }, spoken),
			),
			h(
				"span",
				{ class: "title", title: call.title },
				warned && h("span", { class: "warned" }, icon("warn"), h("span", {}, "Look closely")),
				h("span", { class: "name" }, call.title),
			),
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
				call.breakGlass && [h("b", { class: "glass" }, "Break-glass"), " · "],
				call.tool,
				" · ",
				agentOf(call),
				call.assigned && [" · for ", h("b", {}, call.assigned.to), away(call.assigned)],
			),
			this.waits,
			this.when,
		);
		const checkable = isSelectable(call);
		if (checkable && !this.box.isConnected) this.element.prepend(this.box);
		if (!checkable) this.box.remove();
		this.box.setAttribute("aria-label", `Select: ${call.title}`);
		this.tick();
	}

	tick() {
		const { call } = this;
		const pending = call.state === "pending";
		say(this.waits, pending ? waited(call.createdAt) : "");
		say(
			this.when,
			pending
				? dueShort(call.dueAt)
				: call.decided
					? `${call.decided.by}, ${ago(call.decided.at)}`
					: ago(call.updatedAt),
		);
		this.when.className = `when ${pending ? urgency(call) : ""}`;
	}
}

/** The heading of a group: it folds, and selects what may be selected in it. */
export class GroupHead {
	constructor({ fold, check }) {
		this.name = h("span", { class: "name" });
		this.count = h("span", { class: "tag" });
		this.button = h(
			"button",
			{ class: "heading", type: "button", "aria-expanded": "true", onclick: () => fold() },
			this.name,
			this.count,
		);
		this.box = h("input", { type: "checkbox", onclick: () => check(this.box.checked) });
		this.element = h("li", { class: "group" }, this.box, this.button);
	}

	show({ heading, calls }, folded, checked) {
		say(this.name, heading);
		say(this.count, plural(calls.length, "call"));
		this.button.setAttribute("aria-expanded", String(!folded));
		const selectable = calls.filter(isSelectable);
		this.box.hidden = !selectable.length;
		this.box.setAttribute("aria-label", `Select all of: ${heading}`);
		const count = selectable.filter((call) => checked.has(call.id)).length;
		this.box.checked = count > 0 && count === selectable.length;
		this.box.indeterminate = count > 0 && count < selectable.length;
	}
}
