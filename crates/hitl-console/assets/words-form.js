// A form that asks for words: a reason, or an answer to the model. It says what the action does and does not do.

import { h } from "./dom.js";

/**
 * `ask`: title, explains, label, needed, button, kind, option (a box to tick). `draft` is what was typed before.
 * `done(text, ticked)` sends it, `missing()` says that words are needed, `back()` leaves.
 */
export function wordsForm(ask, draft, { done, missing, back }) {
	const box = ask.option && h("input", { type: "checkbox", class: "again" });
	if (box && draft?.ticked) box.checked = true;
	const text = h("textarea", {
		rows: "3",
		required: ask.needed,
		maxlength: "4000",
		value: draft?.text ?? "",
		onkeydown: (event) => {
			if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
			if (event.key !== "Escape") return;
			// The key belongs to the form: the queue would close the card.
			event.stopPropagation();
			back();
		},
	});
	const form = h(
		"form",
		{
			class: `asking ask-${ask.kind}`,
			novalidate: true,
			onsubmit: (event) => {
				event.preventDefault();
				const said = text.value.trim();
				if (ask.needed && !said) {
					missing();
					text.setAttribute("aria-invalid", "true");
					return text.focus();
				}
				done(said, Boolean(box?.checked));
			},
		},
		h("h3", {}, ask.title),
		ask.explains && h("p", { class: "faint" }, ask.explains),
		h("label", {}, h("span", {}, ask.label), text),
		box && h("label", { class: "check" }, box, h("span", {}, ask.option)),
		h(
			"div",
			{ class: "acts" },
			h(
				"button",
				{ class: `act main ${ask.kind}`, type: "submit" },
				h("span", {}, ask.button),
				h("kbd", { "aria-hidden": "true" }, "Ctrl ⏎"),
			),
			h("button", { class: "link", type: "button", onclick: back }, "Back"),
		),
	);
	form.typed = () => (text.value.trim() ? { text: text.value, ticked: Boolean(box?.checked) } : null);
	return form;
}
