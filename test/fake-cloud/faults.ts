import type { CloudFault } from "../../src/platforms/platform.suite.ts";

/** Faults that are due, first come first served. */
export class Faults {
  private due: CloudFault[] = [];

  failNext(fault: CloudFault, times = 1): void {
    this.due.push(...Array.from({ length: times }, () => fault));
  }

  /** The next fault, if it is one that can strike here. */
  take(...kinds: readonly CloudFault[]): CloudFault | undefined {
    const [next] = this.due;
    if (next === undefined || !kinds.includes(next)) return undefined;
    return this.due.shift();
  }
}
