import { mkdir, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";

/** The fake's nodes, as `/object_info` tells of them. */
export const objectInfo = {
  Work: { input: { required: {} }, output_node: false },
  LoadImage: {
    input: { required: { image: [["example.png"], { image_upload: true }] } },
    output_node: false,
  },
  SaveImage: { input: { required: {} }, output_node: true },
  PreviewImage: { input: { required: {} }, output_node: true },
  /** Refused while its file is not there, as ComfyUI does with names that it cannot list. */
  CheckpointLoaderSimple: { input: { required: {} }, output_node: false },
  VAELoader: { input: { required: {} }, output_node: false },
  PreviewAny: { input: { required: {} }, output_node: true },
  EmptyImage: { input: { required: {} }, output_node: false },
  PreviewText: { input: { required: {} }, output_node: true },
};

export const systemStats = {
  system: { os: "posix", comfyui_version: "0.33.0" },
  devices: [{ name: "cpu", type: "cpu", index: null, vram_total: 1024, vram_free: 512 }],
};

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function reply(response: ServerResponse, status: number, body: unknown): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}

/** Reads a multipart body with the platform's own parser. */
export async function upload(
  folder: string,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  const form = await new Response(new Uint8Array(body), { headers }).formData();
  const image = form.get("image") as File;
  const subfolder = form.get("subfolder") as string;
  await mkdir(join(folder, "input", subfolder), { recursive: true });
  await writeFile(
    join(folder, "input", subfolder, image.name),
    Buffer.from(await image.arrayBuffer()),
  );
  reply(response, 200, { name: image.name, subfolder, type: "input" });
}
