import {
  tokenSecret,
  type DeploymentPlan,
  type Rendered,
  type RenderedFile,
} from "./deployment-plan.ts";

/** Modal's names; A100 and H100 alone may be other cards at the same price. */
const gpus: Readonly<Record<string, string>> = {
  t4: "T4",
  l4: "L4",
  a10g: "A10",
  l40s: "L40S",
  "a100-40": "A100-40GB",
  "a100-80": "A100-80GB",
  "rtx-pro-6000": "RTX-PRO-6000",
  "h100-sxm": "H100!",
  h200: "H200",
  b200: "B200",
  b300: "B300",
};
const dayMs = 86_400_000;

/** The function of the app whose calls are workers. */
export const modalFunction = "drain";
/** An idle container costs as much as a busy one, and the agent leaves when it is drained. */
export const modalScaledownSeconds = 60;

/** A Python file for `modal deploy`: JavaScript cannot deploy an app at Modal. */
export function renderModal(plan: DeploymentPlan): Rendered {
  const app = modalApp(plan, {});
  return app.ok ? { ok: true, files: [app.file] } : app;
}

/** The app with tags, by which it is found again; or a sentence on why it cannot be. */
export function modalApp(
  plan: DeploymentPlan,
  tags: Readonly<Record<string, string>>,
):
  | { readonly ok: true; readonly file: RenderedFile }
  | { readonly ok: false; readonly reason: string } {
  const gpu = gpus[plan.gpu.id];
  if (gpu === undefined) return { ok: false, reason: `Modal has no ${plan.gpu.name}.` };
  const tagged = Object.keys(tags).length === 0 ? "" : `, tags=${JSON.stringify(tags)}`;
  const text = `# Written by \`hearth deploy render modal\`. Deploy it with: modal deploy app.py
# The standing token of \`hearth workers token create\` is the Modal secret "${tokenSecret}".
import os
import signal
import subprocess

import modal

app = modal.App(${python(plan.name)}${tagged})
image = modal.Image.from_registry(${python(plan.image)}, add_python="3.12").entrypoint([])

AGENT = ["node", "/opt/hearth/bin/worker.mjs", "worker", "--comfyui-dir", "/opt/comfyui"]


@app.function(
    image=image,
    gpu=${python(gpu)},
    cpu=${plan.cpuCores},
    memory=${plan.memoryGib * 1024},
    timeout=${dayMs / 1000},
    min_containers=${plan.minWorkers},
    max_containers=${plan.maxWorkers},
    scaledown_window=${modalScaledownSeconds},
    secrets=[modal.Secret.from_name(${python(tokenSecret)})],
)
def ${modalFunction}(launch: dict) -> dict:
    """Runs one agent until it is drained; Hearth calls this once for each worker that it wants."""
    environment = {**os.environ, "HEARTH_GATEWAY_URL": ${python(plan.gatewayUrl)}}
    environment.update(launch.get("environment", {}))
    environment["HEARTH_EXTERNAL_ID"] = modal.current_function_call_id() or ""
    agent = subprocess.Popen(AGENT, env=environment, cwd="/var/lib/hearth")
    # Modal announces the end of a container; the agent gives its job back first.
    signal.signal(signal.SIGINT, lambda *_: agent.terminate())
    return {"exit_code": agent.wait()}
`;
  return { ok: true, file: { path: "app.py", text } };
}

/** A JSON string is a Python string too. */
function python(text: string): string {
  return JSON.stringify(text);
}
