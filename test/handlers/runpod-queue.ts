import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface QueuedJob {
  readonly id: string;
  readonly input: unknown;
}

export interface RunpodQueue {
  /** What RunPod puts into the environment of a worker. */
  readonly environment: Readonly<Record<string, string>>;
  readonly pings: string[];
  /** Queues a job and waits for what the worker says of it in the end. */
  run(input: unknown): { readonly id: string; readonly result: Promise<Record<string, unknown>> };
  /** Wants a job stopped that a worker has. */
  stop(jobId: string): void;
  close(): Promise<void>;
}

/** RunPod's side of its workers: take, stop, ping and result, as its own Python worker speaks them. */
export async function startRunpodQueue(): Promise<RunpodQueue> {
  const waiting: QueuedJob[] = [];
  const stops: string[] = [];
  const pings: string[] = [];
  const results = new Map<string, (result: Record<string, unknown>) => void>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // RunPod's own worker takes nothing else for an answer.
    response.setHeader("content-type", "application/json");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://runpod");
    if (request.headers.authorization !== "worker-key") return void response.writeHead(401).end();
    if (pathname === "/job-take/w1") {
      const job = waiting.shift();
      // FlashBoot answers 400 where others answer 204.
      if (job === undefined) return void response.writeHead(400).end();
      return void response.writeHead(200).end(JSON.stringify(job));
    }
    if (pathname === "/job-stop/w1") {
      return void response.writeHead(200).end(JSON.stringify({ jobsToStop: stops }));
    }
    if (pathname === "/ping/w1") {
      pings.push(searchParams.get("job_id") ?? "");
      return void response.writeHead(200).end();
    }
    const [, id = ""] = /^\/job-done\/w1\/(.+)$/u.exec(pathname) ?? [];
    const body = JSON.parse(await text(request)) as Record<string, unknown>;
    if (request.headers["x-request-id"] === id) results.get(id)?.(body);
    return void response.writeHead(200).end();
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    environment: {
      RUNPOD_WEBHOOK_GET_JOB: `${url}/job-take/$ID?gpu=x`,
      RUNPOD_WEBHOOK_POST_OUTPUT: `${url}/job-done/$RUNPOD_POD_ID/$ID?gpu=x`,
      RUNPOD_WEBHOOK_PING: `${url}/ping/$RUNPOD_POD_ID`,
      RUNPOD_PING_INTERVAL: "50",
      RUNPOD_AI_API_KEY: "worker-key",
      RUNPOD_POD_ID: "w1",
    },
    pings,
    run: (input) => {
      const id = randomUUID();
      const result = new Promise<Record<string, unknown>>((resolve) => {
        results.set(id, resolve);
      });
      waiting.push({ id, input });
      return { id, result };
    },
    stop: (jobId) => void stops.push(jobId),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
