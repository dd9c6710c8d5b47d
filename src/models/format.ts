import type { Result } from "../kernel/result.ts";
import { err, ok } from "../kernel/result.ts";
import type { ModelRef } from "../workflow/model-ref.ts";

const endings = [".safetensors", ".sft"];
const pickleEndings = [".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".pickle"];
const folderPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/u;
const maxFilenameLength = 400;
const maxSegmentBytes = 255;

/**
 * Whether a model may be delivered under this name: a safetensors file inside a ComfyUI model
 * folder, without a way out of it. The reason where not.
 */
export function checkModelName({ folder, filename }: ModelRef): Result<true, string> {
  if (!folderPattern.test(folder)) return err(`"${folder}" is no name of a model folder`);
  if (filename.length > maxFilenameLength) return err("its name is too long");
  if (/[\p{Cc}\\:]/u.test(filename)) return err("its name holds characters that paths may not");
  const segments = filename.split("/");
  if (segments.some((part) => part === "" || part.startsWith("."))) {
    return err("its name has an empty or hidden part");
  }
  if (segments.some((part) => new TextEncoder().encode(part).length > maxSegmentBytes)) {
    return err("a part of its name is too long for a file system");
  }
  const name = filename.toLowerCase();
  if (endings.some((ending) => name.endsWith(ending))) return ok(true);
  if (pickleEndings.some((ending) => name.endsWith(ending))) {
    return err("pickle files can run code when they are loaded; use its safetensors version");
  }
  return err(`only ${endings.join(" and ")} files are delivered`);
}

/** What the first bytes of a file show it to be, where that is not a safetensors file. */
export function foreignFormat(start: Uint8Array): string | undefined {
  const [first = 0, second = 0] = start;
  if (first === 0x80 && second >= 2 && second <= 5 && start[7] !== 0) return "a pickle";
  const text = String.fromCharCode(...start.subarray(0, 64));
  if (text.startsWith("PK\u0003\u0004")) return "a zip archive, such as a pickled PyTorch file";
  if (text.startsWith("GGUF")) return "a GGUF file";
  if (/^\s*<(?:!doctype|html|\?xml)/iu.test(text)) return "a web page";
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer";
  return undefined;
}
