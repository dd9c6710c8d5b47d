import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Validator } from "@cfworker/json-schema";
import { expect, it, onTestFinished } from "vitest";

import { renderedData } from "./rendered.ts";

interface Tool {
  readonly name: string;
  readonly inputSchema: object;
}

interface Message {
  readonly id?: number;
  readonly result?: { readonly tools?: readonly Tool[] };
}

/** What RunPod's own server for agents offers, generated from RunPod's OpenAPI document. */
async function runpodTools(): Promise<readonly Tool[]> {
  const program = fileURLToPath(import.meta.resolve("@runpod/mcp-server"));
  const server = spawn(process.execPath, [program], {
    env: { ...process.env, RUNPOD_API_KEY: "test" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => void server.kill("SIGKILL"));
  const send = (message: object): void =>
    void server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const clientInfo = { name: "test", version: "1" };
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
  send({ id: 1, method: "initialize", params });
  for await (const line of createInterface({ input: server.stdout })) {
    const message = JSON.parse(line) as Message;
    if (message.id === 1) {
      send({ method: "notifications/initialized" });
      send({ id: 2, method: "tools/list" });
    }
    if (message.id === 2) return message.result?.tools ?? [];
  }
  throw new Error("the server has ended");
}

it("the endpoint of RunPod is what RunPod's own schema asks for, and would not be otherwise", async () => {
  const tool = (await runpodTools()).find(({ name }) => name === "create-endpoint");
  const schema = new Validator(tool!.inputSchema, "2020-12");
  const body = renderedData("runpod", "endpoint.json");
  expect(schema.validate({ body }).errors).toEqual([]);
  for (const change of [{ typo: 1 }, { type: "QUEUES" }, { gpu: { pools: [] } }, { disk: "x" }]) {
    expect([change, schema.validate({ body: { ...body, ...change } }).valid]).toEqual([
      change,
      false,
    ]);
  }
}, 30_000);
