import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import { textIn } from "../../kernel/json.ts";
import type { Deployer } from "../deployer.ts";
import { ReleaseFile } from "./release-file.ts";

/**
 * The release that this machine's workers run. Workers of another one leave when their job is done,
 * as `obsolete` ones do; without a release they are what `hearth up` was told.
 */
export class LocalDeployer implements Deployer {
  private readonly file: ReleaseFile;

  constructor(folder: string) {
    this.file = new ReleaseFile(folder);
  }

  async read(_: string, wanted: readonly Resource[]): Promise<readonly FoundResource[]> {
    const release = await this.file.read();
    if (release === undefined) return [];
    const { name, ...fields } = release;
    const deployment = release.marks[deploymentMark] ?? null;
    // There is one place for all, so a release under another name is in the way.
    const shownAs = wanted[0]?.name ?? name;
    return [{ kind: "workers", name: shownAs, id: this.file.path, deployment, fields }];
  }

  async create({ name, fields }: Resource): Promise<void> {
    const { comfyui, maxWorkers, marks } = fields;
    await this.file.write({
      name,
      comfyui: textIn(comfyui),
      maxWorkers: Number(maxWorkers),
      marks: marks as Readonly<Record<string, string>>,
    });
  }

  update(resource: Resource): Promise<void> {
    return this.create(resource);
  }

  remove(): Promise<void> {
    return this.file.remove();
  }
}
