/** Bounds on a JSON document, checked before any value is built. */
export interface JsonLimits {
  readonly maxDepth: number;
}

export interface JsonFault {
  readonly reason: "syntax" | "too_deep" | "duplicate_key" | "forbidden_key";
  readonly message: string;
  /** UTF-16 offset into the text. */
  readonly position: number;
}

const forbiddenKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/uy;
const whitespace = /[ \t\n\r]*/uy;

type Frame = { readonly close: "}" | "]"; readonly keys: Set<string> | undefined };

/**
 * Walks a JSON text once, without recursion, and returns the first fault, or undefined for a
 * document that `JSON.parse` may read. Costs time and memory in proportion to the text.
 */
export function scanJson(text: string, limits: JsonLimits): JsonFault | undefined {
  return new Scanner(text, limits.maxDepth).run();
}

class Scanner {
  private at = 0;
  private readonly frames: Frame[] = [];
  private readonly text: string;
  private readonly maxDepth: number;

  constructor(text: string, maxDepth: number) {
    this.text = text;
    this.maxDepth = maxDepth;
  }

  run(): JsonFault | undefined {
    let fault = this.value();
    while (fault === undefined && this.frames.length > 0) fault = this.afterValue();
    if (fault !== undefined) return fault;
    this.skipSpace();
    return this.at < this.text.length ? this.syntax("Text follows the JSON document") : undefined;
  }

  /** Reads a scalar, or opens an array or object and reads its first member. */
  private value(): JsonFault | undefined {
    for (;;) {
      this.skipSpace();
      const open = this.text[this.at];
      if (open !== "{" && open !== "[") return this.scalar();
      if (this.frames.length >= this.maxDepth) {
        return this.fault("too_deep", `The JSON is nested deeper than ${this.maxDepth} levels`);
      }
      this.at++;
      const isObject = open === "{";
      this.frames.push({ close: isObject ? "}" : "]", keys: isObject ? new Set() : undefined });
      this.skipSpace();
      if (this.text[this.at] === (isObject ? "}" : "]")) {
        this.at++;
        this.frames.pop();
        return undefined;
      }
      const fault = isObject ? this.key() : undefined;
      if (fault !== undefined) return fault;
    }
  }

  /** After a value inside a container: a comma and the next member, or the end of the container. */
  private afterValue(): JsonFault | undefined {
    this.skipSpace();
    const frame = this.frames.at(-1);
    const next = this.text[this.at];
    if (frame !== undefined && next === frame.close) {
      this.at++;
      this.frames.pop();
      return undefined;
    }
    if (next !== ",") {
      return this.syntax(
        next === undefined ? "The JSON ends too early" : "A comma or closing bracket is missing",
      );
    }
    this.at++;
    return (frame?.keys === undefined ? undefined : this.key()) ?? this.value();
  }

  private key(): JsonFault | undefined {
    this.skipSpace();
    const start = this.at;
    const raw = this.string();
    if (raw === undefined) return this.syntax("A key in double quotes is missing");
    const key = raw.includes("\\") ? unescapeKey(raw) : raw.slice(1, -1);
    const keys = this.frames.at(-1)?.keys;
    this.at = start;
    if (forbiddenKeys.has(key))
      return this.fault("forbidden_key", `The key "${key}" is not allowed`);
    if (keys?.has(key) === true)
      return this.fault("duplicate_key", `The key "${key.slice(0, 80)}" occurs twice`);
    keys?.add(key);
    this.at = start + raw.length;
    this.skipSpace();
    if (this.text[this.at] !== ":") return this.syntax("A colon is missing after a key");
    this.at++;
    return undefined;
  }

  private scalar(): JsonFault | undefined {
    const found = this.text[this.at] === '"' ? this.string() : this.match(literal);
    if (found !== undefined) return undefined;
    return this.syntax(
      this.at >= this.text.length ? "The JSON ends too early" : "A value is missing or misspelt",
    );
  }

  /** A string literal with its quotes; `JSON.parse` checks its escapes afterwards. */
  private string(): string | undefined {
    if (this.text[this.at] !== '"') return undefined;
    let end = this.at;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end === -1) return undefined;
    } while (this.isEscaped(end));
    const found = this.text.slice(this.at, end + 1);
    this.at = end + 1;
    return found;
  }

  private isEscaped(quoteAt: number): boolean {
    let before = quoteAt - 1;
    while (this.text[before] === "\\") before--;
    return (quoteAt - before) % 2 === 0;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private skipSpace(): void {
    this.match(whitespace);
  }

  private syntax(message: string): JsonFault {
    return this.fault("syntax", message);
  }

  private fault(reason: JsonFault["reason"], message: string): JsonFault {
    return { reason, message, position: this.at };
  }
}

/** The text of a quoted key; a key with a bad escape stays as written for `JSON.parse` to refuse. */
function unescapeKey(raw: string): string {
  try {
    return String(JSON.parse(raw));
  } catch {
    return raw;
  }
}
