import { defaultLimits, type GatewayLimits, type GatewaySettings } from "../gateway/context.ts";
import type { Settings } from "../config/schema.ts";
import { HearthError, errorMessage } from "../kernel/errors.ts";
import { findFreePort } from "../store/embedded/readiness.ts";

const wildcards = new Set(["0.0.0.0", "::", "[::]"]);

/** Where the gateway will listen and how it will be reached. */
export interface GatewayPlace {
  readonly host: string;
  readonly port: number;
  /** Absolute, without a slash at its end. */
  readonly publicUrl: string;
  /** For processes on this machine. */
  readonly localUrl: string;
}

/** Chooses the port before anything is told of it. Errors: `config_invalid` where it is taken. */
export async function chooseGatewayPlace(settings: Settings): Promise<GatewayPlace> {
  const { host } = settings;
  const port = settings.port === 0 ? await findFreePort() : settings.port;
  if (settings.port !== 0) await assertFree(host, port);
  const localHost = wildcards.has(host) ? "127.0.0.1" : host;
  const bracketed = localHost.includes(":") && !localHost.startsWith("[");
  const localUrl = `http://${bracketed ? `[${localHost}]` : localHost}:${port}`;
  const publicUrl = (settings.publicUrl ?? localUrl).replace(/\/+$/u, "");
  return { host, port, publicUrl, localUrl };
}

export function gatewaySettingsOf(settings: Settings, publicUrl: string): GatewaySettings {
  const { trustsLoopback, lease, signedUrlMs } = settings;
  return { publicUrl, trustsLoopback, limits: limitsOf(settings), lease, signedUrlMs };
}

function limitsOf(settings: Settings): GatewayLimits {
  const given = Object.entries(settings.limits).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}

async function assertFree(host: string, port: number): Promise<void> {
  const { createServer } = await import("node:net");
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once("error", reject);
      probe.listen({ host: host.replace(/^\[|\]$/gu, ""), port, exclusive: true }, resolve);
    });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    const message =
      code === "EADDRINUSE"
        ? `Port ${port} on ${host} is taken by another program; choose another one with --port.`
        : `Cannot listen on ${host}:${port} (${errorMessage(cause)}); choose with --host and --port.`;
    throw new HearthError("config_invalid", { message, details: { setting: "port" }, cause });
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}
