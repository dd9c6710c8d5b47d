import { Client, DatabaseError, Pool, TypeOverrides, types, type PoolClient } from "pg";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { parseLosslessJson } from "../../kernel/lossless-json.ts";
import type { Queries } from "./queries.ts";

export interface DatabaseOptions {
  readonly connectionString: string;
  readonly queries: Queries;
  /** Off behind a pooler that shares sessions between transactions. */
  readonly usePreparedStatements: boolean;
  readonly maxConnections: number;
}

type Row = Readonly<Record<string, unknown>>;

/** Runs one named statement. */
export interface Runner {
  run<R extends object = Row>(name: string, values: readonly unknown[]): Promise<readonly R[]>;
  /** Statements too small for a file of their own. */
  sql<R extends object = Row>(text: string, values: readonly unknown[]): Promise<readonly R[]>;
}

/** A pool of connections that knows the statements by name. */
export class Database implements Runner {
  private readonly pool: Pool;
  private readonly options: DatabaseOptions;

  constructor(options: DatabaseOptions) {
    this.options = options;
    this.pool = new Pool({
      connectionString: options.connectionString,
      max: options.maxConnections,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      types: typeOverrides(),
      application_name: "hearth",
    });
    // An idle connection that breaks is replaced at its next use; without a listener it would crash.
    this.pool.on("error", () => undefined);
  }

  run<R extends object>(name: string, values: readonly unknown[]): Promise<readonly R[]> {
    return this.guarded(() => this.borrow((client) => this.query<R>(client, name, values)));
  }

  sql<R extends object>(text: string, values: readonly unknown[]): Promise<readonly R[]> {
    return this.guarded(() =>
      this.borrow(async (client) => (await client.query<R & Row>(text, [...values])).rows),
    );
  }

  /** Runs `body` in one transaction; rolls back if it throws. */
  transaction<T>(body: (runner: Runner) => Promise<T>): Promise<T> {
    return this.guarded(async () => {
      const client = await this.pool.connect();
      client.on("error", ignoreBreak);
      let broken: Error | undefined;
      try {
        await client.query("begin");
        const result = await body({
          run: (name, values) => this.query(client, name, values),
          sql: async <R extends object>(text: string, values: readonly unknown[]) =>
            (await client.query<R & Row>(text, [...values])).rows,
        });
        await client.query("commit");
        return result;
      } catch (thrown) {
        await client.query("rollback").catch((cause: unknown) => {
          broken = new Error("rollback failed", { cause });
        });
        throw thrown;
      } finally {
        client.off("error", ignoreBreak);
        client.release(broken);
      }
    });
  }

  /** A connection outside the pool, for LISTEN and for locks that live as long as it does. */
  async dedicatedConnection(applicationName: string): Promise<Client> {
    const client = new Client({
      connectionString: this.options.connectionString,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      application_name: applicationName,
    });
    client.on("error", ignoreBreak);
    await this.guarded(() => client.connect());
    return client;
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /**
   * The pool's own `query` throws the connection away with every error, also where the server has
   * only refused a statement; a new one costs as much as thirty refusals.
   */
  private async borrow<T>(body: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    client.on("error", ignoreBreak);
    let isBroken = false;
    try {
      return await body(client);
    } catch (thrown) {
      isBroken = !(thrown instanceof DatabaseError && thrown.severity === "ERROR");
      throw thrown;
    } finally {
      client.off("error", ignoreBreak);
      client.release(isBroken);
    }
  }

  private async query<R extends object>(
    target: PoolClient,
    name: string,
    values: readonly unknown[],
  ): Promise<readonly R[]> {
    const text = this.options.queries[name];
    if (text === undefined) throw new Error(`There is no statement named ${name}`);
    const named = this.options.usePreparedStatements ? { name } : {};
    const result = await target.query<R & Row>({ ...named, text, values: [...values] });
    return result.rows;
  }

  private async guarded<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      throw isUnavailable(thrown)
        ? new HearthError("database_unavailable", { cause: thrown, retryAfterSeconds: 1 })
        : thrown;
    }
  }
}

/** The statement under way reports a broken connection; the event would only end the process. */
function ignoreBreak(): void {}

/** All counters fit a double; workflows keep every digit; the rest is read as the driver does. */
function typeOverrides(): TypeOverrides {
  const overrides = new TypeOverrides();
  overrides.setTypeParser(types.builtins.INT8, Number);
  overrides.setTypeParser(types.builtins.JSON, parseLosslessJson);
  return overrides;
}

const unavailableStates = /^(?:08...|57P0[1-3]|53300|40P01|40001)$/u;
const unavailableText =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|not queryable/u;

/** Whether an error says that the server is away, as opposed to a statement being wrong. */
function isUnavailable(thrown: unknown): boolean {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : "";
  if (typeof code === "string" && (unavailableStates.test(code) || /^E[A-Z]+$/u.test(code))) {
    return true;
  }
  return unavailableText.test(errorMessage(thrown));
}
