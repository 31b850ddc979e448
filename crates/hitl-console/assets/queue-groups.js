// Calls that belong together in the list. Pure: from calls in their order to groups in the order of their first call.

import { language, words } from "./text.js";

/** The kinds of groups: `[name in a select, key of a call, heading of a call's group]`. */
export const GROUPINGS = {
	"": ["No groups", null, null],
	run: ["By run", (call) => call.run, (call) => `Run ${call.run}`],
	tool: ["By tool", (call) => call.tool, (call) => words(call.tool)],
	same: ["Same arguments", (call) => call.same || call.id, (call) => call.title],
	agent: ["By agent", agentOf, (call) => agentOf(call)],
};

/** Who acts: the agent, or the principal that asked without one. */
export function agentOf(call) {
	return call.agent ?? call.principal;
}

/** Returns `[{ key, heading, calls }]`; without grouping one group without a heading. */
export function groupsOf(calls, by) {
	const [, key, heading] = GROUPINGS[by] ?? GROUPINGS[""];
	if (!key) return [{ key: "", heading: null, calls }];
	const groups = new Map();
	for (const call of calls) {
		const of = key(call);
		if (!groups.has(of)) groups.set(of, { key: of, heading: heading(call), calls: [] });
		groups.get(of).calls.push(call);
	}
	// A call that is like no other needs no heading.
	const alone = ({ calls }) => by === "same" && calls.length === 1;
	const all = [...groups.values()];
	// What repeats comes first, so that it is seen together.
	return [...all.filter((group) => !alone(group)), ...all.filter(alone).map((group) => ({ ...group, heading: null }))];
}

/** Returns how many calls of each tool there are: `8 Refund, 4 Send email`. */
export function tally(calls) {
	const counts = new Map();
	for (const { tool } of calls) counts.set(tool, (counts.get(tool) ?? 0) + 1);
	return [...counts].map(([tool, count]) => `${count.toLocaleString(language())} ${words(tool)}`).join(", ");
}
