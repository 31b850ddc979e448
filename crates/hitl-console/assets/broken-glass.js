// The banner while somebody has broken the glass: who, for what, why, until when, how often it was used, and how it ends.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { clockTime } from "./time.js";

/** An element that shows the grants in force which were given by breaking the glass; empty without any. */
export function brokenGlass() {
	const element = h("div", { class: "broken-glass", role: "alert" });
	let shown = "";
	return {
		element,
		show(grants = []) {
			const now = JSON.stringify(grants.map(({ id, version }) => [id, version]));
			// The same again is not announced again.
			if (now === shown) return;
			shown = now;
			fill(element, grants.map(line));
		},
	};
}

function line(grant) {
	const uses = `${grant.used} of ${grant.uses} used`;
	return h(
		"div",
		{ class: "moved glass" },
		icon("warn"),
		h(
			"p",
			{},
			h("strong", {}, "Break-glass is in force. "),
			h("strong", {}, grant.by),
			" lets ",
			h("code", {}, grant.tool),
			` run without the people who would be asked, for ${grant.principal}`,
			grant.until && `, until ${clockTime(grant.until)}`,
			`; ${uses}. `,
			grant.breakGlass && `Reason: ${grant.breakGlass.reason} `,
			h("a", { href: "#grants" }, "See and revoke it under Grants."),
		),
	);
}
