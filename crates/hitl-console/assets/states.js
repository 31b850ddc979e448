// The states of a call: their names, their drawings, and the outcome that a colour stands for.

import { icon } from "./icons.js";
import { words } from "./text.js";

const STATES = {
	pending: ["wait", "Waiting for a decision", "waits"],
	approved: ["check", "Approved, not started yet", "good"],
	claimed: ["clock", "Running", "waits"],
	executed: ["check", "Done", "good"],
	failed: ["cross", "Failed", "bad"],
	rejected: ["cross", "Rejected", "no"],
	responded: ["reply", "Answered (not run)", "other"],
	expired: ["clock", "Expired (not decided in time, not run)", "gone"],
	cancelled: ["stop", "Withdrawn (not run)", "gone"],
	denied: ["cross", "Denied by a rule", "no"],
	outcomeUnknown: ["unknown", "Started, outcome unknown", "bad"],
};

export function stateName(state) {
	return STATES[state]?.[1] ?? words(state);
}

export function stateIcon(state) {
	return icon(STATES[state]?.[0] ?? "dot");
}

/** `good`, `no` (a person or a rule said no), `bad` (it went wrong), `other`, `gone`, `waits`. */
export function outcomeTone(state) {
	return STATES[state]?.[2] ?? "other";
}
