// Edits arguments: a field for each, checked against the tool's schema, with a diff of the changes.

import { fill, h, say } from "./dom.js";
import { kind, parse, write } from "./json.js";
import { resolve, types, wrong } from "./schema.js";
import { plural } from "./text.js";

const MASKED = "[redacted";

export function editor(call, { cancel, send }) {
	const before = parse(call.argumentsText);
	const schema = call.schema ?? {};
	const fields = [...before].map(([name, value]) =>
		field(name, value, resolve(schema.properties?.[name], schema), schema),
	);
	const diff = h("div", { class: "diff", "aria-live": "polite" });
	const submit = h(
		"button",
		{ class: "act edit", type: "submit", disabled: true },
		h("span", {}, "Approve with these changes"),
	);

	const update = () => {
		const changed = fields.filter((field) => field.changed());
		const broken = fields.filter((field) => field.check());
		submit.disabled = !changed.length || broken.length > 0;
		fill(
			diff,
			changed.length
				? [
						h("h4", {}, `${plural(changed.length, "change")}`),
						h(
							"dl",
							{},
							changed.map((field) =>
								h(
									"div",
									{},
									h("dt", {}, field.name),
									h(
										"dd",
										{},
										h("del", {}, h("span", { class: "sr" }, "was "), write(field.before)),
										" ",
										h("ins", {}, h("span", { class: "sr" }, "becomes "), field.broken ? "…" : write(field.value())),
									),
								),
							),
						),
					]
				: h("p", { class: "faint" }, "No changes yet."),
		);
	};

	const form = h(
		"form",
		{
			class: "editing",
			novalidate: true,
			oninput: update,
			onchange: update,
			onkeydown: (event) => {
				if (event.key !== "Escape") return;
				// The key belongs to the form: the queue would close the card.
				event.stopPropagation();
				cancel();
			},
			onsubmit: (event) => {
				event.preventDefault();
				if (submit.disabled) return;
				send(write(new Map(fields.filter((field) => field.changed()).map((field) => [field.name, field.value()]))));
			},
		},
		h("h3", {}, "Edit, then approve"),
		fields.map((field) => field.element),
		diff,
		h("div", { class: "acts" }, submit, h("button", { class: "link", type: "button", onclick: cancel }, "Back")),
	);
	update();
	return form;
}

function field(name, before, schema, root) {
	const masked = write(before).includes(MASKED);
	const allowed = types(schema);
	const error = h("p", { class: "note" });
	const asText = kind(before) === "string" && (!allowed.length || allowed.includes("string"));
	const shown = asText ? before : write(before);
	let input;
	if (kind(before) === "boolean") input = select(["true", "false"], shown);
	else if (schema.enum && asText) input = select(schema.enum, before);
	else if (shown.length > 60 || shown.includes("\n")) input = h("textarea", { rows: "3", value: shown });
	else
		input = h("input", {
			type: "text",
			inputmode: kind(before) === "number" ? "decimal" : null,
			autocomplete: "off",
			spellcheck: "false",
			value: shown,
		});
	input.disabled = masked;

	const self = {
		name,
		before,
		broken: false,
		/** Returns the value in the field; throws if it is not valid. */
		value: () =>
			asText ? input.value : kind(before) === "number" && input.value.trim() === "" ? null : parse(input.value),
		changed: () => !masked && input.value !== shown,
		check() {
			let reason = null;
			if (self.changed()) {
				try {
					reason = wrong(self.value(), schema, root);
				} catch {
					reason = kind(before) === "number" ? "must be a number" : "is not JSON";
				}
			}
			self.broken = Boolean(reason);
			say(error, reason ? `${name} ${reason}` : "");
			input.toggleAttribute("aria-invalid", self.broken);
			return self.broken;
		},
	};
	const hint = masked ? "secret, cannot be changed" : schema.description;
	self.element = h("label", { class: "field" }, h("span", {}, name, hint && h("small", {}, ` ${hint}`)), input, error);
	return self;
}

function select(options, chosen) {
	const box = h(
		"select",
		{},
		options.map((option) => h("option", { value: option }, option)),
	);
	box.value = chosen;
	return box;
}
