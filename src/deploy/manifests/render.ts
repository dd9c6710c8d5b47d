import { renderCloudRun } from "./cloud-run.ts";
import { renderContainerApps } from "./container-apps.ts";
import type { DeploymentPlan, Rendered } from "./deployment-plan.ts";
import { renderEcs } from "./ecs.ts";
import { renderKubernetes } from "./kubernetes.ts";
import { renderLambda } from "./lambda.ts";
import { renderModal } from "./modal.ts";
import { renderRunpod } from "./runpod.ts";

type Renderer = (plan: DeploymentPlan) => Rendered;

/** What can be rendered, by the platform's name. */
export const renderers: Readonly<Record<string, Renderer>> = {
  kubernetes: renderKubernetes,
  "cloud-run": renderCloudRun,
  "container-apps": renderContainerApps,
  ecs: renderEcs,
  lambda: renderLambda,
  modal: renderModal,
  runpod: renderRunpod,
};
