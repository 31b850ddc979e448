// The panel for a call whose outcome is unknown: a human says what it did.

import { h, say } from "./dom.js";

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
