/** What runs the workflows of a worker. */
export type ComfyuiChoice =
  | { readonly kind: "engine" }
  | {
      readonly kind: "directory";
      /** The folder of ComfyUI's `main.py`. */
      readonly directory: string;
      readonly extraArgs: readonly string[];
    }
  | { readonly kind: "url"; readonly url: string };

/** In words, for people. */
export function describeComfyui(choice: ComfyuiChoice): string {
  if (choice.kind === "engine") return "built-in engine";
  return `ComfyUI ${choice.kind === "url" ? choice.url : choice.directory}`;
}
