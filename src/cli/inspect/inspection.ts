import type { CheckResult } from "../../workflow/check/catalogue-check.ts";
import type { Requirements } from "../../workflow/requirements.ts";

/** `here`: in the models folder. `downloadable`: a source is known. `missing`: neither. */
export type ModelState = "here" | "downloadable" | "missing" | "unknown";

/** What `hearth inspect --json` prints. */
export interface Inspection {
  readonly file: string;
  /** `json`, or the kind of file that the workflow was found in. */
  readonly container: string;
  readonly format: "api" | "editor";
  readonly nodes: number;
  readonly requirements: Requirements;
  /** By model key, `folder/filename`. */
  readonly modelStates: Readonly<Record<string, ModelState>>;
  /** Classes whose widgets went by the file's own names, for want of a catalogue. */
  readonly guessedClasses: readonly string[];
  /** Classes that the catalogue does not have; null without one. */
  readonly missingClasses: readonly string[] | null;
  /** What a ComfyUI with this catalogue would answer; null without one. */
  readonly check: CheckResult | null;
}
