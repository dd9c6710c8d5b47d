import type { FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";
import { enrollRequestSchema, type EnrollResponse } from "../../protocol/worker-link.ts";
import type { WorkerRecord } from "../../store/workers.ts";
import { AccessCache } from "../access-cache.ts";
import { isTrusted } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { hashToken, mintToken } from "../credentials.ts";
import { readBody } from "../json-body.ts";

const cacheMs = 3_000;

/** Who the workers are: enrolment, and the token on every later call. */
export class WorkerSessions {
  private readonly context: GatewayContext;
  private readonly random: (bytes: number) => Uint8Array;
  private readonly cache: AccessCache<WorkerRecord | undefined>;

  constructor(context: GatewayContext, random: (bytes: number) => Uint8Array) {
    this.context = context;
    this.random = random;
    this.cache = new AccessCache(context.clock, cacheMs);
  }

  /** Errors: `unauthorized` for a token that is unknown, used or too old. */
  async enroll(request: FastifyRequest): Promise<EnrollResponse> {
    const body = readBody(enrollRequestSchema, request.body);
    const { store, settings } = this.context;
    const { token, tokenHash } = mintToken(this.random(32));
    const { name, externalId } = body;
    const worker = {
      id: this.context.newId(),
      name,
      tokenHash,
      ...(externalId !== undefined && { externalId }),
    };
    let launch: EnrollResponse["launch"] = null;
    if (body.besideWorker !== undefined) {
      if (!(await store.workers.enrollBeside(hashToken(body.besideWorker), worker))) {
        throw new HearthError("unauthorized", {
          message: "No worker may be added beside this one",
        });
      }
    } else if (body.enrollmentToken === undefined) {
      await store.workers.enrollTrusted(await this.trustedPool(request, body.deployment), worker);
    } else {
      const enrolled = await store.workers.enroll(hashToken(body.enrollmentToken), worker);
      if (enrolled === undefined) {
        throw new HearthError("unauthorized", { message: "This enrolment token is not valid" });
      }
      ({ launch } = enrolled);
    }
    const { heartbeatMs, leaseMs } = settings.lease;
    return { workerId: worker.id, workerToken: token, heartbeatMs, leaseMs, launch };
  }

  /** Errors: `unauthorized` also for a worker that has left or was sent away. */
  async worker(request: FastifyRequest): Promise<WorkerRecord> {
    const token = tokenOf(request);
    const load = (): Promise<WorkerRecord | undefined> =>
      this.context.store.workers.findByToken(hashToken(token));
    const worker = await this.cache.get(token, load);
    if (worker === undefined || worker.state === "gone") throw new HearthError("unauthorized");
    return worker;
  }

  forget(request: FastifyRequest): void {
    this.cache.delete(tokenOf(request));
  }

  private async trustedPool(request: FastifyRequest, slug: string | undefined): Promise<number> {
    if (!isTrusted(request, this.context)) {
      throw new HearthError("unauthorized", { message: "An enrolment token is needed here" });
    }
    const { access } = this.context;
    const deployment = await access.deployment(access.trusted.tenantId, slug);
    if (deployment === undefined) {
      throw new HearthError("deployment_not_found", { details: { deployment: slug } });
    }
    return deployment.id;
  }
}

function tokenOf(request: FastifyRequest): string {
  const [, token] = /^Bearer +(hw_\S{1,100})$/u.exec(request.headers.authorization ?? "") ?? [];
  if (token === undefined) throw new HearthError("unauthorized");
  return token;
}
