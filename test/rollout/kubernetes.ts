import { randomUUID } from "node:crypto";

import { ScaledJob } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledJob";
import { TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { HorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Role } from "kubernetes-models/rbac.authorization.k8s.io/v1/Role";
import { RoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";

import { releaseMark } from "../../src/deploy/plan/resource.ts";
import { kubernetesResources } from "../../src/deploy/resources/kubernetes.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../src/kernel/json.ts";
import { KubernetesDeployer } from "../../src/platforms/kubernetes/deployer.ts";
import type { FakeReply, FakeRequest } from "../fake-cloud/http.ts";
import { Gate, serveBehind, type FakeManagement } from "./management.ts";
import { applied } from "./server-side-apply.ts";

interface Kind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly model: new (data: never) => { validate(): void };
}

const rbac = "apis/rbac.authorization.k8s.io/v1";
const kinds: readonly Kind[] = [
  row("api/v1", "Namespace", "namespaces", Namespace, false),
  row("api/v1", "ServiceAccount", "serviceaccounts", ServiceAccount),
  row("apis/networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", NetworkPolicy),
  row(rbac, "Role", "roles", Role),
  row(rbac, "RoleBinding", "rolebindings", RoleBinding),
  row("apis/apps/v1", "Deployment", "deployments", Deployment),
  row("apis/policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", PodDisruptionBudget),
  row(
    "apis/autoscaling/v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    HorizontalPodAutoscaler,
  ),
  row(
    "apis/keda.sh/v1alpha1",
    "TriggerAuthentication",
    "triggerauthentications",
    TriggerAuthentication,
  ),
  row("apis/keda.sh/v1alpha1", "ScaledJob", "scaledjobs", ScaledJob),
];

function row(
  group: string,
  kind: string,
  plural: string,
  model: Kind["model"],
  namespaced = true,
): Kind {
  return { group, kind, plural, namespaced, model };
}

interface Stored {
  readonly live: JsonObject;
  readonly lastApplied: JsonObject | undefined;
}

/** The part of an API server that objects need: discovery, apply, replace, delete, lists by label. */
class FakeObjects {
  readonly stored = new Map<string, Stored>();

  handle({ method, path, query, headers, body }: FakeRequest): FakeReply {
    if (headers.authorization !== "Bearer test") return failure(401, "Unauthorized");
    const resources = kinds.filter(({ group }) => path === `/${group}`);
    if (resources.length > 0) {
      const listed = resources.map(({ plural: name, kind, namespaced }) => ({
        name,
        kind,
        namespaced,
      }));
      return { status: 200, body: { kind: "APIResourceList", resources: listed } };
    }
    const place = placeOf(path);
    if (place === undefined) return failure(404, path);
    const { kind, name, namespace } = place;
    if (name === "") return this.list(kind, query.get("labelSelector") ?? "");
    const key = keyOf(kind, namespace, name);
    switch (method) {
      case "GET":
        return this.reply(key);
      case "PATCH":
        if (headers["content-type"] !== "application/apply-patch+yaml")
          return failure(415, "patch");
        return this.put(kind, namespace, key, body as JsonObject, true);
      case "PUT":
        return this.put(kind, namespace, key, body as JsonObject, false);
      default:
        return this.remove(kind, key, name);
    }
  }

  /** Changes objects as `kubectl edit` does. */
  edit(kind: string, change: (live: JsonObject) => JsonObject): void {
    for (const [key, { live, lastApplied }] of this.stored) {
      if (key.startsWith(`${kind}/`)) this.stored.set(key, { live: change(live), lastApplied });
    }
  }

  private list({ kind }: Kind, selector: string): FakeReply {
    const [label = "", value = ""] = selector.split("=");
    const items = [...this.stored]
      .filter(([key, { live }]) => key.startsWith(`${kind}/`) && labelsOf(live)[label] === value)
      .map(([, { live }]) => live);
    return { status: 200, body: { kind: `${kind}List`, metadata: {}, items } };
  }

  private put(
    kind: Kind,
    namespace: string,
    key: string,
    body: JsonObject,
    isApply: boolean,
  ): FakeReply {
    if (kind.namespaced && !this.stored.has(keyOf(kinds[0]!, "", namespace))) {
      return failure(404, `namespaces "${namespace}" not found`);
    }
    const before = this.stored.get(key);
    const next = isApply ? applied(before?.live ?? {}, before?.lastApplied, body) : body;
    try {
      new kind.model(withoutServerFields(next) as never).validate();
    } catch (thrown) {
      return failure(422, String(thrown));
    }
    const live = withDefaults(next);
    this.stored.set(key, { live, lastApplied: isApply ? body : before?.lastApplied });
    return { status: before === undefined ? 201 : 200, body: live };
  }

  private remove({ kind }: Kind, key: string, name: string): FakeReply {
    if (!this.stored.delete(key)) return failure(404, key);
    if (kind === "Namespace") {
      for (const each of this.stored.keys()) {
        if (each.split("/")[1] === name) this.stored.delete(each);
      }
    }
    return { status: 200, body: { kind: "Status", status: "Success" } };
  }

  private reply(key: string): FakeReply {
    const found = this.stored.get(key);
    return found === undefined ? failure(404, key) : { status: 200, body: found.live };
  }
}

function failure(code: number, message: string): FakeReply {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", message, code };
  return { status: code, body };
}

function placeOf(path: string) {
  for (const kind of kinds) {
    const pattern = new RegExp(
      `^/${kind.group}(?:/namespaces/([^/]+))?/${kind.plural}(?:/([^/]+))?$`,
      "u",
    );
    const match = pattern.exec(path);
    if (match !== null) return { kind, namespace: match[1] ?? "", name: match[2] ?? "" };
  }
  return undefined;
}

function keyOf({ kind }: Kind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function labelsOf(live: JsonObject): JsonObject {
  const { metadata } = live;
  const labels = isJsonObject(metadata) ? metadata["labels"] : undefined;
  return isJsonObject(labels) ? labels : {};
}

const serverFields = new Set(["uid", "resourceVersion", "creationTimestamp", "managedFields"]);

function withoutServerFields(object: JsonObject): JsonObject {
  const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  const kept = Object.entries(metadata).filter(([key]) => !serverFields.has(key));
  return { ...object, metadata: Object.fromEntries(kept) };
}

/** What an API server fills in. */
function withDefaults(object: JsonObject): JsonObject {
  const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  const filled = eachContainer(object, (container) => ({
    imagePullPolicy: "IfNotPresent",
    terminationMessagePath: "/dev/termination-log",
    ...container,
  }));
  return {
    ...filled,
    metadata: {
      uid: randomUUID(),
      creationTimestamp: "2026-11-01T00:00:00Z",
      managedFields: [],
      ...metadata,
      resourceVersion: randomUUID(),
    },
  };
}

/** Changes every container of whatever pod template is inside. */
function eachContainer(
  object: JsonObject,
  change: (container: JsonObject) => JsonObject,
): JsonObject {
  const walk = (value: JsonValue, key: string): JsonValue => {
    if (key === "containers" && Array.isArray(value)) {
      return (value as readonly JsonValue[]).map((item) =>
        isJsonObject(item) ? change(item) : item,
      );
    }
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, walk(inner, name)]),
    );
  };
  return walk(object, "") as JsonObject;
}

/** A cluster on which a release scales by an HPA, so that pods are part of what is applied. */
export async function openKubernetesManagement(): Promise<FakeManagement> {
  const objects = new FakeObjects();
  const gate = new Gate();
  const server = await serveBehind(gate, (request) => objects.handle(request));
  return {
    url: server.url,
    gate,
    place: { scaling: "hpa" },
    wanted: kubernetesResources,
    open: (patience) =>
      KubernetesDeployer.open(
        { kind: "server", url: server.url, token: "test", skipsTlsCheck: true },
        patience,
      ),
    drift: () => {
      objects.edit("Deployment", (live) =>
        eachContainer(live, (container) => ({
          ...container,
          image: "somebody/else:1",
          env: [...(container["env"] as JsonValue[]), { name: "DEBUG", value: "1" }],
        })),
      );
      return ["containers[worker].image", "env[DEBUG]"];
    },
    markedCount: () =>
      [...objects.stored.values()].filter(({ live }) => releaseMark in labelsOf(live)).length,
    close: () => server.close(),
  };
}
