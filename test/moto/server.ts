import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = fileURLToPath(new URL("../../.cache/python/bin/moto_server", import.meta.url));

/** `.ci/run` installs moto, an AWS that others wrote; elsewhere it is optional. */
export const hasMoto = existsSync(program) || process.env.CI === "true";

const python = fileURLToPath(new URL("../../.cache/python/bin/python", import.meta.url));

/** What a few lines of boto3 print that have a client for `service`. */
export async function askWithBoto(url: string, service: string, lines: string): Promise<string> {
  const client = `boto3.client("${service}", region_name="us-east-1", endpoint_url="${url}", aws_access_key_id="test", aws_secret_access_key="test")`;
  const program = `import boto3\nclient = ${client}\n${lines}`;
  return (await promisify(execFile)(python, ["-c", program])).stdout.trim();
}

const retryMs = 100;
const maxTries = 300;

export interface Moto {
  readonly url: string;
  close(): void;
}

/** A process of its own on loopback, empty. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const arguments_ = ["-H", "127.0.0.1", "-p", String(port)];
  const moto = spawn(program, arguments_, { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 1; !(await answers(url)); tries++) {
    if (tries >= maxTries) throw new Error("moto does not answer");
    await delay(retryMs);
  }
  return { url, close: () => void moto.kill("SIGKILL") };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
