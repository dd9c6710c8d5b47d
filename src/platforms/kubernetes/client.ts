import type * as Sdk from "@kubernetes/client-node";
import type { BatchV1Api, V1Job } from "@kubernetes/client-node";

import { callPlatform, type CallPatience } from "../calls.ts";
import { failureOf, isConflict } from "./map.ts";

/** How the API server is reached. */
export type KubernetesAccess =
  /** The kubeconfig of the environment, or the pod's own service account. */
  | { readonly kind: "default"; readonly context: string | null }
  | {
      readonly kind: "server";
      readonly url: string;
      readonly token: string;
      readonly skipsTlsCheck: boolean;
    };

type RequestOptions = NonNullable<Parameters<BatchV1Api["listNamespacedJob"]>[1]>;

/** Bounds on one look at the namespace. */
const pageSize = 200;
const maxPages = 50;

export function kubeConfigOf(sdk: typeof Sdk, access: KubernetesAccess): Sdk.KubeConfig {
  const config = new sdk.KubeConfig();
  if (access.kind === "server") {
    config.loadFromOptions({
      clusters: [{ name: "c", server: access.url, skipTLSVerify: access.skipsTlsCheck }],
      users: [{ name: "u", token: access.token }],
      contexts: [{ name: "x", cluster: "c", user: "u" }],
      currentContext: "x",
    });
  } else {
    config.loadFromDefault();
    if (access.context !== null) config.setCurrentContext(access.context);
  }
  return config;
}

/** The calls that we need of the official client, which is loaded only here. */
export class KubernetesClient {
  private readonly sdk: typeof Sdk;
  private readonly api: BatchV1Api;
  private readonly namespace: string;
  private readonly patience: CallPatience;

  private constructor(sdk: typeof Sdk, api: BatchV1Api, namespace: string, patience: CallPatience) {
    this.sdk = sdk;
    this.api = api;
    this.namespace = namespace;
    this.patience = patience;
  }

  static async open(
    access: KubernetesAccess,
    namespace: string,
    patience: CallPatience,
  ): Promise<KubernetesClient> {
    const sdk = await import("@kubernetes/client-node");
    const config = kubeConfigOf(sdk, access);
    return new KubernetesClient(sdk, config.makeApiClient(sdk.BatchV1Api), namespace, patience);
  }

  /** Idempotent by the Job's name. */
  async createJob(job: V1Job): Promise<void> {
    await this.call("create Job", async (options) => {
      try {
        await this.api.createNamespacedJob({ namespace: this.namespace, body: job }, options);
      } catch (thrown) {
        if (!isConflict(thrown)) throw thrown;
      }
    });
  }

  /** The Job stays visible until its pod has gone. */
  async deleteJob(name: string): Promise<void> {
    const { namespace } = this;
    await this.call("delete Job", (options) =>
      this.api.deleteNamespacedJob({ name, namespace, propagationPolicy: "Foreground" }, options),
    );
  }

  async listJobs(labelSelector: string): Promise<readonly V1Job[]> {
    const jobs: V1Job[] = [];
    let next: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const query = {
        namespace: this.namespace,
        labelSelector,
        limit: pageSize,
        ...(next !== undefined && { _continue: next }),
      };
      const list = await this.call("list Jobs", (options) =>
        this.api.listNamespacedJob(query, options),
      );
      jobs.push(...(list?.items ?? []));
      next = list?.metadata?._continue;
      if (next === undefined || next === "") break;
    }
    return jobs;
  }

  private call<T>(
    operation: string,
    run: (options: RequestOptions) => Promise<T>,
  ): Promise<T | undefined> {
    return callPlatform(
      {
        what: `Kubernetes ${operation}`,
        run: (signal) => run(this.abortedBy(signal)),
        failureOf: (thrown) => failureOf(thrown, this.patience.clock.now()),
        isIdempotent: true,
      },
      this.patience,
    );
  }

  /** The client's one way to hand a signal to a request. */
  private abortedBy(signal: AbortSignal): RequestOptions {
    const { Observable } = this.sdk;
    return {
      middleware: [
        {
          pre: (request) => {
            request.setSignal(signal);
            return new Observable(Promise.resolve(request));
          },
          post: (response) => new Observable(Promise.resolve(response)),
        },
      ],
      middlewareMergeStrategy: "append",
    };
  }
}
