import type { JsonObject } from "../../kernel/json.ts";
import type { ModelFile, ModelsResponse, Release } from "../../protocol/worker-link.ts";
import { modelKey } from "../../workflow/model-ref.ts";
import { modelUses } from "../../workflow/model-use.ts";
import { parseWorkflow } from "../../workflow/parse.ts";
import { AccessCache } from "../access-cache.ts";
import type { GatewayContext } from "../context.ts";

/** How far down the queue models are looked for: some minutes of work for one worker. */
const headJobs = 16;
const maxBacklog = 256;
const cacheMs = 2_000;

/** What workers are told of models; asked by all workers of a deployment, read once for all. */
export class ModelAnswers {
  private readonly context: GatewayContext;
  private readonly cache: AccessCache<ModelsResponse>;

  constructor(context: GatewayContext) {
    this.context = context;
    this.cache = new AccessCache(context.clock, cacheMs);
  }

  for(deploymentId: number): Promise<ModelsResponse> {
    return this.cache.get(String(deploymentId), () => this.read(deploymentId));
  }

  private async read(deploymentId: number): Promise<ModelsResponse> {
    const { access, jobs } = this.context.store;
    const release = await access.release(deploymentId);
    if (release.models.length === 0) return { ...release, backlog: [] };
    const heads = await jobs.headWorkflows(deploymentId, headJobs);
    const { workflowNodes: maxNodes } = this.context.settings.limits;
    return { ...release, backlog: backlogOf(release, heads, maxNodes) };
  }
}

/** Model keys that these workflows need, the first one's first. */
function backlogOf({ models }: Release, heads: readonly JsonObject[], maxNodes: number): string[] {
  const needed = (head: JsonObject): readonly ModelFile[] => {
    const parsed = parseWorkflow(head, { maxNodes });
    return parsed.ok ? modelUses(parsed.value, models).map(({ model }) => model) : [];
  };
  return [...new Set(heads.flatMap(needed).map(modelKey))].slice(0, maxBacklog);
}
