export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** An event line may not grow without end; a preview is the largest thing that is sent. */
const maxPendingChars = 16 * 1024 * 1024;

/** Reads server-sent events from text that arrives in pieces. */
export class EventParser {
  private pending = "";

  /** The events that this piece completes. Comments and fields that we do not use are dropped. */
  push(text: string): readonly StreamEvent[] {
    this.pending += text;
    if (this.pending.length > maxPendingChars) throw new Error("an event is too long");
    // A carriage return at the end may be half of a line break.
    const usable = this.pending.endsWith("\r") ? this.pending.slice(0, -1) : this.pending;
    const blocks = usable.replaceAll(/\r\n?/gu, "\n").split("\n\n");
    this.pending = (blocks.pop() ?? "") + this.pending.slice(usable.length);
    return blocks.flatMap((block) => parseBlock(block));
  }
}

function parseBlock(block: string): readonly StreamEvent[] {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^(event|data):? ?(.*)$/u.exec(line) ?? [];
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
  return data.length === 0 ? [] : [{ event, data: data.join("\n") }];
}
