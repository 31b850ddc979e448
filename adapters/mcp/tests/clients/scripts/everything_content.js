"use strict";
// The resources and prompts of the everything-server, by the names that the conformance suite asks for.

const { load } = require("./packages.js");

const { acceptedContent, inputRequired, ProtocolError } = load("@modelcontextprotocol/server");

/** A picture of one red pixel. */
exports.PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/** A sound of no samples. */
exports.WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

const RESOURCES = {
	"test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
	"test://static-binary": { mimeType: "image/png", blob: exports.PNG },
	"test://watched-resource": { mimeType: "text/plain", text: "watched" },
};

exports.resources = () =>
	Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({
		uri,
		name: uri.slice("test://".length),
		description: `The resource ${uri}.`,
		mimeType,
	}));

exports.templates = () => [
	{
		uriTemplate: "test://template/{id}/data",
		name: "data",
		description: "Data by its id.",
		mimeType: "application/json",
	},
];

exports.read = (uri) => {
	if (uri in RESOURCES) return { contents: [{ uri, ...RESOURCES[uri] }] };
	const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
	if (id === undefined) throw new ProtocolError(-32602, "Resource not found", { uri });
	const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
	return { contents: [{ uri, mimeType: "application/json", text }] };
};

const says = (...contents) => ({ messages: contents.map((content) => ({ role: "user", content })) });
const text = (text) => ({ type: "text", text });
const argument = (name) => ({ name, description: `The argument ${name}.`, required: true });

const PROMPTS = {
	test_simple_prompt: { get: () => says(text("This is a simple prompt for testing.")) },
	test_prompt_with_arguments: {
		arguments: [argument("arg1"), argument("arg2")],
		get: ({ arg1, arg2 }) => says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
	},
	test_prompt_with_embedded_resource: {
		arguments: [argument("resourceUri")],
		get: ({ resourceUri: uri }) =>
			says({ type: "resource", resource: { uri, mimeType: "text/plain", text: "embedded" } }, text("Read it.")),
	},
	test_prompt_with_image: {
		get: () => says({ type: "image", data: exports.PNG, mimeType: "image/png" }, text("Look at it.")),
	},
	test_input_required_result_prompt: {
		get: (_args, ctx) => {
			const answer = acceptedContent(ctx.mcpReq.inputResponses, "user_context");
			if (answer) return says(text(`In the context of ${answer.context}.`));
			const properties = { context: { type: "string" } };
			const requestedSchema = { type: "object", properties, required: ["context"] };
			const user_context = inputRequired.elicit({ message: "Which context?", requestedSchema });
			return inputRequired({ inputRequests: { user_context } });
		},
	},
};

exports.prompts = () =>
	Object.entries(PROMPTS).map(([name, { arguments: given }]) => ({
		name,
		description: `The prompt ${name}.`,
		...(given && { arguments: given }),
	}));

exports.prompt = (name, args, ctx) => {
	const prompt = PROMPTS[name];
	if (!prompt) throw new ProtocolError(-32602, `no prompt is named ${name}`);
	return prompt.get(args ?? {}, ctx);
};
