"use strict";
// MCP's TypeScript SDK, version 2: both eras, negotiated ("auto", "legacy") or pinned to a version.

const { load } = require("./packages.js");
const { run } = require("./steps.js");

const { Client, StreamableHTTPClientTransport } = load("@modelcontextprotocol/client");
const { StdioClientTransport } = load("@modelcontextprotocol/client/stdio");

/** Accepts every result as it is. */
const anything = {
	"~standard": { version: 1, vendor: "hitl-test", validate: (value) => ({ value }) },
};

run(async ({ server, version, elicitation, tasks }, script) => {
	const mode = version === "auto" || version === "legacy" ? version : { pin: version };
	const capabilities = {
		...(elicitation && { elicitation: { form: {} } }),
		...(tasks && { extensions: { "io.modelcontextprotocol/tasks": {} } }),
	};
	const client = new Client({ name: "hitl-test-v2", version: "1.0.0" }, { capabilities, versionNegotiation: { mode } });
	if (elicitation) client.setRequestHandler("elicitation/create", ({ params }) => script.answer(params));
	for (const method of ["notifications/tools/list_changed", "notifications/message"]) {
		client.setNotificationHandler(method, (event) => void script.events.push(event));
	}
	const headers = server.token ? { authorization: `Bearer ${server.token}` } : {};
	const transport = server.url
		? new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } })
		: new StdioClientTransport({ ...server, stderr: "inherit" });
	await client.connect(transport);
	return {
		about: () => ({
			version: client.getNegotiatedProtocolVersion?.(),
			server: client.getServerVersion(),
			capabilities: client.getServerCapabilities(),
		}),
		// From the server each time, not from the client's own cache.
		list: async () => (await client.listTools(undefined, { cacheMode: "refresh" })).tools,
		call: (params, options) => client.callTool(params, options),
		request: (request, options) => client.request(request, anything, options),
		close: () => client.close(),
	};
});
