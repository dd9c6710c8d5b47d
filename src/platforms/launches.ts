interface Launched {
  readonly externalId: string;
}

/** How many answered launches are remembered. */
const maxRemembered = 1_000;

/** Lets launches with one token be one launch, at the same time and after one another. */
export class Launches {
  private readonly underWay = new Map<string, Promise<Launched>>();
  private readonly answered = new Map<string, Launched>();

  has(clientToken: string): boolean {
    return this.underWay.has(clientToken);
  }

  /** Joins a launch that is under way; forgets it once it has ended. */
  async once(clientToken: string, launch: () => Promise<Launched>): Promise<Launched> {
    const running = this.underWay.get(clientToken) ?? launch();
    this.underWay.set(clientToken, running);
    try {
      return await running;
    } finally {
      this.underWay.delete(clientToken);
    }
  }

  /** As `once`, and gives the first answer again: for platforms that would launch a second time. */
  async ever(clientToken: string, launch: () => Promise<Launched>): Promise<Launched> {
    const before = this.answered.get(clientToken);
    if (before !== undefined) return before;
    const launched = await this.once(clientToken, launch);
    this.answered.set(clientToken, launched);
    for (const oldest of this.answered.keys()) {
      if (this.answered.size <= maxRemembered) break;
      this.answered.delete(oldest);
    }
    return launched;
  }
}
