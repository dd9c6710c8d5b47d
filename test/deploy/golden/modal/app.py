# Written by `hearth deploy render modal`. Deploy it with: modal deploy app.py
# The standing token of `hearth workers token create` is the Modal secret "hearth-worker-token".
import os
import signal
import subprocess

import modal

app = modal.App("portraits")
image = modal.Image.from_registry("registry.example/portraits:r1", add_python="3.12").entrypoint([])

AGENT = ["node", "/opt/hearth/bin/worker.mjs", "worker", "--comfyui-dir", "/opt/comfyui"]


@app.function(
    image=image,
    gpu="L4",
    cpu=4,
    memory=16384,
    timeout=86400,
    min_containers=1,
    max_containers=5,
    scaledown_window=60,
    secrets=[modal.Secret.from_name("hearth-worker-token")],
)
def drain(launch: dict) -> dict:
    """Runs one agent until it is drained; Hearth calls this once for each worker that it wants."""
    environment = {**os.environ, "HEARTH_GATEWAY_URL": "https://hearth.example"}
    environment.update(launch.get("environment", {}))
    environment["HEARTH_EXTERNAL_ID"] = modal.current_function_call_id() or ""
    agent = subprocess.Popen(AGENT, env=environment, cwd="/var/lib/hearth")
    # Modal announces the end of a container; the agent gives its job back first.
    signal.signal(signal.SIGINT, lambda *_: agent.terminate())
    return {"exit_code": agent.wait()}
