// What a reviewer has typed about calls and not sent. It is kept in this tab's memory only, so that neither a decision
// of somebody else's nor a look at another call loses it.

const MOST = 50;
const kept = new Map();

/** Keeps a draft, `{ action, text, ticked }` or `{ action, fields }`; nothing forgets it. */
export function keepDraft(id, draft) {
	kept.delete(id);
	if (draft) kept.set(id, draft);
	if (kept.size > MOST) kept.delete(kept.keys().next().value);
}

export function draftOf(id) {
	return kept.get(id) ?? null;
}

/** A draft in words, for a reviewer who may want to use it elsewhere. */
export function draftText(draft) {
	if (!draft) return "";
	return draft.fields ? [...draft.fields].map(([name, value]) => `${name}: ${value}`).join("\n") : draft.text;
}
