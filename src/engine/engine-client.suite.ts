import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { WebSocket } from "ws";
import { startEngine, type Engine } from "./engine.ts";
import type { HistoryEntry } from "./history.ts";

export interface TestEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly folder: string;
  /** Puts a file into the input folder. */
  putInput(name: string, data: Uint8Array): Promise<void>;
  readOutput(name: string): Promise<Buffer>;
  post(path: string, body?: unknown): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  connect(clientId: string, flags?: object): Promise<TestSocket>;
}

/** A real engine in a temporary folder, gone when disposed. */
export async function startTestEngine(): Promise<TestEngine> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-engine-"));
  const engine = await startEngine({ folder });
  const sockets: TestSocket[] = [];
  return {
    engine,
    folder,
    putInput: (name, data) => writeFile(join(folder, "input", name), data),
    readOutput: (name) => readFile(join(folder, "output", name)),
    post: (path, body) =>
      fetch(`${engine.url}${path}`, {
        method: "POST",
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    get: (path, headers) => fetch(`${engine.url}${path}`, { headers: headers ?? {} }),
    async connect(clientId, flags) {
      const socket = await openSocket(engine, clientId, flags);
      sockets.push(socket);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.close();
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What arrived on a socket: text messages parsed, binary ones by their head. */
export interface Frame {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The picture of a binary preview. */
  readonly image?: Buffer;
}

export interface TestSocket {
  readonly frames: Frame[];
  /** Resolves with the first frame, past or future, that fits. */
  waitFor(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves once a prompt is over and stored. */
  waitForEnd(promptId: string): Promise<Frame>;
  close(): void;
}

async function openSocket(engine: Engine, clientId: string, flags?: object): Promise<TestSocket> {
  const url = `${engine.url.replace("http", "ws")}/ws?clientId=${clientId}`;
  const socket = new WebSocket(url);
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  socket.on("message", (data: Buffer, isBinary) => {
    frames.push(isBinary ? readBinary(data) : JSON.parse(data.toString("utf8")));
    for (const wake of waiting) wake();
  });
  const waitFor = (fits: (frame: Frame) => boolean): Promise<Frame> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`Nothing fits among ${frames.map(({ type }) => type).join(", ")}`));
      }, 20_000);
      const look = (): void => {
        const found = frames.find(fits);
        if (found === undefined) return;
        waiting.delete(look);
        clearTimeout(timer);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  await waitFor(({ type }) => type === "status");
  if (flags !== undefined) {
    socket.send(JSON.stringify({ type: "feature_flags", data: flags }));
    await waitFor(({ type }) => type === "feature_flags");
  }
  return {
    frames,
    waitFor,
    waitForEnd: (promptId) =>
      waitFor(
        ({ type, data }) =>
          type === "executing" && data["node"] === null && data["prompt_id"] === promptId,
      ),
    close: () => socket.terminate(),
  };
}

function readBinary(data: Buffer): Frame {
  const kind = data.readUInt32BE(0);
  if (kind !== 4) return { type: `binary ${kind}`, data: {}, image: data.subarray(8) };
  const length = data.readUInt32BE(4);
  const metadata = JSON.parse(data.toString("utf8", 8, 8 + length));
  return { type: "binary 4", data: metadata, image: data.subarray(8 + length) };
}

/** Submits a prompt and waits for its history entry; needs no socket. */
export async function runPromptOn(
  engine: TestEngine,
  prompt: object,
  extra: object = {},
): Promise<{ promptId: string; entry: HistoryEntry }> {
  const promptId = await submit(engine, prompt, extra);
  return { promptId, entry: await historyOf(engine, promptId) };
}

/** Submits a prompt that must be accepted; gives its id. */
export async function submit(
  engine: TestEngine,
  prompt: object,
  extra: object = {},
): Promise<string> {
  const reply = await engine.post("/prompt", { prompt, ...extra });
  const body = (await reply.json()) as { prompt_id?: string };
  if (body.prompt_id === undefined) throw new Error(JSON.stringify(body));
  return body.prompt_id;
}

/** A prompt's history entry, once it is there. */
export async function historyOf(engine: TestEngine, promptId: string): Promise<HistoryEntry> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const reply = await engine.get(`/history/${promptId}`);
    const history = (await reply.json()) as Record<string, HistoryEntry>;
    const entry = history[promptId];
    if (entry !== undefined) return entry;
  }
  throw new Error("The prompt did not end");
}

/** A picture of one colour as PNG bytes; four numbers give it alpha. */
export function solidPng(
  width: number,
  height: number,
  colour: readonly number[],
): Promise<Buffer> {
  const channels = colour.length === 4 ? 4 : 3;
  const data = Buffer.alloc(width * height * channels, Buffer.from(colour));
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}
