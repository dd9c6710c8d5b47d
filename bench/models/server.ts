/**
 * A process of its own that serves one safetensors file of any size out of a little memory:
 * `server.ts <bytes> <bytes a second for each connection, 0: unlimited> <ms before each reply>`.
 * Prints its port.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const [totalBytes = 0, bytesPerSecond = 0, latencyMs = 0] = process.argv.slice(2).map(Number);
const headerBytes = 256;
const dataBytes = totalBytes - 8 - headerBytes;
const header = { w: { dtype: "U8", shape: [dataBytes], data_offsets: [0, dataBytes] } };
const start = Buffer.alloc(8 + headerBytes);
start.writeBigUInt64LE(BigInt(headerBytes));
start.write(JSON.stringify(header).padEnd(headerBytes), 8);
const body = Buffer.alloc(16 * 1024 * 1024);
for (let at = 0; at < body.length; at += 4) body.writeUInt32LE((at * 2_654_435_761) >>> 0, at);

function bytesAt(at: number, count: number): Buffer {
  if (at < start.length) return start.subarray(at, at + count);
  const offset = at % body.length;
  return body.subarray(offset, offset + count);
}

async function send(response: ServerResponse, first: number, last: number): Promise<void> {
  const startMs = performance.now();
  const piece = bytesPerSecond > 0 ? 256 * 1024 : 1024 * 1024;
  for (let at = first; at <= last && !response.destroyed;) {
    const dueMs = ((at - first) * 1_000) / (bytesPerSecond || Infinity);
    const earlyMs = dueMs - (performance.now() - startMs);
    if (earlyMs > 1) await delay(earlyMs);
    const chunk = bytesAt(at, Math.min(piece, last + 1 - at));
    at += chunk.length;
    if (response.write(chunk) || response.destroyed) continue;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        response.off("drain", go).off("close", go);
        resolve();
      };
      response.on("drain", go).on("close", go);
    });
  }
  response.end();
}

const server = createServer((request, response) => {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/u.exec(request.headers.range ?? "") ?? [];
  const first = Number(from ?? 0);
  const last = Math.min(totalBytes - 1, to ? Number(to) : totalBytes - 1);
  const answer = async (): Promise<void> => {
    await delay(latencyMs);
    const range = { "content-range": `bytes ${first}-${last}/${totalBytes}` };
    const length = { "content-length": last - first + 1, "accept-ranges": "bytes", etag: '"one"' };
    response.writeHead(from === undefined ? 200 : 206, { ...length, ...(from && range) });
    if (request.method === "HEAD") response.end();
    else await send(response, first, last);
  };
  answer().catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
