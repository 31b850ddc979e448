"""MCP's Python SDK, driven by steps: one JSON object a line on standard input, one line with its result on
standard output. The first line says how to connect; the end of the input closes the client."""

import asyncio
import json
import sys

import httpx2
from mcp import Client, StdioServerParameters, types
from mcp.client import advertise
from mcp.client.streamable_http import streamable_http_client

TASKS = "io.modelcontextprotocol/tasks"


class Script:
    """What the handlers saw since the last step, and the answers that they give."""

    def __init__(self):
        self.answers = []
        self.asked = []
        self.events = []

    async def answer(self, _context, params):
        """Answers a question by the next line of the script; without one it is cancelled, never accepted."""
        self.asked.append(plain(params))
        answer = self.answers.pop(0) if self.answers else {"action": "cancel"}
        await asyncio.sleep(answer.get("after", 0) / 1000)
        if answer["action"] == "hang":  # A person who never answers.
            await asyncio.Event().wait()
        return types.ElicitResult(action=answer["action"], content=answer.get("content"))

    async def event(self, message):
        method = getattr(message, "method", None)
        if method in ("notifications/tools/list_changed", "notifications/message"):
            self.events.append(plain(message))

    def take(self):
        seen = {"asked": self.asked, "events": self.events}
        self.asked, self.events = [], []
        return seen


def plain(value):
    return value.model_dump(by_alias=True, mode="json", exclude_none=True)


def failure(error):
    # Of a group, the one that says something.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    code = getattr(getattr(error, "error", None), "code", None)
    return {"error": {"code": code, "name": type(error).__name__, "message": str(error)}}


def client_for(step, script):
    server = step["server"]
    if "url" in server:
        token = server.get("token")
        http = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"} if token else {})
        connection = streamable_http_client(server["url"], http_client=http)
    else:
        connection = StdioServerParameters(**server)
    return Client(
        connection,
        mode=step.get("version", "auto"),
        elicitation_callback=script.answer if step.get("elicitation") else None,
        extensions=[advertise(TASKS, {})] if step.get("tasks") else None,
        message_handler=script.event,
        client_info=types.Implementation(name="hitl-test-python", version="1.0.0"),
    )


async def perform(client, step, progress):
    if step["do"] == "list":
        return {"tools": [plain(tool) for tool in (await client.list_tools(cache_mode="refresh")).tools]}
    if step["do"] == "call":

        async def seen(done, total, message):
            progress.append({"progress": done, "total": total, "message": message})

        called = client.call_tool(
            step["name"],
            step.get("arguments"),
            read_timeout_seconds=step["timeout"] / 1000 if "timeout" in step else None,
            progress_callback=seen,
        )
        return {"result": plain(await asyncio.wait_for(called, step["abort"] / 1000 if "abort" in step else None))}
    raise ValueError(f"no such step: {step}")


async def main():
    script = Script()
    loop = asyncio.get_running_loop()

    async def read():
        line = await loop.run_in_executor(None, sys.stdin.readline)
        step = json.loads(line) if line else None
        script.answers = list(step.get("answers", [])) if step else []
        return step

    def show(result, progress=()):
        print(json.dumps({**result, "progress": list(progress), **script.take()}), flush=True)

    connecting = await read()
    try:
        async with client_for(connecting, script) as client:
            show({"about": {
                "version": client.protocol_version,
                "server": plain(client.server_info) if client.server_info else None,
                "capabilities": plain(client.server_capabilities),
            }})
            while step := await read():
                progress = []
                try:
                    result = await perform(client, step, progress)
                except Exception as error:
                    result = failure(error)
                show(result, progress)
    except Exception as error:
        show(failure(error))


asyncio.run(main())
