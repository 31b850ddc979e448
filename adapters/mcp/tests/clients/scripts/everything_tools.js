"use strict";
// The tools of the everything-server, by the names that the conformance suite calls.

const { load } = require("./packages.js");

const { acceptedContent, inputRequired, ProtocolError } = load("@modelcontextprotocol/server");
const { PNG, WAV } = require("./everything_content.js");

const text = (text) => ({ content: [{ type: "text", text }] });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const form = (message, properties, required = Object.keys(properties)) =>
	inputRequired.elicit({ message, requestedSchema: { type: "object", properties, required } });
const sample = (prompt) =>
	inputRequired.createMessage({
		messages: [{ role: "user", content: { type: "text", text: prompt } }],
		maxTokens: 100,
	});

/** A question whose answer is put into the result as it came. */
const asked = (question) => (args, ctx) => {
	const answer = ctx.mcpReq.inputResponses?.answer;
	if (!answer) return inputRequired({ inputRequests: { answer: question(args) } });
	return text(`answered: ${JSON.stringify(answer)}`);
};

const OBJECT = { type: "object", properties: {} };
const STRING = { type: "string" };
const NAME = { name: STRING };

/** A server whose requests carry state that is signed. */
const stateful = (state, key, question) => async (_args, ctx) => {
	const carried = ctx.mcpReq.requestState();
	if (carried === undefined || !ctx.mcpReq.inputResponses?.[key]) {
		return inputRequired({ inputRequests: { [key]: question }, requestState: await state.mint({ key }, ctx) });
	}
	return text("state-ok");
};

const capabilities = (ctx) => ctx.mcpReq.envelope?.["io.modelcontextprotocol/clientCapabilities"] ?? {};

/** A schema with the keywords of draft 2020-12 that the protocol allows since 2026-07-28. */
const SCHEMA = {
	$schema: "https://json-schema.org/draft/2020-12/schema",
	type: "object",
	$defs: {
		address: { $anchor: "addressDef", type: "object", properties: { street: STRING, city: STRING } },
	},
	properties: {
		name: STRING,
		address: { $ref: "#/$defs/address" },
		contactMethod: { type: "string", enum: ["phone", "email"] },
		phone: STRING,
		email: STRING,
	},
	allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
	if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
	then: { required: ["phone"] },
	else: { required: ["email"] },
	additionalProperties: false,
};

const titled = (...values) => values.map((value) => ({ const: value, title: `The ${value}` }));

const ENUMS = {
	untitledSingle: { type: "string", enum: ["option1", "option2"] },
	titledSingle: { type: "string", oneOf: titled("value1", "value2") },
	legacyEnum: { type: "string", enum: ["opt1", "opt2"], enumNames: ["One", "Two"] },
	untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2"] } },
	titledMulti: { type: "array", items: { anyOf: titled("value1", "value2") } },
};

const DEFAULTS = {
	name: { type: "string", default: "John Doe" },
	age: { type: "integer", default: 30 },
	score: { type: "number", default: 95.5 },
	status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
	verified: { type: "boolean", default: true },
};

/** Tools that answer at once. */
const plain = {
	test_simple_text: () => text("This is a simple text response for testing."),
	test_image_content: () => ({ content: [{ type: "image", data: PNG, mimeType: "image/png" }] }),
	test_audio_content: () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }),
	test_embedded_resource: () => ({
		content: [
			{
				type: "resource",
				resource: { uri: "test://embedded-resource", mimeType: "text/plain", text: "embedded" },
			},
		],
	}),
	test_multiple_content_types: () => ({
		content: [
			{ type: "text", text: "Three kinds of content:" },
			{ type: "image", data: PNG, mimeType: "image/png" },
			{
				type: "resource",
				resource: { uri: "test://mixed", mimeType: "application/json", text: '{"value":123}' },
			},
		],
	}),
	test_error_handling: () => ({ ...text("This tool fails on purpose"), isError: true }),
	json_schema_2020_12_tool: () => text("valid"),
};

/** Tools that say something while they run. */
const talking = {
	test_tool_with_progress: async (_args, ctx) => {
		const progressToken = ctx.mcpReq._meta?.progressToken;
		for (const progress of [0, 50, 100]) {
			if (progressToken !== undefined) {
				const params = { progressToken, progress, total: 100 };
				await ctx.mcpReq.notify({ method: "notifications/progress", params });
			}
			await pause(20);
		}
		return text("done");
	},
	test_tool_with_logging: async (_args, ctx) => {
		for (const said of ["started", "halfway", "completed"]) {
			await ctx.mcpReq.log("info", said);
			await pause(20);
		}
		return text("done");
	},
	test_logging_tool: async (_args, ctx) => {
		await ctx.mcpReq.log("info", "said once");
		return text("done");
	},
};

/** Tools that ask the person or the model behind the client. */
const asking = (state) => ({
	test_sampling: asked(({ prompt }) => sample(prompt)),
	test_elicitation: asked(({ message }) => form(message, { username: STRING, email: STRING })),
	test_streaming_elicitation: asked(() => form("Which name?", NAME)),
	test_elicitation_sep1034_defaults: asked(() => form("Are these right?", DEFAULTS, [])),
	test_elicitation_sep1330_enums: asked(() => form("Choose", ENUMS, [])),
	test_input_required_result_elicitation: (_args, ctx) => {
		const answer = acceptedContent(ctx.mcpReq.inputResponses, "user_name");
		if (!answer) return inputRequired({ inputRequests: { user_name: form("Which name?", NAME) } });
		return text(`Hello, ${answer.name}!`);
	},
	test_input_required_result_sampling: (_args, ctx) => {
		const answer = ctx.mcpReq.inputResponses?.capital_question;
		if (!answer) return inputRequired({ inputRequests: { capital_question: sample("Capital of France?") } });
		return text(`The model says ${JSON.stringify(answer.content)}`);
	},
	test_input_required_result_list_roots: (_args, ctx) => {
		const answer = ctx.mcpReq.inputResponses?.client_roots;
		if (!answer) return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
		return text(`roots: ${JSON.stringify(answer.roots)}`);
	},
	test_input_required_result_request_state: stateful(state, "confirm", form("Sure?", { ok: { type: "boolean" } })),
	test_input_required_result_tampered_state: stateful(state, "confirm", form("Sure?", { ok: { type: "boolean" } })),
	test_input_required_result_multiple_inputs: async (_args, ctx) => {
		const answers = ctx.mcpReq.inputResponses ?? {};
		const requests = {
			user_name: form("Which name?", NAME),
			greeting: sample("Write a greeting"),
			client_roots: inputRequired.listRoots(),
		};
		if (Object.keys(requests).every((key) => answers[key])) return text("all answered");
		return inputRequired({ inputRequests: requests, requestState: await state.mint({ step: 1 }, ctx) });
	},
	test_input_required_result_multi_round: async (_args, ctx) => {
		const step = ctx.mcpReq.requestState()?.step ?? 0;
		const answers = ctx.mcpReq.inputResponses ?? {};
		if (step === 1 && answers.step1) {
			const inputRequests = { step2: form("Which color?", { color: STRING }) };
			return inputRequired({ inputRequests, requestState: await state.mint({ step: 2 }, ctx) });
		}
		if (step === 2 && answers.step2) return text("both answered");
		const inputRequests = { step1: form("Which name?", NAME) };
		return inputRequired({ inputRequests, requestState: await state.mint({ step: 1 }, ctx) });
	},
	test_input_required_result_capabilities: (_args, ctx) => {
		const { elicitation, sampling } = capabilities(ctx);
		const inputRequests = {
			...(elicitation && { user_name: form("Which name?", NAME) }),
			...(sampling && { greeting: sample("Write a greeting") }),
		};
		return Object.keys(inputRequests).length ? inputRequired({ inputRequests }) : text("nothing can be asked");
	},
	test_missing_capability: (_args, ctx) => {
		const requiredCapabilities = { sampling: {} };
		if (!capabilities(ctx).sampling) {
			throw new ProtocolError(-32021, "this tool needs sampling", { requiredCapabilities });
		}
		return text("sampling is there");
	},
});

/** Tools that change what the server lists. */
const changing = (notify) => ({
	test_trigger_tool_change: () => {
		notify("tools");
		return text("changed");
	},
	test_trigger_prompt_change: () => {
		notify("prompts");
		return text("changed");
	},
});

const SCHEMAS = {
	json_schema_2020_12_tool: SCHEMA,
	test_sampling: { type: "object", properties: { prompt: STRING }, required: ["prompt"] },
	test_elicitation: { type: "object", properties: { message: STRING }, required: ["message"] },
	test_header_parameter: {
		type: "object",
		properties: { region: { type: "string", "x-mcp-header": "Region" } },
	},
};

/** Nothing here changes anything, so that a gateway that believes it asks about nothing. */
const annotations = { readOnlyHint: true, openWorldHint: false };

/** Returns each tool: its listed form, and its body. */
exports.tools = (state, notify) => {
	const bodies = {
		...plain,
		...talking,
		...asking(state),
		...changing(notify),
		test_header_parameter: ({ region }) => text(`region: ${region}`),
	};
	return Object.entries(bodies).map(([name, body]) => ({
		listed: { name, description: `The tool ${name}.`, inputSchema: SCHEMAS[name] ?? OBJECT, annotations },
		body,
	}));
};
