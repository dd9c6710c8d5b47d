import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";

/** Closes what was opened in reverse order, all of it, whatever fails on the way. */
export class Teardown {
  private readonly logger: Logger;
  private readonly parts: { readonly name: string; readonly close: () => Promise<void> }[] = [];

  constructor(logger: Logger) {
    this.logger = logger;
  }

  add(name: string, close: () => Promise<void>): void {
    this.parts.push({ name, close });
  }

  async run(): Promise<void> {
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop()) {
      try {
        await part.close();
      } catch (thrown) {
        this.logger.error({ part: part.name, error: errorMessage(thrown) }, "could not be closed");
      }
    }
  }
}
