// To whom a call is assigned: on its row, on its card, and the form that assigns it. It directs attention and gives no right.

import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { clockTime } from "./time.js";

/** In words: "ann", or "ann, away until Fri 18:00: bob". */
export function assignedTo({ assigned }) {
	if (!assigned) return "";
	const { to, away } = assigned;
	if (!away) return to;
	return `${to}, away until ${clockTime(away.until)}${away.deputy ? `: ${away.deputy}` : ""}`;
}

/** The line on a card. `done` is called when the call was assigned. */
export function assignment(call, done) {
	const element = h("div", { class: "assigned" });
	const shown = assignedTo(call);
	const waits = call.state === "pending";
	if (!shown && !waits) return null;
	const open = () => {
		fill(element, form(call, done, home));
		element.querySelector("input").focus();
	};
	const home = () =>
		fill(
			element,
			shown ? ["Assigned to ", h("strong", {}, shown), ` by ${call.assigned.by}`] : "Assigned to nobody",
			waits && [" · ", h("button", { class: "link do-assign", type: "button", onclick: open }, "Assign…")],
		);
	home();
	return element;
}

function form(call, done, back) {
	const note = h("p", { class: "note", role: "alert" });
	const name = h("input", { type: "text", maxlength: "256", value: call.assigned?.to ?? "", autocomplete: "off" });
	const send = async (to) => {
		try {
			const { notes } = await session.post(`api/calls/${call.id}/assign`, to ? { to } : {});
			await done(notes);
		} catch (error) {
			say(note, error.message);
		}
	};
	const act = (words, to) => h("button", { class: "link", type: "button", onclick: () => send(to) }, words);
	return h(
		"form",
		{
			class: "assigning",
			onsubmit: (event) => {
				event.preventDefault();
				const to = name.value.trim();
				if (to) send(to);
				else say(note, "Say to whom.");
			},
			onkeydown: (event) => {
				if (event.key !== "Escape") return;
				// The key belongs to the form: the queue would close the card.
				event.stopPropagation();
				back();
			},
		},
		h("label", {}, h("span", {}, "Reviewer"), name),
		h("button", { class: "act", type: "submit" }, h("span", {}, "Assign")),
		act("To me", session.me.principal),
		call.assigned && act("To nobody", null),
		h("button", { class: "link", type: "button", onclick: back }, "Back"),
		h("p", { class: "faint" }, "It directs attention. Who may decide stays the same."),
		note,
	);
}
