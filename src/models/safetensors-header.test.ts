import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { writeSafetensors } from "../engine/safetensors.ts";
import { checkModelName, foreignFormat } from "./format.ts";
import { lengthBytes, parseHeaderLength, parseSafetensorsHeader } from "./safetensors-header.ts";

const tensor = (begin: number, end: number, change = {}) => ({
  dtype: "F32",
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
  ...change,
});
const errorOf = (header: unknown): string => {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const parsed = parseSafetensorsHeader(text);
  return parsed.ok ? "fine" : parsed.error;
};

describe("a safetensors header", () => {
  it("tells tensors, metadata and the size that the file must have", () => {
    const values = new Float32Array(6);
    const file = writeSafetensors(new Map([["a.weight", { shape: [2, 3], values }]]), { by: "us" });
    const length = parseHeaderLength(file);
    expect(length.ok).toBe(true);
    const end = lengthBytes + (length.ok ? length.value : 0);
    const parsed = parseSafetensorsHeader(file.toString("utf8", lengthBytes, end));
    if (!parsed.ok) throw new Error(parsed.error);
    expect(parsed.value.tensors.get("a.weight")).toEqual({
      dtype: "F32",
      shape: [2, 3],
      bytes: 24,
    });
    expect(parsed.value.metadata.get("by")).toBe("us");
    expect(parsed.value.fileBytes).toBe(file.length);
  });

  it.each([
    ["a claim beyond all bounds", [255, 255, 255, 255, 255, 255, 255, 255], /claims/u],
    ["a claim of nothing", [0, 0, 0, 0, 0, 0, 0, 0], /empty/u],
    ["a stump", [1, 2], /shorter/u],
  ])("is refused with %s for its length", (_name, bytes, reason) => {
    const length = parseHeaderLength(Uint8Array.from(bytes));
    expect(length.ok ? "" : length.error).toMatch(reason);
  });

  it.each([
    ["no JSON", "{", /not good JSON/u],
    ["another kind of value", "[]", /not a JSON object/u],
    ["deep nesting", `{"a":${"[".repeat(90)}${"]".repeat(90)}}`, /not good JSON/u],
    ["a repeated tensor", '{"a":1,"a":2}', /not good JSON/u],
    ["a tensor that is no object", { a: 1 }, /not described/u],
    ["an unknown type", { a: tensor(0, 4, { dtype: "F33" }) }, /no type/u],
    ["a negative size", { a: tensor(0, 4, { shape: [-1] }) }, /no valid shape/u],
    ["a fraction", { a: tensor(0, 4, { shape: [0.5] }) }, /no valid shape/u],
    ["offsets that go back", { a: tensor(8, 4) }, /no valid shape|takes/u],
    ["offsets beside the shape", { a: tensor(0, 4, { shape: [2] }) }, /takes 4 bytes/u],
    ["a shape beyond all files", { a: tensor(0, 4, { shape: [2 ** 40, 2 ** 40] }) }, /larger/u],
    ["a hole", { a: tensor(0, 4), b: tensor(8, 12) }, /hole or overlaps/u],
    ["an overlap", { a: tensor(0, 8), b: tensor(4, 12) }, /hole or overlaps/u],
    ["metadata that is not text", { __metadata__: { a: 1 } }, /other than text/u],
  ])("is refused with %s", (_name, header, reason) => {
    expect(errorOf(header)).toMatch(reason);
  });

  it("is judged without a crash, whatever it holds", () => {
    fc.assert(fc.property(fc.json(), (text) => void parseSafetensorsHeader(text)));
    fc.assert(fc.property(fc.string(), (text) => void parseSafetensorsHeader(text)));
  });
});

describe("a model's name and first bytes", () => {
  it.each([
    ["checkpoints", "sd/xl.safetensors", true],
    ["loras", "ink.SFT", true],
    ["checkpoints", "v1.ckpt", false],
    ["checkpoints", "../../etc/x.safetensors", false],
    ["checkpoints", "/x.safetensors", false],
    ["checkpoints", "a\\b.safetensors", false],
    ["checkpoints", ".hidden.safetensors", false],
    ["..", "x.safetensors", false],
    ["vae", "x.onnx", false],
    ["vae", `${"ü".repeat(130)}.safetensors`, false],
  ])("%s/%s: %s", (folder, filename, isFine) => {
    expect(checkModelName({ folder, filename }).ok).toBe(isFine);
  });

  it.each([
    [[0x80, 2, 0x63, 0x6f, 0x73, 0x0a, 1, 9], "a pickle"],
    [[0x50, 0x4b, 3, 4], "a zip archive, such as a pickled PyTorch file"],
    [[...Buffer.from("<!DOCTYPE html>")], "a web page"],
    [[...Buffer.from("version https://git-lfs.github.com/spec/v1")], "a Git LFS pointer"],
    [[0x80, 4, 0, 0, 0, 0, 0, 0, 0x7b], undefined],
  ])("%j are %s", (bytes, kind) => {
    expect(foreignFormat(Uint8Array.from(bytes))).toBe(kind);
  });
});
