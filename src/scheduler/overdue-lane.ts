import { BinaryHeap } from "./binary-heap.ts";
import type { QueuedJob } from "./head.ts";

/** A job's place in the lane; marked when the job has left the queue by another door. */
export interface LaneTicket {
  readonly job: QueuedJob;
  hasLeft: boolean;
}

/** Below this many departed tickets the lane is not worth rebuilding. */
const fewestToRebuild = 1_024;

/**
 * The overdue lane: who is or will be overdue first. Almost every job leaves by another door, so
 * departed tickets stay until they surface or make up half of the lane: nobody searches for them.
 */
export class OverdueLane {
  private tickets = newHeap();
  private departed = 0;

  add(job: QueuedJob): LaneTicket {
    const ticket = { job, hasLeft: false };
    this.tickets.push(ticket);
    return ticket;
  }

  leave(ticket: LaneTicket): void {
    ticket.hasLeft = true;
    this.departed++;
    while (this.tickets.peek()?.hasLeft === true) {
      this.tickets.pop();
      this.departed--;
    }
    if (this.departed > fewestToRebuild && this.departed * 2 > this.tickets.size) this.rebuild();
  }

  first(): QueuedJob | undefined {
    return this.tickets.peek()?.job;
  }

  private rebuild(): void {
    const rebuilt = newHeap();
    for (const ticket of this.tickets.all()) if (!ticket.hasLeft) rebuilt.push(ticket);
    this.tickets = rebuilt;
    this.departed = 0;
  }
}

function newHeap(): BinaryHeap<LaneTicket> {
  return new BinaryHeap<LaneTicket>({ keyOf: ({ job }) => job.overdueAtSeconds });
}
