// Edits arguments: a field for each, checked against the tool's schema, with a diff of the changes.

import { inOrder } from "./arguments.js";
import { fill, h, say } from "./dom.js";
import { EditPreview } from "./edit-preview.js";
import { kind, parse, pretty, write } from "./json.js";
import { resolve, types, wrong } from "./schema.js";
import { pieces, plural } from "./text.js";
import { line, paragraphs } from "./value-view.js";

const MASKED = "[redacted";
const APPROVES = "Approve with these changes";
const CHANGES = "Make these changes";

/**
 * The form. `draft` holds what was typed before, by name; `look` asks what a patch would do; `cancel` and `send` end
 * the form. Nothing is sent whose result has not been shown.
 */
export function editor(call, { cancel, send, look, draft = new Map() }) {
	const before = parse(call.argumentsText);
	const schema = call.schema ?? {};
	const fields = inOrder([...before.keys()], call.leading).map((name) =>
		field(name, before.get(name), resolve(schema.properties?.[name], schema), schema, draft.get(name)),
	);
	const diff = h("div", { class: "diff", "aria-live": "polite" });
	const words = h("span", {}, APPROVES);
	const submit = h("button", { class: "act edit main", type: "submit", disabled: true }, words);
	const then = new EditPreview(call, look, () => allow());

	/** The button works for what has been shown. */
	const allow = () => {
		submit.disabled = !then.result;
		words.textContent = then.result?.state === "pending" ? CHANGES : APPROVES;
	};
	const patch = () =>
		write(new Map(fields.filter((field) => field.changed()).map((field) => [field.name, field.value()])));
	const update = () => {
		const changed = fields.filter((field) => field.changed());
		const broken = fields.filter((field) => field.check());
		then.show(changed.length && !broken.length ? patch() : null);
		allow();
		fill(
			diff,
			changed.length
				? [h("h4", {}, `${plural(changed.length, "change")}`), h("dl", {}, changed.map(difference))]
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
				if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
				if (event.key !== "Escape") return;
				// The key belongs to the form: the queue would close the card.
				event.stopPropagation();
				cancel();
			},
			onsubmit: (event) => {
				event.preventDefault();
				if (submit.disabled) return;
				send(patch(), then.result);
			},
		},
		h("h3", {}, "Edit, then approve"),
		fields.map((field) => field.element),
		diff,
		then.element,
		h("div", { class: "acts" }, submit, h("button", { class: "link", type: "button", onclick: cancel }, "Back")),
	);
	update();
	/** What was typed, by name. */
	form.typed = () => new Map(fields.filter((field) => field.changed()).map((field) => [field.name, field.text()]));
	return form;
}

function difference(field) {
	const shown = (value) => (typeof value === "string" ? paragraphs(value) : line(write(value)));
	return h(
		"div",
		{},
		h("dt", {}, line(field.name)),
		h(
			"dd",
			{},
			h("del", {}, h("span", { class: "sr" }, "was "), shown(field.before)),
			" ",
			h("ins", {}, h("span", { class: "sr" }, "becomes "), field.broken ? "…" : shown(field.value())),
		),
	);
}

function field(name, before, schema, root, typed) {
	const masked = write(before).includes(MASKED);
	const allowed = types(schema);
	const error = h("p", { class: "note" });
	const asText = kind(before) === "string" && (!allowed.length || allowed.includes("string"));
	const nested = kind(before) === "object" || kind(before) === "array";
	const original = asText ? before : nested ? pretty(before) : write(before);
	let input;
	if (kind(before) === "boolean") input = select(["true", "false"], original);
	else if (schema.enum && asText) input = select(schema.enum, before);
	else if (original.length > 60 || original.includes("\n")) {
		const rows = Math.min(Math.max(original.split("\n").length + 1, Math.ceil(original.length / 60), 3), 16);
		input = h("textarea", { rows, spellcheck: "false", value: original });
	} else
		input = h("input", {
			type: "text",
			inputmode: kind(before) === "number" ? "decimal" : null,
			autocomplete: "off",
			spellcheck: "false",
			value: original,
		});
	input.disabled = masked;
	// A field drops some line breaks: what it shows at first is what counts as unchanged.
	const shown = input.value;
	if (typed !== undefined && !masked) input.value = typed;
	const hidden = h("div", { class: "hidden-characters" });

	const self = {
		name,
		before,
		broken: false,
		text: () => input.value,
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
			showHidden();
			return self.broken;
		},
	};

	/** Shows what a field cannot: invisible characters, and a button that takes them out. */
	const showHidden = () => {
		const found = input.matches("select") ? [] : pieces(input.value).filter((piece) => piece.hidden);
		const odd = found.filter((piece) => !/^(\\n|\\t)$/.test(piece.text));
		if (hidden.dataset.of === input.value) return;
		hidden.dataset.of = input.value;
		fill(
			hidden,
			odd.length > 0 && [
				h(
					"p",
					{},
					plural(odd.length, "place"),
					" that the field does not show: ",
					h("span", { class: "text" }, paragraphs(input.value)),
				),
				!masked &&
					h(
						"button",
						{
							class: "link",
							type: "button",
							onclick: () => {
								input.value = without(input.value, odd);
								input.dispatchEvent(new Event("input", { bubbles: true }));
								input.focus();
							},
						},
						"Take them out",
					),
			],
		);
	};

	const hint = masked ? "secret, cannot be changed" : schema.description;
	self.element = h(
		"div",
		{ class: `field ${nested || original.length > 60 || original.includes("\n") ? "long" : ""}` },
		h("label", {}, h("span", {}, line(name), hint && h("small", {}, " ", hint)), input),
		hidden,
		error,
	);
	return self;
}

/** Returns a text without these places. A run of spaces becomes one space. */
function without(text, places) {
	return [...places].reverse().reduce((rest, { at, length }) => {
		const run = rest.slice(at, at + length);
		const inside = at > 0 && at + length < rest.length && run.length > 1 && /^ +$/.test(run);
		return rest.slice(0, at) + (inside ? " " : "") + rest.slice(at + length);
	}, text);
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
