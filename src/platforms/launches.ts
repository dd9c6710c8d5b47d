/** Lets concurrent launches with one token be one launch. */
export class Launches {
  private readonly underWay = new Map<string, Promise<{ readonly externalId: string }>>();

  has(clientToken: string): boolean {
    return this.underWay.has(clientToken);
  }

  async once(
    clientToken: string,
    launch: () => Promise<{ readonly externalId: string }>,
  ): Promise<{ readonly externalId: string }> {
    const running = this.underWay.get(clientToken) ?? launch();
    this.underWay.set(clientToken, running);
    try {
      return await running;
    } finally {
      this.underWay.delete(clientToken);
    }
  }
}
