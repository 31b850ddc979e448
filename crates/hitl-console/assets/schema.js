// Checks a value against the part of JSON Schema that tools' arguments use. The server checks
// again, with the tool's own types; this check gives a reviewer immediate feedback.

import { kind } from "./json.js";

/** Returns a schema with its references resolved. */
export function resolve(schema, root) {
	for (let hops = 0; schema?.$ref && hops < 10; hops += 1) {
		const path = schema.$ref.replace(/^#\//, "").split("/");
		schema = path.reduce((at, key) => at?.[key.replace(/~1/g, "/").replace(/~0/g, "~")], root);
	}
	return schema ?? {};
}

export function types(schema) {
	return schema.type === undefined ? [] : [schema.type].flat();
}

/** Returns the error in words; nothing if the value is valid. */
export function wrong(value, given, root) {
	const schema = resolve(given, root);
	const options = schema.anyOf ?? schema.oneOf;
	if (options) {
		const reasons = options.map((option) => wrong(value, option, root));
		return reasons.some((reason) => !reason) ? null : reasons.find((reason) => reason !== null);
	}
	const is = kind(value);
	const whole = is === "number" && /^-?\d+$/.test(value.text);
	const allowed = types(schema);
	if (allowed.length && !allowed.some((type) => type === is || (type === "integer" && whole))) {
		return `must be ${allowed.map((type) => (type === "integer" ? "a whole number" : type)).join(" or ")}`;
	}
	if ("const" in schema && schema.const !== plain(value)) return `must be ${schema.const}`;
	if (schema.enum && !schema.enum.includes(plain(value))) return `must be one of ${schema.enum.join(", ")}`;
	if (is === "number") {
		const number = Number(value.text);
		if (schema.minimum !== undefined && number < schema.minimum) return `must be at least ${schema.minimum}`;
		if (schema.maximum !== undefined && number > schema.maximum) return `must be at most ${schema.maximum}`;
	}
	if (is === "string") {
		const length = [...value].length;
		if (schema.minLength !== undefined && length < schema.minLength)
			return `must have at least ${schema.minLength} characters`;
		if (schema.maxLength !== undefined && length > schema.maxLength)
			return `must have at most ${schema.maxLength} characters`;
	}
	if (is === "array" && schema.items) {
		for (const [at, item] of value.entries()) {
			const reason = wrong(item, schema.items, root);
			if (reason) return `item ${at + 1} ${reason}`;
		}
	}
	if (is === "object") {
		for (const key of schema.required ?? []) if (!value.has(key)) return `needs ${key}`;
		for (const [key, inner] of value) {
			const known = schema.properties?.[key];
			if (!known && schema.additionalProperties === false) return `has no ${key}`;
			const reason = known && wrong(inner, known, root);
			if (reason) return `${key} ${reason}`;
		}
	}
	return null;
}

function plain(value) {
	return kind(value) === "number" ? Number(value.text) : value;
}
