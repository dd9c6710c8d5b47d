import type { CallPatience } from "../../src/platforms/calls.ts";
import type { Deployer } from "../../src/platforms/deployer.ts";
import type { DeployTarget, Wanted } from "../../src/deploy/plan/resource.ts";
import { serveJson, type FakeReply, type FakeRequest } from "../fake-cloud/http.ts";

/** One provider's management plane, in its vendor's wire format over loopback. */
export interface FakeManagement {
  readonly url: string;
  readonly gate: Gate;
  /** What the operator has to say of this place. */
  readonly place: Readonly<Record<string, string>>;
  /** Where an image is something else than a name in a registry. */
  imageOf?(release: string): string;
  wanted(target: DeployTarget): Wanted;
  open(patience: CallPatience): Promise<Deployer>;
  /** Somebody changes a setting, and adds one, by hand. Returns words that a diff has to name. */
  drift(): readonly string[] | Promise<readonly string[]>;
  /** Everything that bears a mark of ours. */
  markedCount(): number | Promise<number>;
  close(): Promise<void>;
}

/** Counts what changes something, and cuts the line in the middle of a rollout. */
export class Gate {
  /** Requests that changed, or were to change, something. */
  mutations = 0;
  /** Called before the answer to a change leaves. */
  onMutation: (count: number) => void = () => undefined;
  private cutAfter = Infinity;

  /** The line is cut after so many more changes: the last one is done and its answer is lost. */
  cut(afterMutations: number): void {
    this.cutAfter = this.mutations + afterMutations;
  }

  mend(): void {
    this.cutAfter = Infinity;
  }

  /** Lets a request through, unless the line is cut. */
  async pass<T>(isMutation: boolean, handle: () => T | Promise<T>, lost: T): Promise<T> {
    if (this.mutations >= this.cutAfter) return lost;
    const reply = await handle();
    if (isMutation) this.onMutation(++this.mutations);
    return isMutation && this.mutations >= this.cutAfter ? lost : reply;
  }
}

const lostReply: FakeReply = { status: 503, isLost: true };

/** Serves a management plane behind a gate. */
export function serveBehind(
  gate: Gate,
  handle: (request: FakeRequest) => FakeReply | Promise<FakeReply>,
  isMutation: (request: FakeRequest) => boolean = ({ method }) => method !== "GET",
  tls?: { readonly key: string; readonly cert: string },
): ReturnType<typeof serveJson> {
  return serveJson(
    (request) => gate.pass(isMutation(request), () => handle(request), lostReply),
    tls,
  );
}
