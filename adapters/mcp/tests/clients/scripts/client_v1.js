"use strict";
// MCP's TypeScript SDK, version 1: the era of sessions, up to 2025-11-25.

const { load } = require("./packages.js");
const { run } = require("./steps.js");

const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { ElicitRequestSchema, LoggingMessageNotificationSchema, ResultSchema, ToolListChangedNotificationSchema } = load(
	"@modelcontextprotocol/sdk/types.js",
);

run(async ({ server, elicitation }, script) => {
	const capabilities = elicitation ? { elicitation: { form: {} } } : {};
	const client = new Client({ name: "hitl-test-v1", version: "1.0.0" }, { capabilities });
	if (elicitation) client.setRequestHandler(ElicitRequestSchema, ({ params }) => script.answer(params));
	for (const schema of [ToolListChangedNotificationSchema, LoggingMessageNotificationSchema]) {
		client.setNotificationHandler(schema, (event) => void script.events.push(event));
	}
	const headers = server.token ? { authorization: `Bearer ${server.token}` } : {};
	const transport = server.url
		? new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } })
		: new StdioClientTransport({ ...server, stderr: "inherit" });
	let version;
	const set = transport.setProtocolVersion?.bind(transport);
	transport.setProtocolVersion = (negotiated) => {
		version = negotiated;
		set?.(negotiated);
	};
	await client.connect(transport);
	return {
		about: () => ({
			version,
			server: client.getServerVersion(),
			capabilities: client.getServerCapabilities(),
		}),
		list: async () => (await client.listTools()).tools,
		call: (params, options) => client.callTool(params, undefined, options),
		request: (request, options) => client.request(request, ResultSchema, options),
		close: () => client.close(),
	};
});
