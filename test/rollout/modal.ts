import { status } from "@grpc/grpc-js";

import { releaseMark } from "../../src/deploy/plan/resource.ts";
import { modalResources } from "../../src/deploy/resources/modal.ts";
import { ModalDeployer } from "../../src/platforms/modal/deployer.ts";
import { Gate, type FakeManagement } from "./management.ts";
import { ModalRefusal, python, serveModal, type ModalAnswer } from "./modal-wire.ts";

const functionType = 2;
const deployed = 3;
const cborFormat = 4;

interface Autoscaler {
  min_containers?: number;
  max_containers?: number;
  buffer_containers?: number;
  scaledown_window?: number;
}

interface AppFunction {
  readonly function_name: string;
  autoscaler_settings: Autoscaler;
}

interface App {
  readonly id: string;
  /** Empty until it is published. */
  name: string;
  tags: Record<string, string>;
  /** By their ids. */
  readonly functions: Map<string, AppFunction>;
}

interface Pair {
  readonly key: string;
  readonly value: string;
}

/** Apps of one workspace: what `modal deploy` makes, and what Modal's clients read of it. */
class Apps {
  readonly all = new Map<string, App>();
  private made = 0;

  named(name: string): App | undefined {
    return [...this.all.values()].find((app) => app.name === name);
  }

  find(id: string): App {
    const app = this.all.get(id);
    if (app === undefined) throw new ModalRefusal(status.NOT_FOUND, `no app ${id}`);
    return app;
  }

  add(): App {
    const app = { id: this.nextId("ap"), name: "", tags: {}, functions: new Map() };
    this.all.set(app.id, app);
    return app;
  }

  functionOf(id: string): AppFunction {
    for (const { functions } of this.all.values()) {
      const found = functions.get(id);
      if (found !== undefined) return found;
    }
    throw new ModalRefusal(status.NOT_FOUND, `no function ${id}`);
  }

  nextId(kind: string): string {
    return `${kind}-${++this.made}`;
  }
}

const record = (pairs: readonly Pair[]): Record<string, string> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
const pairs = (entries: Readonly<Record<string, string>>): readonly Pair[] =>
  Object.entries(entries).map(([key, value]) => ({ key, value }));

/** What a deploy builds and uploads is taken unseen. */
function buildAnswers(apps: Apps): Readonly<Record<string, ModalAnswer>> {
  return {
    AuthTokenGet: () => ({ token: `e30.${btoa('{"exp":4102444800}')}.x` }),
    EnvironmentGetOrCreate: () => ({
      environment_id: "en-1",
      metadata: { name: "main", settings: { image_builder_version: "2025.06" } },
    }),
    MountGetOrCreate: () => ({
      mount_id: apps.nextId("mo"),
      handle_metadata: { content_checksum_sha256_hex: "0".repeat(64) },
    }),
    MountBatchedCheckExistence: () => ({ missing_sha256_hex_hashes: [] }),
    MountPutFile: () => ({ exists: true }),
    ImageGetOrCreate: () => ({ image_id: apps.nextId("im"), result: { status: 1 }, metadata: {} }),
    SecretGetOrCreate: ({ deployment_name: name }: { deployment_name: string }) => {
      if (name === "hearth-worker-token") return { secret_id: "st-1" };
      throw new ModalRefusal(status.NOT_FOUND, `no secret ${name}`);
    },
    AppHeartbeat: () => ({}),
    AppClientDisconnect: () => ({}),
  };
}

function appAnswers(apps: Apps): Readonly<Record<string, ModalAnswer>> {
  return {
    AppGetByDeploymentName: ({ name }: { name: string }) => ({ app_id: apps.named(name)?.id }),
    AppGetOrCreate: ({ app_name: name }: { app_name: string }) => ({
      app_id: (apps.named(name) ?? apps.add()).id,
    }),
    AppCreate: () => ({ app_id: apps.add().id }),
    AppGetLayout: ({ app_id: id }: { app_id: string }) => {
      const functions = [...apps.find(id).functions];
      const ids = functions.map(([key, { function_name: name }]) => ({ key: name, value: key }));
      return { app_layout: { function_ids: ids, class_ids: [], objects: [] } };
    },
    AppGetTags: ({ app_id: id }: { app_id: string }) => ({ tags: pairs(apps.find(id).tags) }),
    AppList: () => ({
      apps: [...apps.all.values()].map(({ id, name }) => ({
        app_id: id,
        name,
        state: deployed,
        n_running_tasks: 0,
      })),
    }),
    AppStop: ({ app_id: id }: { app_id: string }) => {
      apps.all.delete(apps.find(id).id);
      return {};
    },
    AppPublish: (request: { app_id: string; name: string; tags: Pair[]; app_state: number }) => {
      if (request.app_state !== deployed) throw new ModalRefusal(status.INVALID_ARGUMENT, "state");
      const app = apps.find(request.app_id);
      Object.assign(app, { name: request.name, tags: record(request.tags) });
      return { url: `https://modal.example/apps/${app.name}`, deployed_at: 1_800_000_000 };
    },
  };
}

function functionAnswers(apps: Apps): Readonly<Record<string, ModalAnswer>> {
  const metadata = (name: string): object => ({
    function_name: name,
    function_type: functionType,
    definition_id: "de-1",
    supported_input_formats: [cborFormat],
    supported_output_formats: [cborFormat],
  });
  return {
    FunctionPrecreate: (request: { app_id: string; function_name: string }) => {
      const { functions } = apps.find(request.app_id);
      const name = request.function_name;
      const there = [...functions].find(([, each]) => each.function_name === name)?.[0];
      const id = there ?? apps.nextId("fu");
      if (there === undefined) functions.set(id, { function_name: name, autoscaler_settings: {} });
      return { function_id: id, handle_metadata: metadata(name) };
    },
    FunctionCreate: (request: {
      app_id: string;
      existing_function_id: string;
      function: AppFunction;
    }) => {
      const { function: made, existing_function_id: id } = request;
      apps.find(request.app_id).functions.set(id, made);
      const name = made.function_name;
      const ranked = { function_name: name, ranked_functions: [{ rank: 0, function: made }] };
      return {
        function_id: id,
        function: made,
        function_data: ranked,
        handle_metadata: metadata(name),
      };
    },
    FunctionGet: ({
      app_name: app,
      object_tag: name,
    }: {
      app_name: string;
      object_tag: string;
    }) => {
      const found = [...(apps.named(app)?.functions ?? [])].find(
        ([, each]) => each.function_name === name,
      );
      if (found === undefined)
        throw new ModalRefusal(status.NOT_FOUND, `no function ${app}/${name}`);
      return { function_id: found[0], handle_metadata: metadata(name) };
    },
    FunctionGetSchedulingParams: ({ function_id: id }: { function_id: string }) => ({
      autoscaler_configuration: { settings: apps.functionOf(id).autoscaler_settings },
    }),
    FunctionUpdateSchedulingParams: (request: { function_id: string; settings: Autoscaler }) => {
      const target = apps.functionOf(request.function_id);
      target.autoscaler_settings = { ...target.autoscaler_settings, ...request.settings };
      return { current_settings: target.autoscaler_settings };
    },
  };
}

/** What others see of a rollout. */
const mutations = new Set(["AppPublish", "AppStop", "FunctionUpdateSchedulingParams"]);

/** A workspace of Modal over gRPC; Modal's own program deploys to it, and its client reads it. */
export async function openModalManagement(): Promise<FakeManagement> {
  const apps = new Apps();
  const gate = new Gate();
  const answers = { ...buildAnswers(apps), ...appAnswers(apps), ...functionAnswers(apps) };
  // For good: Modal's program would send a lost request again for longer than anybody waits.
  const cut = new ModalRefusal(status.FAILED_PRECONDITION, "the line is cut");
  const gated = Object.entries(answers).map(([name, answer]): [string, ModalAnswer] => [
    name,
    async (request) => {
      const reply = await gate.pass<object>(mutations.has(name), () => answer(request), cut);
      if (reply === cut) throw cut;
      return reply;
    },
  ]);
  const { url, server } = await serveModal(Object.fromEntries(gated));
  return {
    url,
    gate,
    place: { gpu: "l4" },
    wanted: modalResources,
    open: (patience) => {
      // The client's only way to another server; it reads it when it is made.
      process.env["MODAL_SERVER_URL"] = url;
      return ModalDeployer.open({
        access: { tokenId: "ak-test", tokenSecret: "as-test" },
        environment: null,
        program: { command: [python, "-m", "modal"], variables: process.env },
        patience,
      });
    },
    drift: () => {
      for (const { tags, functions } of apps.all.values()) {
        tags["owner"] = "somebody";
        for (const each of functions.values()) each.autoscaler_settings.max_containers = 50;
      }
      return ["autoscaler.maxContainers: 50 -> 5", "tags.owner"];
    },
    markedCount: () =>
      [...apps.all.values()].filter(({ name, tags }) => name !== "" && releaseMark in tags).length,
    close: async () => server.forceShutdown(),
  };
}
