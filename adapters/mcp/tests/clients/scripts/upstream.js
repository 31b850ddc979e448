"use strict";
// A server whose tools a test writes into a file, and which keeps each line that it receives, to the byte.
// `node upstream.js LOG TOOLS`: LOG is appended to, TOOLS is the JSON of `tools`. When TOOLS changes, it says so.
// By hand, on no SDK: what arrives is not touched, and what it sends is what the file says.

const fs = require("node:fs");
const readline = require("node:readline");

const [log, tools] = process.argv.slice(2);
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
// The tools are inserted as text, so that a number or a key order in them stays as it is.
const listed = (id) =>
	process.stdout.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":${oneLine()}}}\n`);
const oneLine = () => fs.readFileSync(tools, "utf8").replaceAll("\n", " ");

const answers = {
	initialize: ({ protocolVersion }) => ({
		protocolVersion: protocolVersion < "2025-11-25" ? protocolVersion : "2025-11-25",
		capabilities: { tools: { listChanged: true } },
		serverInfo: { name: "hitl-test-upstream", version: "1.0.0" },
	}),
	ping: () => ({}),
	"tools/call": ({ name }) => {
		// Whoever reads the log knows how often a tool ran.
		fs.appendFileSync(log, `ran ${name}\n`);
		return { content: [{ type: "text", text: `${name} has run` }] };
	},
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
	fs.appendFileSync(log, `${line}\n`);
	const { id, method, params } = JSON.parse(line);
	if (id === undefined) return;
	if (method === "tools/list") return listed(id);
	const answer = answers[method];
	if (!answer) return send({ id, error: { code: -32601, message: `no method ${method}` } });
	send({ id, result: answer(params ?? {}) });
});
process.stdin.on("end", () => process.exit(0));

let known = oneLine();
setInterval(() => {
	if (oneLine() === known) return;
	known = oneLine();
	send({ method: "notifications/tools/list_changed" });
}, 50);
