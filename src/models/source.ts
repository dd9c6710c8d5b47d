import { err, ok, type Result } from "../kernel/result.ts";

/** Where a file is fetched from: a URL, or a path on this machine or a mounted volume. */
export type Source =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly path: string }
  /** An environment variable of the worker that holds the URL, for one that is signed. */
  | { readonly kind: "secret"; readonly name: string };

const hosts = {
  huggingFace: "https://huggingface.co",
  civitai: "https://civitai.com",
  gcs: "https://storage.googleapis.com",
} as const;

/**
 * Reads a source as people write it: `https://…`, `hf:org/repo/path@revision`,
 * `civitai:<version id>`, `s3://bucket/key?region=…`, `gs://bucket/object`,
 * `az://account/container/blob`, `env:NAME`, or an absolute path. The reason where it is none.
 */
export function parseSource(text: string): Result<Source, string> {
  if (text.startsWith("/") || /^[A-Za-z]:[\\/]/u.test(text))
    return ok({ kind: "file", path: text });
  if (text.startsWith("file:///")) return ok({ kind: "file", path: decodeURI(text.slice(7)) });
  const scheme = /^([a-z0-9]+):/u.exec(text)?.[1];
  const rest = text.slice((scheme ?? "").length + 1);
  switch (scheme ?? "") {
    case "https":
    case "http":
      return webUrl(text);
    case "env":
      // Only these are kept from custom nodes, which can read ComfyUI's environment.
      return /^HEARTH_[A-Z0-9_]{1,92}$/u.test(rest)
        ? ok({ kind: "secret", name: rest })
        : err("env: needs the name of a variable that begins with HEARTH_");
    case "hf":
      return huggingFaceUrl(rest);
    case "civitai":
      return /^\d{1,12}$/u.test(rest)
        ? ok({ kind: "url", url: `${hosts.civitai}/api/download/models/${rest}` })
        : err("civitai: needs the number of a model version");
    case "s3":
      return s3Url(rest);
    case "gs":
      return bucketUrl(
        rest,
        2,
        ([bucket = "", ...key]) => `${hosts.gcs}/${bucket}/${key.join("/")}`,
      );
    case "az":
      return bucketUrl(
        rest,
        3,
        ([account = "", ...path]) => `https://${account}.blob.core.windows.net/${path.join("/")}`,
      );
    default:
      return err("it is neither a URL nor an absolute path");
  }
}

/** A source without what could be a secret: no user, no query. */
export function describeSource(source: Source): string {
  if (source.kind === "file") return source.path;
  if (source.kind === "secret") return `env:${source.name}`;
  const { origin, pathname } = new URL(source.url);
  return origin + pathname;
}

function webUrl(text: string): Result<Source, string> {
  if (!URL.canParse(text)) return err("it is not a valid URL");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    return err("it holds credentials; set a token for the host instead");
  }
  url.hash = "";
  return ok({ kind: "url", url: url.href });
}

function huggingFaceUrl(rest: string): Result<Source, string> {
  const [path = "", revision = "main"] = rest.split("@", 2);
  const [owner, repo, ...file] = path.split("/");
  if (!owner || !repo || file.length === 0 || file.includes("") || revision === "") {
    return err("hf: needs owner/repository/path, and may end in @revision");
  }
  const parts = [owner, repo, "resolve", revision, ...file].map(encodeURIComponent);
  return ok({ kind: "url", url: `${hosts.huggingFace}/${parts.join("/")}` });
}

function s3Url(rest: string): Result<Source, string> {
  const [place = "", query = ""] = rest.split("?", 2);
  const region = new URLSearchParams(query).get("region");
  if (region !== null && !/^[a-z0-9-]{1,40}$/u.test(region)) return err("s3: has no valid region");
  const host = region === null ? "s3.amazonaws.com" : `s3.${region}.amazonaws.com`;
  return bucketUrl(
    place,
    2,
    ([bucket = "", ...key]) => `https://${bucket}.${host}/${key.join("/")}`,
  );
}

/** `//a/b/c` in at least `minParts` parts, each made safe for a URL. */
function bucketUrl(
  rest: string,
  minParts: number,
  urlOf: (parts: readonly string[]) => string,
): Result<Source, string> {
  const parts = rest.replace(/^\/\//u, "").split("/");
  const [host = ""] = parts;
  if (parts.length < minParts || parts.includes("")) return err("it names no object in a bucket");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/u.test(host)) return err("it has no valid bucket name");
  return ok({ kind: "url", url: urlOf(parts.map(encodeURIComponent)) });
}
