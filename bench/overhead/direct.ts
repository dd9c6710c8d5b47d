import { WebSocket } from "ws";

import type { Client } from "./client.ts";

interface HistoryEntry {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly images?: readonly {
          readonly filename: string;
          readonly subfolder: string;
          readonly type: string;
        }[];
      }
    >
  >;
}

/** Speaks to ComfyUI itself, as its own web page does: post, wait on the websocket, fetch. */
export async function openDirect(comfyuiUrl: string): Promise<Client> {
  const clientId = crypto.randomUUID();
  const ended = new Map<string, () => void>();
  const socket = new WebSocket(`${comfyuiUrl.replace("http", "ws")}/ws?clientId=${clientId}`);
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("message", (message: Buffer, isBinary) => {
    if (isBinary) return;
    const { type, data } = JSON.parse(message.toString("utf8")) as {
      type: string;
      data: { node?: string | null; prompt_id?: string };
    };
    if (type === "executing" && data.node === null) ended.get(data.prompt_id ?? "")?.();
  });
  return {
    name: "direct",
    async run(workflow) {
      const promptId = crypto.randomUUID();
      const done = new Promise<void>((resolve) => ended.set(promptId, resolve));
      const posted = await fetch(`${comfyuiUrl}/prompt`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ prompt: workflow, prompt_id: promptId, client_id: clientId }),
      });
      if (!posted.ok) throw new Error(await posted.text());
      await posted.arrayBuffer();
      await done;
      ended.delete(promptId);
      const answer = await fetch(`${comfyuiUrl}/history/${promptId}`);
      const history = (await answer.json()) as Readonly<Record<string, HistoryEntry>>;
      const [image] = Object.values(history[promptId]?.outputs ?? {}).flatMap(
        (output) => output.images ?? [],
      );
      if (image === undefined) throw new Error("ComfyUI made no picture");
      const file = await fetch(
        `${comfyuiUrl}/view?${new URLSearchParams({ ...image }).toString()}`,
      );
      return (await file.arrayBuffer()).byteLength;
    },
    close: async () => socket.close(),
  };
}
