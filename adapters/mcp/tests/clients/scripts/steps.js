"use strict";
// Drives a client by steps: one JSON object a line on standard input, one line with its result on standard
// output. The first line says how to connect; the end of the input closes the client.

const readline = require("node:readline");

const print = (value) => process.stdout.write(JSON.stringify(value) + "\n");

/** What a script's elicitation, sampling and roots handlers saw, and the answers that they give. */
class Script {
	constructor() {
		this.answers = [];
		this.asked = [];
		this.events = [];
	}

	/** Answers a question by the next line of the script; without one it is cancelled, never accepted. */
	async answer(params) {
		this.asked.push(params);
		const next = this.answers.shift() ?? { action: "cancel" };
		if (next.after) await new Promise((resolve) => setTimeout(resolve, next.after));
		// A person who never answers.
		if (next.action === "hang") await new Promise(() => {});
		const { action, content } = next;
		return content === undefined ? { action } : { action, content };
	}

	/** Takes what was seen since the last step. */
	take() {
		const { asked, events } = this;
		this.asked = [];
		this.events = [];
		return { asked, events };
	}
}

const failure = (error) => ({
	error: { code: error?.code, name: error?.name, message: String(error?.message ?? error), data: error?.data },
});

/**
 * Reads and runs the steps.
 *
 * `connect(options, script)` returns the client: `{ about, list, call, request, close }`.
 */
exports.run = async (connect) => {
	const script = new Script();
	let client;
	for await (const line of readline.createInterface({ input: process.stdin })) {
		const step = JSON.parse(line);
		const progress = [];
		script.answers = step.answers ?? [];
		let result;
		try {
			if (!client) {
				client = await connect(step, script);
				result = { about: client.about() };
			} else if (step.do === "list") {
				result = { tools: await client.list() };
			} else if (step.do === "call") {
				const { name, arguments: given } = step;
				const options = { ...waiting(step), onprogress: (seen) => progress.push(seen) };
				result = { result: await client.call({ name, arguments: given }, options) };
			} else if (step.do === "request") {
				const { method, params } = step;
				result = { result: await client.request({ method, params: params ?? {} }, waiting(step)) };
			} else {
				throw new Error(`no such step: ${line}`);
			}
		} catch (error) {
			result = failure(error);
		}
		print({ ...result, progress, ...script.take() });
	}
	// A client that could not connect has nothing to close.
	await client?.close();
	process.exit(0);
};

/** How long a step waits: until `timeout` or `abort`, both in milliseconds. */
const waiting = ({ timeout, abort }) => ({
	...(timeout && { timeout }),
	...(abort && { signal: AbortSignal.timeout(abort) }),
});
