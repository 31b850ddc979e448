// The parts of an approval card: from the server's data to elements. Nothing here decides.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { kind, parse } from "./json.js";
import { outcomeTone, stateIcon, stateName } from "./states.js";
import { through, words } from "./text.js";

const RISKS = { low: "Low risk", medium: "Medium risk", high: "High risk", critical: "Critical risk" };

export function riskBadge(risk) {
	return h("span", { class: `badge risk risk-${risk}` }, icon(risk), RISKS[risk] ?? words(risk));
}

export function levelBadge(level) {
	return h("span", { class: "badge" }, level === "quick" ? "Quick look" : "Full review");
}

/** The score against this tool's own thresholds, with its factors. */
export function confidence(call) {
	const { confidence: score, base, factors } = call.request.assessment;
	const { auto, quick } = call.thresholds;
	const says = `Confidence ${score} of 100. This tool runs without review from ${auto}, and needs only a quick look from ${quick}.`;
	const tick = (at, name) => h("span", { class: "tick", vars: { "--at": at } }, h("span", {}, `${name} ${at}`));
	const bar = h(
		"div",
		{ class: "bar", role: "img", "aria-label": says, vars: { "--score": score, "--quick": quick, "--auto": auto } },
		h("span", { class: "zones" }),
		h("span", { class: "filled" }),
		tick(quick, "quick"),
		tick(auto, "auto"),
		h("span", { class: "mark" }),
	);
	const rows = [h("li", {}, h("span", { class: "points" }, base), h("span", {}, "base score for this tool"))];
	for (const factor of factors) {
		const points = factor.level
			? `≥ ${factor.level}`
			: `${factor.adjustment > 0 ? "+" : "−"}${Math.abs(factor.adjustment)}`;
		const tone = factor.level || factor.adjustment < 0 ? "down" : "up";
		rows.push(
			h(
				"li",
				{ class: tone },
				h("span", { class: "points" }, points),
				h("span", {}, factor.reasoning || words(factor.name)),
			),
		);
	}
	const raised = call.rendered.sections.find((section) => section.name === "raisedBy")?.lines ?? [];
	for (const { value, tone } of raised) {
		rows.push(
			h("li", { class: tone === "good" ? "up" : "down" }, h("span", { class: "points" }, "rule"), h("span", {}, value)),
		);
	}
	return h(
		"section",
		{ class: "why", "aria-label": "Why you are asked" },
		h("h3", {}, "Why you are asked"),
		h("div", { class: "score" }, h("strong", {}, score), h("span", { class: "faint" }, "confidence")),
		bar,
		h("ul", { class: "factors" }, rows),
		breakdown(call),
	);
}

function breakdown(call) {
	const rows = call.factors.map((factor) =>
		h(
			"tr",
			{},
			h("th", { scope: "row" }, factor.name),
			h("td", {}, factor.score),
			h("td", {}, `× ${Math.round(factor.weight * 100)} %`),
		),
	);
	return h(
		"details",
		{ class: "breakdown" },
		h("summary", {}, `Reviewer's breakdown: ${call.weighted}`),
		h(
			"table",
			{},
			h(
				"thead",
				{},
				h(
					"tr",
					{},
					h("th", { scope: "col" }, "Factor"),
					h("th", { scope: "col" }, "Score"),
					h("th", { scope: "col" }, "Weight"),
				),
			),
			h("tbody", {}, rows),
		),
	);
}

/** The content of a contract: id, amount as money, signatory, terms. */
export function contract(call) {
	if (call.approvalType !== "contract") return null;
	let args;
	try {
		args = parse(call.argumentsText);
	} catch {
		return null;
	}
	if (kind(args) !== "object") return null;
	const find = (...names) =>
		[...args].find(([key]) => names.some((name) => key.toLowerCase().replace(/_/g, "").includes(name)))?.[1];
	const text = (value) =>
		value === undefined || value === null
			? null
			: kind(value) === "number"
				? value.text
				: kind(value) === "string"
					? value
					: null;
	const amount = find("amount", "total", "value", "price");
	const rows = [
		["Contract", text(find("contractid", "contract", "id"))],
		["Amount", amount === undefined ? null : money(text(amount), text(find("currency")))],
		["Signatory", text(find("signatory", "signer", "party"))],
		["Terms", text(find("terms", "conditions"))],
	].filter(([, value]) => value);
	if (!rows.length) return null;
	return h(
		"section",
		{ class: "contract", "aria-label": "Contract" },
		h(
			"dl",
			{},
			rows.map(([name, value]) => h("div", { class: name.toLowerCase() }, h("dt", {}, name), h("dd", {}, value))),
		),
	);
}

/** Formats `5000.5` as `$5,000.50`, from its digits alone: nothing is rounded. */
export function money(number, currency) {
	const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(number ?? "");
	if (!parts) return number;
	const [, sign, whole, cents = ""] = parts;
	const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
	const amount = `${grouped}.${cents.padEnd(2, "0").replace(/(\d\d)0+$/, "$1")}`;
	return currency && currency.toUpperCase() !== "USD" ? `${sign}${amount} ${currency}` : `${sign}$${amount}`;
}

/** The people who have approved it already, where it needs several. */
export function votes(call) {
	const { approvedBy } = call;
	if (!approvedBy.length || call.state !== "pending") return null;
	return h(
		"p",
		{ class: "onlookers" },
		icon("check"),
		`Approved so far by ${approvedBy.join(", ")}; more approvals are needed.`,
	);
}

/** The effect that happens once. */
export function effect(call) {
	const section = call.rendered.sections.find((section) => section.name === "effect");
	if (!section) return null;
	const [what, ...more] = section.lines;
	return h(
		"p",
		{ class: "effect" },
		"Effect: ",
		h("code", {}, what.value),
		more.map(({ value }) => h("span", { class: "faint" }, ` ${value}`)),
	);
}

export function warnings(call) {
	const list = (call.uncovered ?? call).rendered.warnings ?? [];
	if (!list.length) return null;
	return h(
		"div",
		{ class: "warnings" },
		icon("warn"),
		h(
			"div",
			{},
			h("strong", {}, "Look closely"),
			h(
				"ul",
				{},
				list.map((warning) => h("li", {}, warning)),
			),
		),
	);
}

export function asker(call) {
	const known = [
		...call.roles,
		call.workspaceVerified && "verified workspace",
		call.timeSensitive && "says it is urgent",
	].filter(Boolean);
	const alone =
		call.rendered.sections
			.find((section) => section.name === "askedBy")
			?.lines.slice(1)
			.filter((line) => !line.label) ?? [];
	return h(
		"p",
		{ class: "asker" },
		"Asked by ",
		h("strong", {}, call.agent ? `${call.agent} for ${call.principal}` : call.principal),
		known.length ? ` (${known.join(", ")})` : "",
		h(
			"span",
			{ class: "faint", title: call.run },
			call.attached ? " · the caller is waiting" : "",
			` · run ${call.run}`,
		),
		alone.map((line) => ` · ${line.value}`),
	);
}

/** The outcome of a call that is no longer pending. */
export function outcome(call, when) {
	const { decided } = call;
	const verbs = {
		approve: "Approved",
		edit: "Edited and approved",
		reject: "Rejected",
		respond: "Answered",
		abort: "Aborted",
	};
	return h(
		"div",
		{ class: `outcome tone-${outcomeTone(call.state)} state-${call.state}`, role: "status" },
		stateIcon(call.state),
		h(
			"div",
			{},
			h("strong", {}, stateName(call.state)),
			decided &&
				h(
					"p",
					{},
					call.breakGlass
						? "Runs under break-glass, which "
						: call.grant
							? "Allowed by a grant that "
							: `${verbs[decided.answer] ?? words(decided.answer)} by `,
					h("strong", {}, decided.by),
					call.breakGlass ? " broke" : call.grant ? " gave" : "",
					` ${when(decided.at)}${through(decided.channel)}`,
				),
			decided?.mayAskAgain && h("p", {}, "The model may ask for it again."),
			decided?.words && h("blockquote", {}, decided.words),
			call.ending && call.ending !== decided?.words && h("p", { class: "faint" }, call.ending),
		),
	);
}

/** The history of a call, on demand, and its source. */
export function audit(load, when) {
	const body = h("div", {});
	const details = h(
		"details",
		{
			class: "audit",
			ontoggle: async () => {
				if (!details.open) return;
				if (!body.firstChild) fill(body, h("p", { class: "faint", role: "status" }, "Loading …"));
				try {
					const [{ timeline }, told] = await Promise.all([import("./timeline.js"), load()]);
					fill(body, timeline(told, when));
				} catch (error) {
					fill(body, h("p", { class: "note", role: "alert" }, error.message));
				}
			},
		},
		h("summary", {}, "History"),
		body,
	);
	return details;
}
