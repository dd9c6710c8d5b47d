import type * as Sdk from "@kubernetes/client-node";
import type { KubernetesObject, KubernetesObjectApi } from "@kubernetes/client-node";

import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import { fieldChanges, overlaid } from "../../deploy/plan/field-changes.ts";
import { isJsonObject, textIn, type JsonObject } from "../../kernel/json.ts";
import { callPlatform, type CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { kubeConfigOf, type KubernetesAccess } from "./client.ts";
import { failureOf } from "./map.ts";

/** Says to the API server which fields are ours. */
const fieldManager = "hearth";
const pageSize = 100;
/** Every kind that a release may have, in the order in which they need one another. */
const kinds = [
  ["v1", "Namespace"],
  ["v1", "ServiceAccount"],
  ["networking.k8s.io/v1", "NetworkPolicy"],
  ["rbac.authorization.k8s.io/v1", "Role"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding"],
  ["keda.sh/v1alpha1", "TriggerAuthentication"],
  ["keda.sh/v1alpha1", "ScaledJob"],
  ["apps/v1", "Deployment"],
  ["policy/v1", "PodDisruptionBudget"],
  ["autoscaling/v2", "HorizontalPodAutoscaler"],
] as const;

/**
 * Objects of a cluster, by server-side apply: fields that others own stay theirs. Pods get their
 * grace when what made them is deleted, so nothing has to be drained before.
 */
export class KubernetesDeployer implements Deployer {
  private readonly sdk: typeof Sdk;
  private readonly api: KubernetesObjectApi;
  private readonly patience: CallPatience;

  private constructor(sdk: typeof Sdk, api: KubernetesObjectApi, patience: CallPatience) {
    this.sdk = sdk;
    this.api = api;
    this.patience = patience;
  }

  static async open(access: KubernetesAccess, patience: CallPatience): Promise<KubernetesDeployer> {
    const sdk = await import("@kubernetes/client-node");
    const api = sdk.KubernetesObjectApi.makeApiClient(kubeConfigOf(sdk, access));
    return new KubernetesDeployer(sdk, api, patience);
  }

  async read(deployment: string, wanted: readonly Resource[]): Promise<readonly FoundResource[]> {
    const found: FoundResource[] = [];
    for (const [apiVersion, kind] of kinds) {
      const marked = await this.marked(apiVersion, kind, deployment);
      const known = new Set(marked.map(({ name }) => name));
      const named = wanted.filter((each) => each.kind === kind && !known.has(each.name));
      found.push(...marked);
      for (const each of named) found.push(...(await this.named(each)));
    }
    return found;
  }

  async create(resource: Resource): Promise<void> {
    const object = resource.fields as unknown as KubernetesObject;
    const { ServerSideApply } = this.sdk.PatchStrategy;
    await this.call(`apply ${resource.kind}`, () =>
      this.api.patch(object, undefined, undefined, fieldManager, true, ServerSideApply),
    );
  }

  /** What somebody else has added to a list stays under an apply, so then the whole is replaced. */
  async update(resource: Resource, { fields }: FoundResource): Promise<void> {
    const changes = fieldChanges(resource.fields, fields);
    if (changes.every(({ wanted }) => wanted !== undefined)) return this.create(resource);
    const object = overlaid(fields, resource.fields) as unknown as KubernetesObject;
    await this.call(`replace ${resource.kind}`, () =>
      this.api.replace(object, undefined, undefined, fieldManager),
    );
  }

  async remove({ kind, fields }: FoundResource): Promise<void> {
    const object = fields as unknown as KubernetesObject;
    await this.call(`delete ${kind}`, () =>
      this.api.delete(object, undefined, undefined, undefined, undefined, "Foreground"),
    );
  }

  private async marked(
    apiVersion: string,
    kind: string,
    deployment: string,
  ): Promise<readonly FoundResource[]> {
    const selector = `${deploymentMark}=${deployment}`;
    // All namespaces: an object in another one is an orphan just as well. A cluster that does not
    // know the kind, such as KEDA's, has none of it.
    const list = await this.call(`list ${kind}`, () =>
      this.api.list(
        apiVersion,
        kind,
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        selector,
        pageSize,
      ),
    );
    // Lists leave out what each item is.
    return (list?.items ?? []).flatMap((item) => foundOf({ ...item, apiVersion, kind }));
  }

  private async named({ kind, fields }: Resource): Promise<readonly FoundResource[]> {
    const { apiVersion, metadata } = fields as unknown as KubernetesObject;
    const name = metadata?.name ?? "";
    const namespace = metadata?.namespace;
    const header = { apiVersion, kind, metadata: { name, ...(namespace && { namespace }) } };
    const object = await this.call(`read ${kind}`, () => this.api.read(header as never));
    return object === undefined ? [] : foundOf(object);
  }

  private call<T>(operation: string, run: () => Promise<T>): Promise<T | undefined> {
    return callPlatform(
      {
        what: `Kubernetes ${operation}`,
        run,
        failureOf: (thrown) =>
          isUnknownKind(thrown)
            ? { kind: "missing" }
            : failureOf(thrown, this.patience.clock.now()),
        isIdempotent: true,
      },
      this.patience,
    );
  }
}

/** What the client throws for a kind that the cluster does not list. */
function isUnknownKind(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.startsWith("Unrecognized API version and kind");
}

/** None for an object that is on its way out. */
function foundOf(object: KubernetesObject): readonly FoundResource[] {
  // Dates of the client's models become text, as on the wire.
  const fields = JSON.parse(JSON.stringify(object)) as JsonObject;
  const { kind, metadata } = fields;
  if (!isJsonObject(metadata) || metadata["deletionTimestamp"] !== undefined) return [];
  const { name, uid, labels } = metadata;
  const mark = isJsonObject(labels) ? labels[deploymentMark] : undefined;
  return [
    {
      kind: textIn(kind),
      name: textIn(name),
      id: textIn(uid),
      deployment: typeof mark === "string" ? mark : null,
      fields,
    },
  ];
}
