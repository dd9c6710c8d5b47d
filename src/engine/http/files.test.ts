import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { solidPng, startTestEngine, type TestEngine } from "../engine-client.suite.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

async function upload(
  name: string,
  data: Uint8Array,
  fields: Readonly<Record<string, string>> = {},
  route = "/upload/image",
): Promise<[number, unknown]> {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  form.append("image", new Blob([Buffer.from(data)]), name);
  const reply = await fetch(`${engine.engine.url}${route}`, { method: "POST", body: form });
  return [reply.status, reply.ok ? await reply.json() : await reply.text()];
}

function view(query: Readonly<Record<string, string>>, headers?: Record<string, string>) {
  return engine.get(`/view?${new URLSearchParams(query).toString()}`, headers);
}

describe("uploads", () => {
  it("keep equal files once and number different ones of the same name", async () => {
    const [red, blue] = [await solidPng(2, 2, [255, 0, 0]), await solidPng(2, 2, [0, 0, 255])];
    const place = (name: string): unknown => [200, { name, subfolder: "", type: "input" }];
    expect(await upload("pic.png", red)).toEqual(place("pic.png"));
    expect(await upload("pic.png", red)).toEqual(place("pic.png"));
    expect(await upload("pic.png", blue)).toEqual(place("pic (1).png"));
    expect(await upload("pic.png", blue, {}, "/api/upload/image")).toEqual(place("pic (1).png"));
    expect(await upload("pic.png", blue, { overwrite: "true" })).toEqual(place("pic.png"));
    expect(Buffer.from(await (await view({ filename: "pic.png", type: "input" })).bytes())).toEqual(
      blue,
    );
    expect(await readdir(join(engine.folder, "temp"))).toEqual([]);
  });

  it("go to the folder they name, which lies inside", async () => {
    const data = await solidPng(2, 2, [1, 2, 3]);
    expect(await upload("x.png", data, { subfolder: "a/b", type: "output" })).toEqual([
      200,
      { name: "x.png", subfolder: "a/b", type: "output" },
    ]);
    for (const subfolder of ["../x", "/tmp", "a/../../x", String.raw`..\x`]) {
      expect((await upload("x.png", data, { subfolder }))[0], subfolder).toBe(400);
    }
    expect((await upload("x.png", data, { type: "nope" }))[0]).toBe(400);
    expect((await readdir(engine.folder)).sort()).toEqual(["input", "output", "temp", "user"]);
  });

  it("refuse names that are paths, and forms without a file", async () => {
    const reply = await rawUpload("../evil.png");
    expect(reply).toBe(400);
    expect(await rawUpload(String.raw`..\evil.png`)).toBe(400);
    expect((await engine.post("/upload/image", { image: "x" })).status).toBe(400);
    const form = new FormData();
    form.append("type", "input");
    const empty = await fetch(`${engine.engine.url}/upload/image`, { method: "POST", body: form });
    expect(empty.status).toBe(400);
    expect(await readdir(join(engine.folder, "input"))).not.toContain("evil.png");
  });

  it("are listed by the loaders' object_info", async () => {
    await upload("listed.png", await solidPng(2, 2, [9, 9, 9]));
    const info = (await (await engine.get("/object_info/LoadImage")).json()) as {
      LoadImage: { input: { required: { image: [string[], object] } } };
    };
    const [names, options] = info.LoadImage.input.required.image;
    expect(names).toContain("listed.png");
    expect(options).toEqual({ image_upload: true });
  });

  it("of masks take the original's colours and the upload's alpha", async () => {
    await upload("original.png", await solidPng(2, 2, [10, 20, 30]));
    const mask = await solidPng(2, 2, [0, 0, 0, 99]);
    const reference = { filename: "original.png", type: "input", subfolder: "" };
    const fields = { original_ref: JSON.stringify(reference) };
    const [status] = await upload("mask.png", mask, fields, "/upload/mask");
    expect(status).toBe(200);
    const merged = await (await view({ filename: "mask.png", type: "input" })).bytes();
    const pixels = await sharp(merged).raw().toBuffer();
    expect([...pixels.subarray(0, 4)]).toEqual([10, 20, 30, 99]);
    expect((await upload("mask.png", mask, {}, "/upload/mask"))[0]).toBe(400);
  });
});

/** Uploads with a file name that `FormData` would not send as it is; gives the status. */
function rawUpload(filename: string): Promise<number> {
  const body = `--b\r\ncontent-disposition: form-data; name="image"; filename="${filename}"\r\n\r\nx\r\n--b--\r\n`;
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const options = { method: "POST", path: "/upload/image", headers };
    const sent = request(engine.engine.url, options, (reply) => {
      reply.resume();
      resolve(reply.statusCode ?? 0);
    });
    sent.on("error", reject).end(body);
  });
}

describe("viewing", () => {
  beforeAll(async () => {
    await engine.putInput("shown.png", await solidPng(4, 4, [200, 100, 50, 128]));
    await engine.putInput("words.txt", Buffer.from("hello world"));
    await engine.putInput("page.svg", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"));
    await writeFile(join(engine.folder, "secret.txt"), "secret");
    await mkdir(join(engine.folder, "input", "deep"), { recursive: true });
  });

  it("serves files with their type, and pages only as downloads", async () => {
    const picture = await view({ filename: "shown.png", type: "input" });
    expect(picture.headers.get("content-type")).toBe("image/png");
    expect(picture.headers.get("content-disposition")).toBe('filename="shown.png"');
    expect(picture.headers.get("x-content-type-options")).toBe("nosniff");
    const page = await view({ filename: "page.svg", type: "input" });
    expect(page.headers.get("content-type")).toBe("application/octet-stream");
    expect(page.headers.get("content-disposition")).toBe('attachment; filename="page.svg"');
    expect((await view({ filename: "shown.png [input]" })).status).toBe(200);
  });

  it("serves parts, and nothing twice", async () => {
    const query = { filename: "words.txt", type: "input" };
    const part = await view(query, { range: "bytes=6-8" });
    expect([part.status, await part.text()]).toEqual([206, "wor"]);
    expect(part.headers.get("content-range")).toBe("bytes 6-8/11");
    expect(await (await view(query, { range: "bytes=-5" })).text()).toBe("world");
    expect(await (await view(query, { range: "bytes=6-" })).text()).toBe("world");
    const beyond = await view(query, { range: "bytes=99-" });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */11"]);
    const whole = await view(query);
    const etag = whole.headers.get("etag") ?? "";
    expect((await view(query, { "if-none-match": etag })).status).toBe(304);
    const modified = whole.headers.get("last-modified") ?? "";
    expect((await view(query, { "if-modified-since": modified })).status).toBe(304);
  });

  it("makes previews and channels", async () => {
    const query = { filename: "shown.png", type: "input" };
    const webp = await view({ ...query, preview: "webp;50" });
    expect(webp.headers.get("content-type")).toBe("image/webp");
    expect((await view({ ...query, preview: "jpeg" })).headers.get("content-type")).toBe(
      "image/jpeg",
    );
    const rgb = await sharp(await (await view({ ...query, channel: "rgb" })).bytes()).metadata();
    expect(rgb.channels).toBe(3);
    const alpha = await (await view({ ...query, channel: "a" })).bytes();
    expect([...(await sharp(alpha).raw().toBuffer()).subarray(0, 4)]).toEqual([0, 0, 0, 128]);
  });

  it("stays inside its folders", async () => {
    const type = "input";
    for (const filename of ["../secret.txt", "/etc/passwd", "deep/../../secret.txt", "a\0b"]) {
      expect((await view({ filename, type })).status, filename).toBe(400);
    }
    for (const subfolder of ["..", "../..", "/etc", "deep/../.."]) {
      const reply = await view({ filename: "secret.txt", type, subfolder });
      expect(reply.status, subfolder).toBe(403);
    }
    expect((await view({ filename: "shown.png", type: "nope" })).status).toBe(400);
    expect((await view({ filename: "none.png", type })).status).toBe(404);
    expect((await engine.get("/view?type=input")).status).toBe(404);
  });

  it("does not follow links out of its folders", async () => {
    await symlink(join(engine.folder, "secret.txt"), join(engine.folder, "input", "link.txt"));
    await symlink(engine.folder, join(engine.folder, "input", "out"));
    expect((await view({ filename: "link.txt", type: "input" })).status).toBe(403);
    const below = await view({ filename: "secret.txt", type: "input", subfolder: "out" });
    expect(below.status).toBe(403);
    const prompt = {
      1: { class_type: "LoadImage", inputs: { image: "link.txt" } },
      2: { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
    };
    const reply = await engine.post("/prompt", { prompt });
    expect(reply.status).toBe(400);
  });
});

describe("pages of other sites", () => {
  it("are refused, while the server's own and plain clients are not", async () => {
    const { url } = engine.engine;
    const ask = async (origin: string): Promise<number> =>
      (await engine.get("/queue", { origin })).status;
    expect(await ask("http://evil.example")).toBe(403);
    expect(await ask("null")).toBe(403);
    expect(await ask(url)).toBe(200);
    expect((await engine.get("/queue")).status).toBe(200);
  });
});

describe("the information routes", () => {
  it("answer under both names", async () => {
    for (const prefix of ["", "/api"]) {
      const stats = await (await engine.get(`${prefix}/system_stats`)).json();
      expect(stats).toMatchObject({
        system: { comfyui_version: "hearth-engine", argv: [] },
        devices: [{ name: "cpu", type: "cpu", index: null, vram_total: expect.any(Number) }],
      });
      expect(await (await engine.get(`${prefix}/embeddings`)).json()).toEqual([]);
      expect(await (await engine.get(`${prefix}/extensions`)).json()).toEqual([]);
      expect(await (await engine.get(`${prefix}/models`)).json()).toContain("checkpoints");
      expect(await (await engine.get(`${prefix}/models/loras`)).json()).toEqual([]);
      expect((await engine.get(`${prefix}/models/nope`)).status).toBe(404);
      expect(await (await engine.get(`${prefix}/object_info/Nope`)).json()).toEqual({});
    }
    expect((await engine.get("/nope")).status).toBe(404);
  });

  it("describe every class in ComfyUI's shape", async () => {
    const info = (await (await engine.get("/object_info")).json()) as Record<string, object>;
    expect(Object.keys(info).length).toBeGreaterThanOrEqual(42);
    expect(info["ImageStitch"]).toMatchObject({
      input: {
        required: { image1: ["IMAGE", {}], match_image_size: ["BOOLEAN", { default: true }] },
        optional: { image2: ["IMAGE", {}] },
      },
      input_order: { optional: ["image2"] },
      output: ["IMAGE"],
      output_is_list: [false],
      output_name: ["IMAGE"],
      name: "ImageStitch",
      display_name: "Stitch Images",
      python_module: "comfy_extras.nodes_images",
      category: "image/transform",
      output_node: false,
    });
    expect(info["SaveImage"]).toMatchObject({
      input: { hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" } },
      output_node: true,
    });
    expect(info["EmptyImage"]).toMatchObject({
      input: { required: { width: ["INT", { default: 512, min: 1, max: 16384, step: 1 }] } },
    });
  });
});

describe("a front end's own files", () => {
  it("are kept, listed, moved and removed, inside its folder", async () => {
    const url = `${engine.engine.url}/userdata`;
    const file = encodeURIComponent("workflows/a.json");
    const send = (path: string, method: string, body?: string): Promise<Response> =>
      fetch(`${url}${path}`, { method, ...(body !== undefined && { body }) });
    expect((await engine.get("/userdata?dir=workflows")).status).toBe(404);
    expect(await (await send(`/${file}`, "POST", '{"x":1}')).json()).toBe("workflows/a.json");
    expect((await send(`/${file}?overwrite=false`, "POST", "{}")).status).toBe(409);
    expect(await (await send(`/${file}`, "GET")).text()).toBe('{"x":1}');
    const listed = await engine.get("/api/userdata?dir=workflows&recurse=true&full_info=true");
    expect(await listed.json()).toEqual([
      { path: "a.json", size: 7, modified: expect.any(Number) },
    ]);
    const moved = encodeURIComponent("workflows/b.json");
    expect((await send(`/${file}/move/${moved}`, "POST")).status).toBe(200);
    expect((await send(`/${moved}`, "DELETE")).status).toBe(204);
    expect((await send(`/${moved}`, "GET")).status).toBe(404);
    expect((await send(`/${encodeURIComponent("../../secret.txt")}`, "GET")).status).toBe(403);
    await engine.post("/settings/theme", "dark");
    expect(await (await engine.get("/settings")).json()).toEqual({ theme: "dark" });
    expect(await (await engine.get("/settings/other")).json()).toBeNull();
  });
});
