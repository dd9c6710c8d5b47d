import { randomUUID } from "node:crypto";

import { addWorker, openTestStore } from "../../test/store.ts";
import type { QueueSubject } from "./subject.ts";

const workers = 64;
const chunk = 50_000;

/** Our queue as a gateway uses it: each claim also writes the lease and the attempt. */
export async function openHearth(serverUrl: string): Promise<QueueSubject> {
  const fixture = await openTestStore(serverUrl);
  const workerIds = await Promise.all(Array.from({ length: workers }, () => addWorker(fixture)));
  return {
    name: "hearth",
    async fill(count) {
      for (let left = count; left > 0; left -= chunk) {
        await fixture.query(fillText, [
          fixture.tenantId,
          fixture.deploymentId,
          Math.min(left, chunk),
        ]);
      }
      await fixture.query("vacuum analyze");
    },
    async claim(batch) {
      const slots = Array.from({ length: batch }, (_, index) => ({
        workerId: workerIds[index % workers] ?? "",
        attemptId: randomUUID(),
      }));
      return (await fixture.store.attempts.claim(fixture.deploymentId, slots, 3_600_000)).length;
    },
    close: () => fixture.close(),
  };
}

/** Ids are in order of time, as the gateway makes them. */
const fillText = `
  with new_job as (
    insert into job (id, tenant_id, deployment_id, priority, v, deadline_at, expires_at, retention_ms)
    select (lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(random()::text), 1, 3)
        || '8' || substr(md5(random()::text), 1, 15))::uuid, $1, $2, 'normal', extract(epoch from clock_timestamp()) + 15 + n * 1e-6,
      clock_timestamp() + interval '1 day', clock_timestamp() + interval '8 days', 604800000
    from generate_series(1, $3::int) n
    returning id, seq, tenant_id, deployment_id, v
  ), new_payload as (
    insert into job_payload (job_id, workflow)
    select id, '{"1":{"class_type":"EmptyImage","inputs":{"width":512,"height":512,"batch_size":1,"color":0}}}'
    from new_job
  )
  insert into job_queue (id, job_id, pool, tenant, v)
  select seq, id, deployment_id, tenant_id, v from new_job`;
