import { errorMessage } from "../../kernel/errors.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import type { Store } from "../../store/store.ts";
import { PoolView } from "./pool-view.ts";
import type { QueueHint } from "./queue-hint.ts";

/** A survey a second bounds the error of every hint. */
const surveyEveryMs = 1_000;
/** Where a survey takes long, because a transaction holds dead rows, at most 5 % of the time. */
const surveyShare = 20;
/** Backlogs beyond this many jobs are all alike: longer than any load. */
const countLimit = 64;

interface Entry {
  readonly view: PoolView;
  surveyedAtMs: number;
  tookMs: number;
  isHurried: boolean;
  survey: Promise<void> | undefined;
  /** Workers that wait although no survey has found them; looked for again at the next one. */
  readonly missing: Set<string>;
}

/** The views of all deployments for which workers wait here, looked after while they do. */
export class PoolViews {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly entries = new Map<number, Entry>();

  constructor(store: Store, clock: Clock, logger: Logger) {
    this.store = store;
    this.clock = clock;
    this.logger = logger;
  }

  /**
   * What is known now, never more than a survey old. A survey that is due is made in passing,
   * unless nothing is known yet of the pool or of one of the workers.
   */
  async current(deploymentId: number, workerIds: readonly string[]): Promise<PoolView> {
    const entry = this.entryOf(deploymentId);
    if (this.isDue(entry)) void this.startSurvey(entry);
    const isNew = entry.surveyedAtMs === Number.NEGATIVE_INFINITY;
    // Signals that say only "something" bring it forward as well, unless it takes long.
    const isHurried = entry.isHurried && this.ageMs(entry) >= 2 * entry.tookMs;
    if (isNew || isHurried) await this.startSurvey(entry);
    await this.meet(entry, workerIds);
    if (entry.view.unknownSets.size > 0) {
      const unknown = [...entry.view.unknownSets];
      entry.view.learnSets(await this.store.queue.modelSets(unknown));
    }
    return entry.view;
  }

  /** What the last survey said, unless it is overdue; undefined before the first. */
  known(deploymentId: number): PoolView | undefined {
    const entry = this.entries.get(deploymentId);
    return entry === undefined || entry.isHurried || this.isDue(entry) ? undefined : entry.view;
  }

  /** Looks for workers that nobody has heard of; the survey under way may have begun before them. */
  private async meet(entry: Entry, workerIds: readonly string[]): Promise<void> {
    const isStrange = (id: string): boolean => !entry.view.knows(id) && !entry.missing.has(id);
    if (!workerIds.some(isStrange)) return;
    await entry.survey;
    if (workerIds.some(isStrange)) await this.startSurvey(entry);
    for (const id of workerIds.filter(isStrange)) entry.missing.add(id);
  }

  note(hint: QueueHint): void {
    const entry = this.entries.get(hint.deploymentId);
    if (entry === undefined) return;
    if (hint.placed === null) entry.isHurried = true;
    else entry.view.notePlaced(hint.placed);
  }

  private entryOf(deploymentId: number): Entry {
    const entry = this.entries.get(deploymentId) ?? {
      view: new PoolView(deploymentId),
      surveyedAtMs: Number.NEGATIVE_INFINITY,
      tookMs: 0,
      isHurried: false,
      survey: undefined,
      missing: new Set(),
    };
    this.entries.set(deploymentId, entry);
    return entry;
  }

  private ageMs(entry: Entry): number {
    return this.clock.now() - entry.surveyedAtMs;
  }

  private isDue(entry: Entry): boolean {
    return this.ageMs(entry) >= Math.max(surveyEveryMs, entry.tookMs * surveyShare);
  }

  private startSurvey(entry: Entry): Promise<void> {
    entry.survey ??= this.survey(entry).finally(() => {
      entry.survey = undefined;
    });
    return entry.survey;
  }

  private async survey(entry: Entry): Promise<void> {
    const { view } = entry;
    const { queue, workers } = this.store;
    const startedAtMs = this.clock.now();
    entry.isHurried = false;
    entry.missing.clear();
    try {
      const [survey, fleet, residents] = await Promise.all([
        queue.survey(view.deploymentId, countLimit),
        queue.fleet(view.deploymentId),
        workers.listResidents(view.deploymentId),
      ]);
      view.learnSurvey(survey);
      view.learnFleet(fleet, residents);
      if (view.isShared && view.maxStartTag > 0)
        await queue.advanceClock(view.deploymentId, view.maxStartTag);
    } catch (thrown) {
      const fields = { deploymentId: view.deploymentId, cause: errorMessage(thrown) };
      this.logger.warn(fields, "the queue could not be surveyed; going by what is known");
    }
    entry.surveyedAtMs = this.clock.now();
    entry.tookMs = entry.surveyedAtMs - startedAtMs;
  }
}
