import { schemas } from "@comfyorg/sdk/low";
import { expect } from "vitest";

export interface StreamEvent {
  /** `comment` for lines that keep the connection alive. */
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An open event stream, read one event at a time. */
export interface EventReader extends AsyncIterableIterator<StreamEvent> {
  /** The next event, and undefined at the end. */
  take(): Promise<StreamEvent | undefined>;
  /** Hangs up. */
  close(): void;
}

/** Opens a stream and holds every event against the official schemas. */
export async function openEvents(jobUrl: string): Promise<EventReader> {
  const hangUp = new AbortController();
  const response = await fetch(`${jobUrl}/events`, { signal: hangUp.signal });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const events = readEvents(response);
  return Object.assign(events, {
    take: async () => (await events.next()).value ?? undefined,
    close: () => hangUp.abort(),
  });
}

async function* readEvents(response: Response): AsyncGenerator<StreamEvent, undefined, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const frames = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) yield eventOf(frame);
  }
  expect(rest).toBe("");
}

function eventOf(frame: string): StreamEvent {
  if (frame.startsWith(":")) return { event: "comment", data: {} };
  const [, event = "", text = "null"] = /^event: (\w+)\ndata: (.*)$/u.exec(frame) ?? [];
  const data = JSON.parse(text) as Record<string, unknown>;
  if (event === "progress") schemas.zProgress.parse(data);
  else if (event === "output") schemas.zOutput.parse(data);
  else if (event === "status") schemas.zJobStatus.parse(data.status);
  else expect([event, typeof data.data_base64]).toEqual(["preview", "string"]);
  return { event, data };
}
