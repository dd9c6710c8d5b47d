import { RequestFault } from "./replies.ts";

/** Size lines with extensions that are longer are refused. */
const maxLineBytes = 1_024;

/** Takes the payload out of a body in chunks (RFC 9112 §7.1), fed in pieces of any size. */
export class ChunkedBody {
  private line = "";
  /** Bytes that the chunk at hand still has; then come two that end it. */
  private left = 0;
  private place: "size" | "data" | "end" | "trailer" | "over" = "size";

  get isOver(): boolean {
    return this.place === "over";
  }

  /** Hands what is payload to `take`, in order. Throws `RequestFault` for what is malformed. */
  push(bytes: Uint8Array, take: (payload: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length && this.place !== "over";) {
      if (this.place !== "data") {
        this.addToLine(bytes[at++] ?? 0);
        continue;
      }
      const payload = bytes.subarray(at, at + this.left);
      at += payload.length;
      this.left -= payload.length;
      if (this.left === 0) this.place = "end";
      take(payload);
    }
  }

  private addToLine(byte: number): void {
    if (byte !== 10) {
      if (this.line.length >= maxLineBytes) throw malformed();
      this.line += String.fromCharCode(byte);
      return;
    }
    if (!this.line.endsWith("\r")) throw malformed();
    const line = this.line.slice(0, -1);
    this.line = "";
    if (this.place === "trailer") {
      if (line === "") this.place = "over";
    } else if (this.place === "end") {
      if (line !== "") throw malformed();
      this.place = "size";
    } else {
      const [, digits] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/iu.exec(line) ?? [];
      if (digits === undefined) throw malformed();
      this.left = Number.parseInt(digits, 16);
      this.place = this.left === 0 ? "trailer" : "data";
    }
  }
}

function malformed(): RequestFault {
  return new RequestFault("denied", "the server's reply makes no sense: its chunks are malformed");
}
