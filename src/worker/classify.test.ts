import { describe, expect, test } from "vitest";

import { failRequestSchema } from "../protocol/worker-link.ts";
import { classifyExecutionError, classifyRejection } from "./classify.ts";

const error = (type: string, message: string): Record<string, string> => {
  return { exception_type: type, exception_message: message, node_id: "3", node_type: "KSampler" };
};

describe("an execution error", () => {
  test.each([
    ["torch.OutOfMemoryError", "Allocation on device"],
    ["torch.cuda.OutOfMemoryError", "x"],
    ["RuntimeError", "CUDA out of memory. Tried to allocate 2.00 GiB"],
    ["RuntimeError", "This error means you ran out of memory on your GPU."],
    ["torch.AcceleratorError", "CUDA error, error code: 2"],
  ])("of %s: %s means that memory ran out", (type, message) => {
    expect(classifyExecutionError(error(type, message))).toMatchObject({
      failureClass: "out_of_memory",
      error: { code: "out_of_memory", nodeId: "3", classType: "KSampler" },
      remedy: "free_memory",
    });
  });

  test.each([
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: device-side assert triggered",
    "CUDA error: unspecified launch failure",
    "CUDA error: misaligned address",
    "CUBLAS_STATUS_EXECUTION_FAILED when calling cublasSgemm",
    "NVRM: Xid (PCI:0000:01:00): 79",
    "uncorrectable ECC error encountered",
  ])("%s means that the device needs a new process", (message) => {
    expect(classifyExecutionError(error("RuntimeError", message))).toMatchObject({
      failureClass: "transient",
      error: { code: "gpu_fault" },
      remedy: "restart",
    });
  });

  test("of any other kind is the workflow's own", () => {
    const data = { ...error("ValueError", "bad\n"), traceback: ["a\n", "b\n"] };
    expect(classifyExecutionError(data)).toEqual({
      failureClass: "user",
      error: {
        code: "node_execution_error",
        message: "ValueError: bad",
        nodeId: "3",
        classType: "KSampler",
        traceback: "a\nb\n",
      },
      remedy: "none",
    });
  });

  test("always fits what the gateway accepts", () => {
    const data = {
      ...error("E".repeat(9_000), "m".repeat(9_000)),
      node_id: "n".repeat(900),
      traceback: ["t".repeat(50_000), "the end"],
    };
    const { failureClass, error: found } = classifyExecutionError(data);
    const request = { failureClass, error: found, log: null, timings: {} };
    expect(failRequestSchema.safeParse(request).success).toBe(true);
    expect(found.traceback).toMatch(/the end$/u);
    const empty = classifyExecutionError(null).error;
    expect(empty.message).not.toBe("");
  });
});

describe("a refusal", () => {
  test("names the first node and reason and counts the rest", () => {
    const one = {
      type: "value_not_in_list",
      message: "Value not in list",
      details: "ckpt_name: 'x'",
    };
    const two = {
      type: "required_input_missing",
      message: "Required input is missing",
      details: "vae",
    };
    const reply = {
      error: {
        type: "prompt_outputs_failed_validation",
        message: "Prompt outputs failed",
        details: "",
      },
      node_errors: { "4": { errors: [one, two], class_type: "CheckpointLoaderSimple" } },
    };
    expect(classifyRejection(400, reply)).toMatchObject({
      failureClass: "user",
      error: {
        code: "prompt_rejected",
        message: "Node 4 (CheckpointLoaderSimple): Value not in list: ckpt_name: 'x' (and 1 more)",
        nodeId: "4",
      },
    });
  });

  test("without node errors says what the server says", () => {
    const extra = { node_id: "7", class_type: "Gone" };
    const message = "Node 'Gone' not found.";
    const found = classifyRejection(400, {
      error: { type: "missing_node_type", message, details: "Node ID '#7'", extra_info: extra },
      node_errors: {},
    });
    expect(found.error).toMatchObject({ nodeId: "7", classType: "Gone" });
    expect(found.error.message).toContain(message);
  });

  test("by the built-in engine for want of models has a code of its own", () => {
    const details = "The built-in engine runs no models. Attach a real ComfyUI.";
    const errors = [{ type: "custom_validation_failed", message: "no", details }];
    const reply = { node_errors: { "1": { errors, class_type: "VAELoader" } } };
    expect(classifyRejection(400, reply).error.code).toBe("engine_model_unsupported");
  });

  test("that is not even JSON is still one", () => {
    expect(classifyRejection(413, undefined).error).toMatchObject({
      code: "prompt_rejected",
      message: "ComfyUI answered HTTP 413",
    });
  });
});
