import { lookup, type LookupAddress } from "node:dns";
import {
  connect as connectPlain,
  isIP,
  type LookupFunction,
  type OnReadOpts,
  type Socket,
} from "node:net";
import { connect as connectTls } from "node:tls";

import { Agent, type Dispatcher } from "undici";

import { HearthError } from "../../kernel/errors.ts";
import { maxConnections } from "../connections.ts";
import { isNamed, mayConnect, parseAllowed, type Allowed } from "./addresses.ts";
import { authorizeWith, type Authorize } from "./host-tokens.ts";

export interface EgressOptions {
  /** Host names, addresses and ranges that may be reached although they are private. */
  readonly allow: readonly string[];
  /** By host name, as `host-tokens.ts` reads them; for that host only. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly connectMs: number;
  /** The longest silence of a server. */
  readonly silenceMs: number;
}

/**
 * The one door by which model files are fetched. An address is checked when the name is resolved
 * and the connection goes to that very address, so that no second answer of a name server counts.
 */
export class Egress {
  readonly dispatcher: Dispatcher;
  /** As they were given, for a door of the same kind in another thread. */
  readonly options: EgressOptions;
  private readonly allowed: Allowed;
  private readonly authorize: ReadonlyMap<string, Authorize>;

  /** Errors: `config_invalid` for an entry of `allow` that is neither host nor range, or a token. */
  constructor(options: EgressOptions) {
    const { connectMs, silenceMs, tokens } = options;
    this.options = options;
    this.authorize = new Map([...tokens].map(([host, each]) => [host, authorizeWith(host, each)]));
    this.allowed = allowedOf(options.allow);
    this.dispatcher = new Agent({
      connections: maxConnections,
      pipelining: 1,
      keepAliveTimeout: 10_000,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      maxHeaderSize: 32 * 1024,
      connect: { timeout: connectMs, lookup: this.lookup() },
    });
  }

  /**
   * A connection of one's own to where `check` lets requests go. It emits `timeout` after a silence
   * and errors where none comes about in time.
   */
  connect(url: URL, onread: OnReadOpts): Socket {
    const { connectMs, silenceMs } = this.options;
    const isTls = url.protocol === "https:";
    const host = hostOf(url);
    const port = Number(url.port) || (isTls ? 443 : 80);
    const target = { host, port, lookup: this.lookup(), noDelay: true, onread };
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = isTls
      ? connectTls({ ...target, ...name, ALPNProtocols: ["http/1.1"] })
      : connectPlain(target);
    const late = setTimeout(() => socket.destroy(new Error("no connection in time")), connectMs);
    const settled = (): void => clearTimeout(late);
    socket.once(isTls ? "secureConnect" : "connect", settled).once("close", settled);
    socket.setTimeout(silenceMs);
    return socket;
  }

  /** Errors: `source_forbidden`. */
  check(url: URL, isHashKnown: boolean): void {
    const host = hostOf(url);
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw forbidden(host, `${url.protocol} is not fetched`);
    }
    if (isIP(host) !== 0 && !mayConnect(host, host, this.allowed)) {
      throw forbidden(host, "the address is private");
    }
    if (url.protocol === "http:" && !isHashKnown && !isNamed(host, this.allowed)) {
      throw forbidden(host, "without TLS the file's sha256 must be known");
    }
  }

  /** The token goes to the host that it was set for, and over TLS unless that host was named. */
  async headersFor(url: URL): Promise<Readonly<Record<string, string>>> {
    const host = hostOf(url);
    const authorize = this.authorize.get(host);
    const isPrivate = url.protocol === "https:" || isNamed(host, this.allowed);
    return authorize !== undefined && isPrivate ? authorize(url) : {};
  }

  async close(): Promise<void> {
    await this.dispatcher.destroy();
  }

  private lookup(): LookupFunction {
    return (host, options, callback) => {
      lookup(host, { ...options, all: true }, (fault, found) => {
        if (fault !== null) return callback(fault, []);
        const name = host.toLowerCase();
        const open = (found as readonly LookupAddress[]).filter(({ address }) =>
          mayConnect(address, name, this.allowed),
        );
        const [first] = open;
        if (first === undefined) return callback(forbidden(name, "its address is private"), []);
        if (options.all === true) callback(null, [...open]);
        else callback(null, first.address, first.family);
      });
    };
  }
}

function hostOf(url: URL): string {
  return url.hostname.replaceAll(/^\[|\]$/gu, "").toLowerCase();
}

function allowedOf(entries: readonly string[]): Allowed {
  try {
    return parseAllowed(entries);
  } catch (cause) {
    const message = `models.allow must hold host names, addresses and ranges: ${entries.join(", ")}`;
    throw new HearthError("config_invalid", { message, cause });
  }
}

function forbidden(host: string, reason: string): HearthError {
  const message = `Model files are not fetched from ${host}: ${reason}.`;
  return new HearthError("source_forbidden", { message, details: { host, reason } });
}
