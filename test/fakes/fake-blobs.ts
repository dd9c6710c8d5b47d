import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import { Blake3 } from "../../src/kernel/blake3.ts";
import type { InputFile, OutputFile } from "../../src/protocol/worker-link.ts";

/** The object store of the fake gateway, below `/blobs/` of its address. */
export class FakeBlobs {
  /** This many uploads are answered with 500. */
  brokenPuts = 0;
  private held: (() => void)[] | undefined;
  private readonly bytes = new Map<string, Buffer>();
  private readonly violations: string[];

  constructor(violations: string[]) {
    this.violations = violations;
  }

  addInput(baseUrl: string, path: InputFile["path"], filename: string, bytes: Buffer): InputFile {
    const key = `inputs/${randomUUID()}`;
    this.bytes.set(key, bytes);
    const url = `${baseUrl}/blobs/${key}`;
    return { path, filename, hash: hashOf(bytes), sizeBytes: bytes.length, url };
  }

  get(key: string): Buffer | undefined {
    return this.bytes.get(key);
  }

  put(key: string, bytes: Buffer): void {
    this.bytes.set(key, bytes);
  }

  /** Uploads are not answered until the returned function is called. */
  holdPuts(): () => void {
    const held: (() => void)[] = [];
    this.held = held;
    return () => {
      this.held = undefined;
      for (const answer of held) answer();
    };
  }

  /** Remembers an output that is not what it is said to be. */
  check(output: OutputFile): void {
    const bytes = this.bytes.get(output.key);
    if (bytes === undefined) this.violations.push(`${output.name} was not uploaded`);
    else if (bytes.length !== output.sizeBytes || hashOf(bytes) !== output.hash) {
      this.violations.push(`${output.name} has other bytes than announced`);
    }
  }

  answer(request: IncomingMessage, response: ServerResponse, key: string, bytes: Buffer): void {
    if (request.method === "PUT") {
      if (request.headers["x-signed"] !== "yes") this.violations.push("headers were left out");
      if (this.brokenPuts-- > 0) {
        response.writeHead(500).end();
        return;
      }
      this.bytes.set(key, bytes);
      const answer = (): void => void response.writeHead(200).end();
      if (this.held === undefined) answer();
      else this.held.push(answer);
      return;
    }
    const found = this.bytes.get(key);
    response.writeHead(found === undefined ? 404 : 200).end(found);
  }
}

function hashOf(bytes: Buffer): string {
  return new Blake3().update(bytes).digest();
}
