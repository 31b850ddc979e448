// What a reviewer has chosen about the page. Kept in this browser; nothing secret is in it.

const KEY = "hitl-preferences";
const DEFAULTS = { dense: null, group: "", advance: false, sound: false, notify: false, filters: false, looks: false };

function stored() {
	try {
		return JSON.parse(localStorage.getItem(KEY) ?? "{}");
	} catch {
		return {};
	}
}

/** Returns one choice. `dense` is null until somebody has chosen. */
export function preference(name) {
	return stored()[name] ?? DEFAULTS[name];
}

export function setPreference(name, value) {
	try {
		localStorage.setItem(KEY, JSON.stringify({ ...stored(), [name]: value }));
	} catch {
		// A browser that stores nothing forgets the choice.
	}
}
