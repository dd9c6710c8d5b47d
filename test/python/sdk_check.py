"""Drives a gateway with the official Python SDK and prints what it saw as one line of JSON."""

import json
import sys
import tempfile
import time
from pathlib import Path

from comfy_sdk import (
    Comfy,
    InvalidWorkflow,
    JobFailed,
    MissingAsset,
    NotFound,
    OutputReady,
    Preview,
    Progress,
    StatusChange,
)

SAVE = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "sdk"}}
INVERT = {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}


def invert_workflow(image):
    load = {"class_type": "LoadImage", "inputs": {"image": image}}
    return {"1": load, "2": INVERT, "3": SAVE}


def sampler_workflow(seed, steps=12, step_ms=50):
    inputs = {"seed": seed, "steps": steps, "step_ms": step_ms, "width": 64, "height": 64}
    return {
        "1": {"class_type": "HearthSampler", "inputs": inputs},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "sdk"}},
    }


def check_uploads(client, photo, seen):
    first = client.assets.from_bytes(photo, filename="python photo.png", content_type="image/png")
    first.commit()
    second = client.assets.from_bytes(photo, filename="python photo.png", content_type="image/png")
    second.commit()
    seen["same_asset"] = first.id == second.id
    by_name = client.run(client.workflows.from_json(invert_workflow("python photo.png")))
    workflow = client.workflows.from_json(invert_workflow("placeholder"))
    workflow.set_input("1", "image", first)
    by_asset = client.run(workflow)
    seen["outputs"] = [len(job.get_outputs("3")) for job in (by_name, by_asset)]
    with tempfile.TemporaryDirectory() as folder:
        path = by_asset.get_outputs("3")[0].to_file(Path(folder) / "out.png")
        seen["png"] = path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    part = by_asset.get_outputs("3")[0].to_bytes(range=(1, 3))
    seen["range"] = part == b"PNG"


def check_events(client, seen):
    job = client.submit(client.workflows.from_json(sampler_workflow(seed=int(time.time()))))
    kinds = {Progress: "progress", Preview: "preview", OutputReady: "output", StatusChange: "status"}
    seen["events"] = sorted({kinds.get(type(event), "other") for event in job.events()})
    seen["after_events"] = job.refresh().status


def check_cancel(client, seen):
    job = client.submit(client.workflows.from_json(sampler_workflow(3, steps=1000)))
    deadline = time.monotonic() + 20
    while job.refresh().status != "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    job.cancel()
    try:
        job.wait(timeout=20)
    except JobFailed:
        pass
    seen["canceled"] = job.refresh().status


def error_of(call):
    try:
        call()
    except (InvalidWorkflow, MissingAsset, NotFound) as error:
        return type(error).__name__
    return "none"


def check_errors(client, seen):
    unknown = {"1": {"class_type": "NoSuchNode", "inputs": {}}}
    missing = invert_workflow({"__type": "core/ASSET", "info": {"id": "missing"}})
    seen["errors"] = [
        error_of(lambda: client.submit(client.workflows.from_json(unknown))),
        error_of(lambda: client.submit(client.workflows.from_json(missing))),
        error_of(lambda: client.jobs.get("00000000-0000-7000-8000-000000000000")),
    ]


def main():
    photo = Path(sys.argv[1]).read_bytes()
    seen = {}
    with Comfy() as client:
        check_uploads(client, photo, seen)
        check_events(client, seen)
        check_cancel(client, seen)
        check_errors(client, seen)
    print(json.dumps(seen))


main()
