import { describe, expect, it } from "vitest";

import { describeSource, parseSource } from "./source.ts";

describe("a source", () => {
  it.each([
    ["https://example.com/a.safetensors#x", "https://example.com/a.safetensors"],
    [
      "hf:black-forest-labs/FLUX.1-dev/vae/ae.safetensors@refs/pr/1",
      "https://huggingface.co/black-forest-labs/FLUX.1-dev/resolve/refs%2Fpr%2F1/vae/ae.safetensors",
    ],
    ["hf:a/b/c.safetensors", "https://huggingface.co/a/b/resolve/main/c.safetensors"],
    ["civitai:128713", "https://civitai.com/api/download/models/128713"],
    ["s3://models/sd/xl.sft", "https://models.s3.amazonaws.com/sd/xl.sft"],
    ["s3://models/x.sft?region=eu-central-1", "https://models.s3.eu-central-1.amazonaws.com/x.sft"],
    ["gs://models/a b.sft", "https://storage.googleapis.com/models/a%20b.sft"],
    ["az://acc/models/x.sft", "https://acc.blob.core.windows.net/models/x.sft"],
  ])("%s leads to %s", (text, url) => {
    expect(parseSource(text)).toEqual({ ok: true, value: { kind: "url", url } });
  });

  it("may be a path on this machine", () => {
    const file = { kind: "file", path: "/mnt/models/a b.sft" };
    expect(parseSource("/mnt/models/a b.sft")).toEqual({ ok: true, value: file });
    expect(parseSource("file:///mnt/models/a%20b.sft")).toEqual({ ok: true, value: file });
  });

  it.each([
    "ftp://example.com/x",
    "x.safetensors",
    "https://user:secret@example.com/x",
    "hf:a/b",
    "hf:a/b/c@",
    "civitai:abc",
    "s3://bucket",
    "s3://evil.com:80/../x?region=a/b",
    "gs://b//x",
    "env:PATH",
  ])("is not %s", (text) => {
    expect(parseSource(text).ok).toBe(false);
  });

  it("may be in a variable that only the worker sees", () => {
    const secret = { kind: "secret", name: "HEARTH_MODEL_URL" };
    expect(parseSource("env:HEARTH_MODEL_URL")).toEqual({ ok: true, value: secret });
  });

  it("is described without its query", () => {
    const url = "https://h/x?token=secret";
    expect(describeSource({ kind: "url", url })).toBe("https://h/x");
  });
});
