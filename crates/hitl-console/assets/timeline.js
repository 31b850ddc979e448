// The history of a call: the records of its audit, or else the store's history. It names its
// source.

import { h } from "./dom.js";
import { through, words } from "./text.js";

export function timeline({ source, note, records, entries }, when) {
	const audited = source === "audit";
	return [
		h(
			"p",
			{ class: "faint" },
			audited ? "From the audit log. " : "From the store's history, not from the audit log. ",
			note && `${sentence(note)}.`,
		),
		h(
			"ol",
			{ class: "timeline" },
			audited ? records.map((record) => fromAudit(record, when)) : entries.map((entry) => fromHistory(entry, when)),
		),
	];
}

function fromAudit({ event, by, channel, at, note, seq, stream }, when) {
	return h(
		"li",
		{},
		h("span", {}, words(event)),
		by && [" by ", h("strong", {}, by)],
		h("span", { class: "faint" }, `${through(channel)}, ${when(at)}`),
		h("span", { class: "faint place", title: stream ? `record ${seq} of chain ${stream}` : undefined }, `#${seq}`),
		note && h("span", { class: "words" }, note),
	);
}

// The store's names of events, in readable form.
const EVENTS = {
	decide: "Decided",
	edit: "Edited",
	attach: "Attached",
	extend: "Given more time",
	takeBack: "Approval taken back",
	assign: "Assigned",
	cancel: "Withdrawn",
	expire: "Expired",
	demote: "Asked again",
	deny: "Denied",
	claim: "Started",
	release: "Released (not started)",
	succeed: "Succeeded",
	fail: "Failed",
	timeOut: "Timed out",
	lose: "Its process died",
	restore: "Restored from a backup",
	tryAgain: "Retry allowed",
	reconcile: "Settled by its tool",
	resolve: "Resolved",
};

function fromHistory({ event, by, channel, at, state }, when) {
	return h(
		"li",
		{},
		h("span", {}, EVENTS[event] ?? words(event)),
		by && [" by ", h("strong", {}, by)],
		h("span", { class: "faint" }, `${through(channel)} → ${words(state)}, ${when(at)}`),
	);
}

function sentence(text) {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
