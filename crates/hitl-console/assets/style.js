// One style sheet for every element, wherever it is embedded, and one more for parts shown on
// demand.

async function load(name) {
	const sheet = new CSSStyleSheet();
	try {
		const answer = await fetch(new URL(name, import.meta.url));
		if (answer.ok) sheet.replaceSync(await answer.text());
	} catch {
		// Without its style an element is plain, but still works.
	}
	return sheet;
}

const sheet = await load("hitl.css");
let later = null;

/** Attaches a shadow with the style to an element. */
export function shadow(element) {
	const root = element.attachShadow({ mode: "open" });
	root.adoptedStyleSheets = [sheet];
	return root;
}

/** Adds the style of parts shown on demand to a shadow that shows them. */
export async function extend(root) {
	later ??= load("deferred.css");
	const more = await later;
	if (!root.adoptedStyleSheets.includes(more)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, more];
}
