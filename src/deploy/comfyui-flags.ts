import type { ReleaseLock } from "../models/release-lock.ts";

/** Flags that would open ComfyUI to the network or hand it to whoever is there. */
const refused = ["--listen", "--tls-keyfile", "--tls-certfile", "--enable-cors-header", "--port"];

/**
 * ComfyUI's flags on a server: no browser, no partner nodes that call out, no manager, and what the
 * release asks for. The agent adds address, port and folders itself.
 */
export function comfyuiFlags(lock: ReleaseLock): readonly string[] {
  const own = lock.deployment.comfyuiArguments;
  const base = ["--disable-auto-launch", "--dont-print-server", "--log-stdout"];
  const quiet = own.some((flag) => flag === "--enable-api-nodes") ? [] : ["--disable-api-nodes"];
  const wanted = own.filter((flag) => flag !== "--enable-api-nodes");
  return [...new Set([...base, ...quiet, ...wanted])];
}

/** Arguments of the release that a worker refuses to start with. */
export function refusedFlags(lock: ReleaseLock): readonly string[] {
  return lock.deployment.comfyuiArguments.filter((argument) =>
    refused.some((flag) => argument === flag || argument.startsWith(`${flag}=`)),
  );
}
