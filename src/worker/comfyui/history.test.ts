import { describe, expect, test } from "vitest";

import { isHung } from "./hang.ts";
import { parseHistory, parseQueue } from "./history.ts";
import { cpuMsOf } from "./process-activity.ts";
import { devicesOf, serverFacts } from "./server-facts.ts";

const entry = (status: unknown): unknown => ({ p: { outputs: { "1": {} }, status } });

describe("a history entry", () => {
  test("is not there before the prompt has ended", () => {
    expect(parseHistory({}, "p")).toBeUndefined();
    expect(parseHistory({ p: null }, "p")).toBeUndefined();
    expect(parseHistory(null, "p")).toBeUndefined();
  });

  test("tells success, also one of a server that wrote no status", () => {
    expect(parseHistory(entry({ status_str: "success" }), "p")?.status).toBe("success");
    expect(parseHistory(entry(null), "p")?.status).toBe("success");
  });

  test("tells an interruption from an error", () => {
    const messages = [
      ["execution_start", {}],
      ["execution_interrupted", {}],
    ];
    const stopped = entry({ status_str: "error", messages });
    expect(parseHistory(stopped, "p")?.status).toBe("interrupted");
  });

  test("carries the error that ended the run, not one of a blocked output", () => {
    const messages = [
      ["execution_error", { exception_type: "ValueError", exception_message: "x" }],
      ["execution_error", { exception_type: "ExecutionBlocked" }],
      "odd",
    ];
    const failed = parseHistory(entry({ status_str: "error", messages }), "p");
    expect(failed).toMatchObject({ status: "error", error: { exception_message: "x" } });
  });
});

test("a queue tells where a prompt is", () => {
  const queue = { queue_running: [[1, "a", {}]], queue_pending: [[2, "b", {}], "odd"] };
  expect(parseQueue(queue, "a")).toEqual({ place: "running", isAnythingRunning: true });
  expect(parseQueue(queue, "b").place).toBe("pending");
  expect(parseQueue(queue, "c").place).toBe("absent");
  expect(parseQueue(undefined, "c")).toEqual({ place: "absent", isAnythingRunning: false });
});

describe("a silent prompt", () => {
  const snapshot = {
    silentMs: 130_000,
    currentClass: "KSampler",
    cpuShare: undefined,
    isSocketAlive: true,
    hangMs: 120_000,
    busyHangMs: 600_000,
  };

  test("hangs after the limit", () => {
    expect(isHung(snapshot)).toBe(true);
    expect(isHung({ ...snapshot, silentMs: 119_000 })).toBe(false);
  });

  test("has longer while it loads, works, or cannot be heard, but not for ever", () => {
    const reasons = [{ currentClass: "VAELoader" }, { cpuShare: 0.9 }, { isSocketAlive: false }];
    for (const extra of reasons) {
      expect(isHung({ ...snapshot, ...extra })).toBe(false);
      expect(isHung({ ...snapshot, ...extra, silentMs: 600_000 })).toBe(true);
    }
    expect(isHung({ ...snapshot, cpuShare: 0.02 })).toBe(true);
  });
});

test("processor time is read from a stat line, whatever the process is called", () => {
  const stat = "12 (py) thon) S 1 77 77 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 1 0 100";
  expect(cpuMsOf(stat, 77)).toBe(3_000);
  expect(cpuMsOf(stat, 78)).toBe(0);
  expect(cpuMsOf("", 77)).toBe(0);
});

describe("what a server tells of itself", () => {
  test("is what the gateway needs to know", () => {
    const stats = {
      system: { comfyui_version: "0.33.0" },
      devices: [{ name: "cuda:0 L4", type: "cuda", vram_total: 24e9, vram_free: 1.5 }],
    };
    const upload = { required: { image: [["a.png"], { image_upload: true }], mode: [["a"], {}] } };
    const info = {
      LoadImage: { input: upload, output_node: false },
      LoadVideo: { input: { optional: { file: ["COMBO", { video_upload: true }] } } },
      SaveImage: { input: { required: {} }, output_node: true },
      Broken: null,
    };
    expect(serverFacts(stats, info)).toEqual({
      comfyuiVersion: "0.33.0",
      kind: "comfyui",
      devices: [{ name: "cuda:0 L4", kind: "cuda", vramTotalBytes: 24e9, vramFreeBytes: 1 }],
      nodes: {
        LoadImage: { isOutput: false, fileInputs: ["image"] },
        LoadVideo: { isOutput: false, fileInputs: ["file"] },
        SaveImage: { isOutput: true, fileInputs: [] },
      },
    });
  });

  test("names the built-in engine, and bears replies that make no sense", () => {
    const engine = { system: { comfyui_version: "hearth-engine" } };
    expect(serverFacts(engine, {}).kind).toBe("engine");
    expect(serverFacts(null, null)).toMatchObject({ comfyuiVersion: "unknown", nodes: {} });
    expect(devicesOf({ devices: [{ vram_total: -1, vram_free: "x" }, 3] })).toHaveLength(1);
  });
});
