"use strict";
// A server with everything that the conformance suite asks for: over stdio, or with `--http` over HTTP at a
// port that it prints. In both eras of the protocol; with `--legacy` only in the older one.

const { randomUUID, randomBytes } = require("node:crypto");
const http = require("node:http");
const { Readable } = require("node:stream");

const { load } = require("./packages.js");
const content = require("./everything_content.js");
const { tools } = require("./everything_tools.js");

const sdk = load("@modelcontextprotocol/server");
const { StdioServerTransport, serveStdio } = load("@modelcontextprotocol/server/stdio");

const state = sdk.createRequestStateCodec({ key: randomBytes(32) });
const PAGE = { ttlMs: 60_000, cacheScope: "public" };

/** Returns a server for one connection; `changed` also reaches the subscriptions of the modern era. */
const serverWith = (changed) => () => {
	const server = new sdk.Server(
		{ name: "hitl-test-everything", version: "1.0.0" },
		{
			capabilities: {
				tools: { listChanged: true },
				prompts: { listChanged: true },
				resources: { subscribe: true },
				completions: {},
				logging: {},
			},
			requestState: { verify: state.verify },
		},
	);
	const all = tools(state, (kind) => {
		changed[kind]?.();
		const method = `notifications/${kind}/list_changed`;
		// A connection of the modern era has no notifications of its own.
		Promise.resolve(server.notification({ method })).catch(() => {});
	});
	const handlers = {
		"tools/list": () => ({ tools: all.map(({ listed }) => listed), ...PAGE }),
		"tools/call": ({ params }, ctx) => {
			const tool = all.find(({ listed }) => listed.name === params.name);
			if (!tool) throw new sdk.ProtocolError(-32602, `no tool is named ${params.name}`);
			return tool.body(params.arguments ?? {}, ctx);
		},
		"resources/list": () => ({ resources: content.resources(), ...PAGE }),
		"resources/templates/list": () => ({ resourceTemplates: content.templates(), ...PAGE }),
		"resources/read": ({ params }) => ({ ...content.read(params.uri), ...PAGE }),
		"resources/subscribe": () => ({}),
		"resources/unsubscribe": () => ({}),
		"prompts/list": () => ({ prompts: content.prompts(), ...PAGE }),
		"prompts/get": ({ params }, ctx) => content.prompt(params.name, params.arguments, ctx),
		"completion/complete": () => ({ completion: { values: ["paris", "park"], total: 2, hasMore: false } }),
	};
	for (const [method, handler] of Object.entries(handlers)) {
		server.setRequestHandler(method, async (request, ctx) => handler(request, ctx));
	}
	return server;
};

/** Serves over HTTP: the modern era by requests alone, the older one by sessions. */
const serveHttp = () => {
	const changed = {};
	const make = serverWith(changed);
	const modern = sdk.createMcpHandler(make, { legacy: "reject" });
	changed.tools = () => modern.notify.toolsChanged();
	changed.prompts = () => modern.notify.promptsChanged();
	const sessions = new Map();
	const older = async (request) => {
		const known = sessions.get(request.headers.get("mcp-session-id"));
		if (known) return known.handleRequest(request);
		if (request.headers.has("mcp-session-id")) return new Response("no such session", { status: 404 });
		const transport = new sdk.WebStandardStreamableHTTPServerTransport({
			sessionIdGenerator: randomUUID,
			onsessioninitialized: (id) => void sessions.set(id, transport),
			onsessionclosed: (id) => void sessions.delete(id),
		});
		await make().connect(transport);
		return transport.handleRequest(request);
	};
	const answer = async (request) =>
		sdk.hostHeaderValidationResponse(request, sdk.localhostAllowedHostnames()) ??
		sdk.originValidationResponse(request, sdk.localhostAllowedOrigins()) ??
		((await sdk.isLegacyRequest(request.clone())) ? older(request) : modern.fetch(request));
	const listener = http.createServer(async (incoming, outgoing) => {
		const gone = new AbortController();
		outgoing.on("close", () => gone.abort());
		const { method, headers, url } = incoming;
		const body = method === "POST" ? { body: Readable.toWeb(incoming), duplex: "half" } : {};
		const init = { method, headers, signal: gone.signal, ...body };
		// A request of another host is answered by its check, not by an exception.
		const response = await answer(new Request(new URL(url, `http://${headers.host}`), init));
		outgoing.writeHead(response.status, Object.fromEntries(response.headers));
		if (!response.body) return outgoing.end();
		Readable.fromWeb(response.body)
			.on("error", () => outgoing.end())
			.pipe(outgoing);
	});
	listener.listen(0, "127.0.0.1", () => {
		console.log(JSON.stringify({ url: `http://127.0.0.1:${listener.address().port}/mcp` }));
	});
};

if (process.argv.includes("--http")) serveHttp();
else if (process.argv.includes("--legacy")) serverWith({})().connect(new StdioServerTransport());
else serveStdio(serverWith({}));
