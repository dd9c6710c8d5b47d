import type { Client } from "pg";

import type { Signals, SignalTopic } from "../control.ts";
import type { Database } from "./database.ts";

type Listener = (id: string) => void;

const channel = "hearth";
/** By which the processes that listen are counted. */
const listenerName = "hearth-listener";
const reconnectMs = 1_000;
/** Whoever is in this process hears at once; others can wait for a fuller message. */
const gatherMs = 5;
/** How long a process that begins to listen may go unnoticed; until then its polls serve it. */
const lookForOthersMs = 1_000;

/**
 * Hints over LISTEN/NOTIFY. Outgoing hints are gathered for a few milliseconds and sent
 * outside any transaction, so that no commit waits for the notification queue's lock. While no
 * other process listens, none are sent.
 */
export class PostgresSignals implements Signals {
  private readonly database: Database;
  private readonly origin: string;
  private readonly listeners: Record<SignalTopic, Set<Listener>> = {
    job: new Set(),
    queue: new Set(),
  };
  private readonly outgoing = new Set<string>();
  private connection: Client | undefined;
  private isClosed = false;
  private isFlushing = false;
  /** Whether another process may be listening. */
  private hasOthers = true;
  private lookTimer: NodeJS.Timeout | undefined;
  private reconnectTimer: NodeJS.Timeout | undefined;

  constructor(database: Database, origin: string) {
    this.database = database;
    this.origin = origin;
  }

  async start(): Promise<void> {
    const connection = await this.database.dedicatedConnection(listenerName);
    connection.on("notification", (message) => this.receive(message.payload ?? ""));
    connection.on("error", () => this.reconnect(connection));
    connection.on("end", () => this.reconnect(connection));
    await connection.query(`listen ${channel}`);
    this.connection = connection;
    this.lookForOthers();
  }

  publish(topic: SignalTopic, id: string): void {
    this.deliver(topic, id);
    if (this.isClosed || !this.hasOthers) return;
    this.outgoing.add(`${this.origin} ${topic} ${id}`);
    this.scheduleFlush();
  }

  subscribe(topic: SignalTopic, listener: Listener): () => void {
    this.listeners[topic].add(listener);
    return () => this.listeners[topic].delete(listener);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.lookTimer);
    clearTimeout(this.reconnectTimer);
    await this.connection?.end().catch(() => undefined);
  }

  private lookForOthers(): void {
    clearTimeout(this.lookTimer);
    if (this.isClosed) return;
    this.lookTimer = setTimeout(() => void this.look(), lookForOthersMs);
    this.lookTimer.unref();
  }

  private async look(): Promise<void> {
    const count = await this.countListeners();
    this.hasOthers = count === undefined || count > 1;
    this.lookForOthers();
  }

  /** Ours included; undefined where it cannot be known. */
  private async countListeners(): Promise<number | undefined> {
    try {
      const result = await this.connection?.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
         where application_name = $1 and datname = current_database()`,
        [listenerName],
      );
      return result?.rows[0]?.count;
    } catch {
      return undefined;
    }
  }

  private async flush(): Promise<void> {
    const payloads = [...this.outgoing];
    this.outgoing.clear();
    // A lost hint costs one poll interval; the poll is the truth.
    await this.connection
      ?.query("select pg_notify($1, payload) from unnest($2::text[]) payload", [channel, payloads])
      .catch(() => undefined);
    this.isFlushing = false;
    if (this.outgoing.size > 0 && !this.isClosed) this.scheduleFlush();
  }

  private scheduleFlush(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    setTimeout(() => void this.flush(), gatherMs);
  }

  private receive(payload: string): void {
    const [origin, topic, id] = payload.split(" ");
    if (origin === this.origin || id === undefined) return;
    if (topic === "job" || topic === "queue") this.deliver(topic, id);
  }

  private deliver(topic: SignalTopic, id: string): void {
    for (const listener of this.listeners[topic]) listener(id);
  }

  private reconnect(broken: Client): void {
    if (this.isClosed || (this.connection !== undefined && this.connection !== broken)) return;
    this.connection = undefined;
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = setTimeout(() => {
      this.start().catch(() => this.reconnect(broken));
    }, reconnectMs);
    this.reconnectTimer.unref();
  }
}
