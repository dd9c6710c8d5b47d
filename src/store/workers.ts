import type {
  CardMemory,
  Device,
  EnrollResponse,
  NodeSummary,
  Resident,
} from "../protocol/worker-link.ts";

export type WorkerState = "starting" | "ready" | "draining" | "gone";

export interface WorkerRecord {
  readonly id: string;
  readonly tenantId: number;
  readonly deploymentId: number;
  readonly deployment: string;
  readonly instanceId: string | null;
  readonly name: string;
  readonly state: WorkerState;
  readonly comfyuiVersion: string | null;
  readonly kind: "comfyui" | "engine" | null;
  readonly devices: readonly Device[];
  /** Its card as it described it last; null without one. */
  readonly memory: CardMemory | null;
  /** Whether it has run something since its ComfyUI started. */
  readonly isWarm: boolean;
  readonly enrolledAt: Date;
  readonly lastSeenAt: Date;
}

/** Node classes of a deployment's workers, by class name. */
export type NodeCatalogue = Readonly<Record<string, NodeSummary>>;

export interface WorkerReadiness {
  readonly comfyuiVersion: string;
  readonly kind: "comfyui" | "engine";
  readonly devices: readonly Device[];
  readonly nodes: NodeCatalogue;
  readonly isWarm: boolean;
}

/** What an enrolment led to. */
export interface Enrolled {
  readonly deploymentId: number;
  /** How long its instance took to get there; null where no instance of ours is behind it. */
  readonly launch: EnrollResponse["launch"];
}

export interface WorkerResident extends Resident {
  readonly workerId: string;
}

export interface NewWorker {
  readonly id: string;
  readonly name: string;
  readonly tokenHash: Uint8Array;
  /** The platform's name of its instance, where the worker knows it. */
  readonly externalId?: string;
}

export interface NewEnrollment {
  readonly tokenHash: Uint8Array;
  readonly deploymentId: number;
  readonly instanceId: string | null;
  readonly validMs: number;
  /** Lets in any number of workers until it expires or is revoked. */
  readonly isStanding?: boolean;
}

/** An enrolment that still lets workers in, without its secret. */
export interface StandingEnrollment {
  /** The first digits of the token's hash. */
  readonly id: string;
  readonly deployment: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface WorkerStore {
  createEnrollment(enrollment: NewEnrollment): Promise<void>;
  listStandingEnrollments(): Promise<readonly StandingEnrollment[]>;
  /** Workers that it let in stay. False: there is none of this id. */
  revokeStandingEnrollment(id: string): Promise<boolean>;
  /** Uses up an enrolment; undefined where it is unknown, used or too old. */
  enroll(enrollmentTokenHash: Uint8Array, worker: NewWorker): Promise<Enrolled | undefined>;
  /** Enrols without a token: the gateway took the caller on other grounds. */
  enrollTrusted(deploymentId: number, worker: NewWorker): Promise<void>;
  /** Enrols another slot of a card by the word of a worker on it; whether that worker may. */
  enrollBeside(workerTokenHash: Uint8Array, worker: NewWorker): Promise<boolean>;
  findByToken(tokenHash: Uint8Array): Promise<WorkerRecord | undefined>;
  /** Marks the worker ready and makes its node catalogue that of its deployment. */
  markReady(workerId: string, readiness: WorkerReadiness): Promise<void>;
  /** Replaces what is known of the model files that a worker has. */
  reportResidents(workerId: string, residents: readonly Resident[]): Promise<void>;
  /** Model files of a deployment's workers that have not left. */
  listResidents(deploymentId: number): Promise<readonly WorkerResident[]>;
  /** Notes what a worker says of its card. */
  reportMemory(workerId: string, memory: CardMemory): Promise<void>;
  /** The most memory that a ready worker's card has; 0 without one. */
  largestCardBytes(deploymentId: number): Promise<number>;
  /** Notes life signs in one statement. Returns the ids of workers that are to drain. */
  touch(workerIds: readonly string[]): Promise<readonly string[]>;
  markDraining(workerId: string): Promise<void>;
  /** The worker leaves; leases it still holds end now, as lost. */
  markGone(workerId: string): Promise<void>;
  list(deploymentId?: number): Promise<readonly WorkerRecord[]>;
}
