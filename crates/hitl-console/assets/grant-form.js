// The form for a grant: which calls run without asking, for how long, and how many. Then the exact
// rule as the server words it, and only then the button that saves it.

import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { kind, parse } from "./json.js";
import { plural } from "./text.js";

// A rule that has just appeared under a finger is not saved by it.
const MIN_READING_TIME = 600;
const NAME = /^[A-Za-z_][\w-]*$/;
const MONEY = /amount|total|price|cost|value/i;
const LONGEST = 1000;
const ANY = "any";
const SAME = "same";
const MOST = "most";

/** Shows the form in `place`. `preview(terms)` fetches the rule, `save(terms, digest)` saves it. */
export function showGrantForm(place, call, { cancel, preview, save }) {
	const named = argumentsOf(call);
	const numbers = named.filter(({ value }) => kind(value) === "number");
	const note = h("p", { class: "note", role: "alert" });
	// The key belongs to the form: the queue would close the card.
	const escape = (event) => {
		if (event.key !== "Escape") return;
		event.stopPropagation();
		cancel();
	};

	const some = named.filter(({ options }) => options.length > 1);
	const which = radios(
		"which",
		[
			["exact", "Exactly these arguments", "the same call again, secrets included"],
			some.length > 0 && ["chosen", "Arguments I choose", "as they are here; all others may vary"],
			["any", "Any arguments", `every call of ${call.tool}`],
		],
		() => (rows.hidden = which.value !== "chosen"),
	);
	const rows = h(
		"div",
		{ class: "named wide", role: "group", "aria-label": "What the arguments may be", hidden: true },
		some.map(({ row }) => row),
	);
	const lasting = radios("lasting", [
		["session", "In this run", "and in runs it delegates to"],
		["durable", "Permanently", "until somebody revokes it"],
	]);
	const uses = h("input", { type: "number", min: "1", step: "1", inputmode: "numeric", placeholder: "no limit" });
	const until = h("input", { type: "datetime-local" });
	const amount = h("input", { type: "text", inputmode: "decimal", placeholder: "no limit" });
	const where = h(
		"select",
		{ "aria-label": "Sum of which argument" },
		numbers.map(({ name }) => h("option", { value: name }, name)),
	);
	const money = numbers.find(({ name }) => MONEY.test(name));
	if (money) where.value = money.name;

	const terms = () => {
		const wanted = { lasting: lasting.value };
		if (which.value === "any") wanted.arguments = "any";
		if (which.value === "chosen") {
			wanted.arguments = { matching: some.flatMap(({ conditions }) => conditions()) };
			if (!wanted.arguments.matching.length)
				throw new Error("Choose what an argument must be, or allow any arguments.");
		}
		// Input that the browser could not parse is not an empty value.
		if (uses.value || uses.validity.badInput) {
			if (!uses.validity.valid || !/^[1-9]\d{0,14}$/.test(uses.value))
				throw new Error("Maximum runs is a whole number, at least 1.");
			wanted.uses = Number(uses.value);
		}
		if (amount.value.trim()) wanted.sum = { path: where.value, atMost: decimal(amount.value, "The sum") };
		if (until.validity.badInput) throw new Error("The end is a day and a time.");
		if (until.value) wanted.until = new Date(until.value).toISOString();
		return wanted;
	};

	let busy = false;
	const submit = h("button", { class: "act", type: "submit" }, h("span", {}, "Show the exact rule"));
	const form = h(
		"form",
		{
			class: "allowing",
			novalidate: true,
			onkeydown: escape,
			onsubmit: async (event) => {
				event.preventDefault();
				// A disabled button would lose the focus, and the next key would go elsewhere.
				if (busy) return;
				busy = true;
				say(note, "");
				try {
					const wanted = terms();
					shown(wanted, await preview(wanted));
				} catch (error) {
					say(note, error.message);
				} finally {
					busy = false;
				}
			},
		},
		h(
			"div",
			{ class: "sets" },
			h("fieldset", {}, h("legend", {}, "Which calls may run without asking?"), which.rows),
			h("fieldset", {}, h("legend", {}, "For how long?"), lasting.rows),
			rows,
			h(
				"fieldset",
				{ class: "wide" },
				h("legend", {}, "Limits"),
				h(
					"div",
					{ class: "limits" },
					h("label", {}, h("span", {}, "Maximum runs"), uses),
					numbers.length > 0 &&
						h("label", {}, h("span", {}, "Maximum in total"), h("span", { class: "pair" }, amount, where)),
					h("label", {}, h("span", {}, "Until"), until),
				),
			),
		),
		note,
		h("div", { class: "acts" }, submit, h("button", { class: "link", type: "button", onclick: cancel }, "Back")),
	);

	const home = () => {
		fill(place, form);
		form.querySelector("input:checked")?.focus();
	};

	/** Saves exactly what was shown: the digest covers every word of it. */
	const shown = (wanted, { rule, digest, waiting, calls }) => {
		const since = performance.now();
		const said = h("p", { class: "note", role: "alert" });
		const words = ruleList(rule, { tabindex: "-1", "aria-label": "The exact rule" });
		const give = h("button", { class: "act main", type: "submit" }, icon("check"), h("span", {}, "Allow this"));
		const more = waiting - calls.length;
		fill(
			place,
			h(
				"form",
				{
					class: "allowing",
					onkeydown: escape,
					onsubmit: (event) => {
						event.preventDefault();
						if (performance.now() - since < MIN_READING_TIME)
							return say(said, "This has only just appeared. Read it first.");
						save(wanted, digest);
					},
				},
				h("h3", {}, "From now on"),
				words,
				h(
					"div",
					{ class: "goes-on" },
					waiting ? `${plural(waiting, "pending call")} will run at once:` : "No pending call will run by it.",
					h(
						"ul",
						{},
						calls.slice(0, 5).map((one) => h("li", {}, one.title)),
						(more > 0 || calls.length > 5) &&
							h("li", {}, `and ${plural(waiting - Math.min(calls.length, 5), "more call")}`),
					),
				),
				said,
				h(
					"div",
					{ class: "acts" },
					give,
					h("button", { class: "link", type: "button", onclick: home }, "Change it"),
					h("button", { class: "link", type: "button", onclick: cancel }, "Back"),
				),
			),
		);
		words.focus();
	};
	home();
}

/** A rule, word for word. */
export function ruleList(rule, props) {
	return h(
		"ul",
		{ class: "rule", ...props },
		rule.map((line) => h("li", {}, line)),
	);
}

/** A choice between several options; `value` returns the chosen one. */
function radios(name, given, changed = () => {}) {
	const inputs = [];
	const rows = given.filter(Boolean).map(([value, label, hint], at) => {
		const input = h("input", { type: "radio", name, value, onchange: changed });
		input.checked = at === 0;
		inputs.push(input);
		return h("label", { class: "choice" }, input, h("span", {}, label, h("small", {}, hint)));
	});
	return {
		rows,
		get value() {
			return inputs.find((input) => input.checked).value;
		},
	};
}

/** The arguments that can be named, each with its row and the conditions that it creates. */
function argumentsOf(call) {
	let shown;
	try {
		shown = parse(call.argumentsText);
	} catch {
		return [];
	}
	if (kind(shown) !== "object") return [];
	return [...shown]
		.filter(([name]) => NAME.test(name))
		.map(([name, value]) => {
			const is = kind(value);
			const hidden = is === "string" && value.includes("[redacted");
			const number = is === "number" && !value.text.startsWith("-");
			const nameable = number || is === "boolean" || (is === "string" && !hidden && value.length <= LONGEST);
			const options = [[ANY, "anything"], nameable && [SAME, "exactly as here"], number && [MOST, "at most"]].filter(
				Boolean,
			);
			const choice = h(
				"select",
				{
					"aria-label": `What ${name} may be`,
					onchange: () => {
						most.hidden = choice.value !== MOST;
						text.hidden = choice.value === MOST;
					},
				},
				options.map(([value, label]) => h("option", { value }, label)),
			);
			const most =
				number &&
				h("input", {
					type: "text",
					inputmode: "decimal",
					value: value.text,
					hidden: true,
					"aria-label": `${name} at most`,
				});
			const text = h("code", {}, is === "string" ? value : number ? value.text : String(value));
			const test = (what, to) => ({ path: name, test: { [what]: to } });
			const conditions = () => {
				if (choice.value === ANY) return [];
				if (choice.value === MOST) return [test("atMost", decimal(most.value, name))];
				if (is === "boolean") return [test("bool", value)];
				return is === "string" ? [test("is", value)] : [test("atLeast", value.text), test("atMost", value.text)];
			};
			return {
				name,
				value,
				options,
				conditions,
				row: h("div", {}, h("div", { class: "value" }, h("span", {}, name), text, most), choice),
			};
		});
}

function decimal(text, name) {
	const plain = text.trim();
	if (!/^\d+(\.\d+)?$/.test(plain)) throw new Error(`${name} is a number like 500 or 12.50, not negative.`);
	return plain;
}
