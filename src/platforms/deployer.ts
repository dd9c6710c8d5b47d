import type { FoundResource, Resource } from "../deploy/plan/resource.ts";

/**
 * Keeps the resources of deployments on one platform. Every verb may be sent again after a failure:
 * what it finds done stays done. Errors: those of `Platform`.
 */
export interface Deployer {
  /**
   * What is there under the names of `wanted`, and whatever else bears the mark of the deployment,
   * in an order in which the last can be removed first.
   */
  read(deployment: string, wanted: readonly Resource[]): Promise<readonly FoundResource[]>;
  create(resource: Resource): Promise<void>;
  update(resource: Resource, found: FoundResource): Promise<void>;
  /** Gone is no error. Returns once the name may be taken again. */
  remove(found: FoundResource): Promise<void>;
  /** Lets nothing new start; what runs may finish. Absent: removal itself waits for what runs. */
  drain?(found: FoundResource): Promise<void>;
  /** Instances that still run; absent where the platform ends them in peace by itself. */
  running?(found: FoundResource): Promise<number>;
  close?(): void;
}
