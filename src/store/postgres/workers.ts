import type { CardMemory, Resident } from "../../protocol/worker-link.ts";
import type {
  Enrolled,
  NewEnrollment,
  NewWorker,
  StandingEnrollment,
  WorkerReadiness,
  WorkerRecord,
  WorkerResident,
  WorkerStore,
} from "../workers.ts";
import type { Runner } from "./database.ts";

/** Workers of one card; more would be a leak. */
const maxSlots = 16;

/** Workers, from enrolment to their leaving. */
export class PostgresWorkers implements WorkerStore {
  private readonly database: Runner;

  constructor(database: Runner) {
    this.database = database;
  }

  async createEnrollment(enrollment: NewEnrollment): Promise<void> {
    await this.database.sql(
      `insert into enrollment (token_hash, deployment_id, instance_id, expires_at, is_standing)
       values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4::float8 / 1000), $5)`,
      [
        Buffer.from(enrollment.tokenHash),
        enrollment.deploymentId,
        enrollment.instanceId,
        enrollment.validMs,
        enrollment.isStanding ?? false,
      ],
    );
  }

  listStandingEnrollments(): Promise<readonly StandingEnrollment[]> {
    return this.database.sql(
      `select left(encode(e.token_hash, 'hex'), 12) as id, d.slug as deployment,
         e.created_at as "createdAt", e.expires_at as "expiresAt"
       from enrollment e join deployment d on d.id = e.deployment_id
       where e.is_standing and e.expires_at > clock_timestamp()
       order by e.created_at limit 1000`,
      [],
    );
  }

  async revokeStandingEnrollment(id: string): Promise<boolean> {
    const rows = await this.database.sql(
      `delete from enrollment where is_standing and left(encode(token_hash, 'hex'), 12) = $1
       returning 1`,
      [id],
    );
    return rows.length > 0;
  }

  async enroll(enrollmentTokenHash: Uint8Array, worker: NewWorker): Promise<Enrolled | undefined> {
    const [row] = await this.database.run<Enrolled>("workers-enroll", [
      Buffer.from(enrollmentTokenHash),
      worker.id,
      worker.name,
      Buffer.from(worker.tokenHash),
      worker.externalId ?? null,
    ]);
    return row;
  }

  async enrollTrusted(deploymentId: number, worker: NewWorker): Promise<void> {
    await this.database.sql(
      "insert into worker (id, deployment_id, name, token_hash) values ($1, $2, $3, $4)",
      [worker.id, deploymentId, worker.name, Buffer.from(worker.tokenHash)],
    );
  }

  async enrollBeside(workerTokenHash: Uint8Array, worker: NewWorker): Promise<boolean> {
    const rows = await this.database.run("workers-enroll-beside", [
      Buffer.from(workerTokenHash),
      worker.id,
      worker.name,
      Buffer.from(worker.tokenHash),
      maxSlots,
    ]);
    return rows.length > 0;
  }

  async findByToken(tokenHash: Uint8Array): Promise<WorkerRecord | undefined> {
    const [row] = await this.database.run<WorkerRecord>("workers-list", [
      Buffer.from(tokenHash),
      null,
    ]);
    return row;
  }

  async markReady(workerId: string, readiness: WorkerReadiness): Promise<void> {
    await this.database.run("workers-ready", [
      workerId,
      readiness.comfyuiVersion,
      readiness.kind,
      JSON.stringify(readiness.devices),
      Math.max(0, ...readiness.devices.map((device) => device.vramTotalBytes)),
      JSON.stringify(readiness.nodes),
      readiness.isWarm,
    ]);
  }

  async reportResidents(workerId: string, residents: readonly Resident[]): Promise<void> {
    // Named twice, a model would break the statement; the first word counts.
    const byModel = new Map(residents.toReversed().map((resident) => [resident.model, resident]));
    const rows = [...byModel.values()];
    await this.database.run("workers-residents-report", [
      workerId,
      rows.map((row) => row.model),
      rows.map((row) => row.bytes),
      rows.map((row) => row.tier),
      rows.map((row) => row.pinned),
    ]);
  }

  listResidents(deploymentId: number): Promise<readonly WorkerResident[]> {
    return this.database.run<WorkerResident>("workers-residents-list", [deploymentId]);
  }

  async reportMemory(workerId: string, memory: CardMemory): Promise<void> {
    await this.database.sql("update worker set memory = $2 where id = $1 and state <> 'gone'", [
      workerId,
      JSON.stringify(memory),
    ]);
  }

  async largestCardBytes(deploymentId: number): Promise<number> {
    const [row] = await this.database.sql<{ bytes: number }>(
      `select coalesce(max(vram_bytes), 0)::bigint as bytes from worker
       where deployment_id = $1 and state = 'ready'`,
      [deploymentId],
    );
    return row?.bytes ?? 0;
  }

  async touch(workerIds: readonly string[]): Promise<readonly string[]> {
    const rows = await this.database.run<{ id: string }>("workers-touch", [workerIds]);
    return rows.map((row) => row.id);
  }

  async markDraining(workerId: string): Promise<void> {
    await this.database.sql(
      "update worker set state = 'draining' where id = $1 and state in ('starting', 'ready')",
      [workerId],
    );
  }

  async markGone(workerId: string): Promise<void> {
    await this.database.run("workers-gone", [workerId, null]);
  }

  list(deploymentId?: number): Promise<readonly WorkerRecord[]> {
    return this.database.run<WorkerRecord>("workers-list", [null, deploymentId ?? null]);
  }
}
