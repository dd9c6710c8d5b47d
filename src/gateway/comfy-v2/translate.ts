import type { BlobStore } from "../../blobs/blobs.ts";
import type {
  AssetBody,
  JobBody,
  JobListItem,
  MetricsBody,
  OutputBody,
  ProgressBody,
} from "../../protocol/comfy-v2.ts";
import type { JobProgress } from "../../protocol/worker-link.ts";
import { estimateStart } from "../../scheduler/start-outlook.ts";
import type { AssetRecord } from "../../store/assets.ts";
import type { JobOutput, JobRecord, JobSummary } from "../../store/jobs.ts";
import { dispositionOf } from "../media.ts";

/** How contents get their URLs: signed, absolute, and good until `expiresAt`. */
export interface UrlSigner {
  readonly blobs: BlobStore;
  readonly expiresInMs: number;
  readonly nowMs: number;
}

export async function assetBody(asset: AssetRecord, signer: UrlSigner): Promise<AssetBody> {
  const filename = asset.filePath?.split("/").at(-1) ?? asset.id;
  return {
    id: asset.id,
    hash: asset.hash,
    size_bytes: asset.sizeBytes,
    content_type: asset.contentType,
    file_path: asset.filePath,
    created_at: asset.createdAt.toISOString(),
    ...(await signed(asset.blobKey, asset.contentType, filename, signer)),
    expires_at: asset.expiresAt?.toISOString() ?? null,
    job_id: asset.jobId,
  };
}

export async function outputBody(
  jobId: string,
  output: JobOutput,
  signer: UrlSigner,
): Promise<OutputBody> {
  return {
    node_id: output.nodeId,
    name: output.name,
    type: output.type,
    content_type: output.contentType,
    size_bytes: output.sizeBytes,
    id: output.assetId,
    hash: output.hash,
    ...(await signed(output.blobKey, output.contentType, output.name, signer)),
    job_id: jobId,
  };
}

export async function jobBody(job: JobRecord, mount: string, signer: UrlSigner): Promise<JobBody> {
  const { failure } = job;
  return {
    id: job.id,
    status: job.state,
    created_at: job.submittedAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    completed_at: job.endedAt?.toISOString() ?? null,
    expires_at: job.expiresAt.toISOString(),
    queue_position: job.queuePosition,
    progress: job.progress === null ? null : progressBody(job.progress),
    outputs: await Promise.all(job.outputs.map((output) => outputBody(job.id, output, signer))),
    error:
      failure === null
        ? null
        : {
            code: failure.code,
            message: failure.message,
            node_id: failure.nodeId,
            class_type: failure.classType,
            traceback: failure.traceback,
          },
    metrics: metricsBody(job),
    urls: jobUrls(job.id, mount),
    metadata: job.metadata,
  };
}

function metricsBody(job: JobRecord): MetricsBody {
  const timings = job.timings ?? {};
  const { outlook, queuePosition: jobsAhead } = job;
  const start = outlook === null ? null : estimateStart({ ...outlook, jobsAhead });
  return {
    start_in_min_ms: start?.minMs ?? null,
    start_in_max_ms: start?.maxMs ?? null,
    queue_ms: msBetween(job.submittedAt, job.startedAt),
    execution_ms: job.startedAt === null ? null : msBetween(job.startedAt, job.endedAt),
    capacity_ms: timings.capacityMs ?? null,
    image_ms: timings.imageMs ?? null,
    process_ms: timings.processMs ?? null,
    weights_ms: timings.weightsMs ?? null,
    stage_ms: timings.stageMs ?? null,
    inference_ms: timings.executeMs ?? null,
    upload_ms: timings.uploadMs ?? null,
  };
}

export function progressBody(progress: JobProgress): ProgressBody {
  return {
    value: progress.value,
    nodes_done: progress.nodesDone,
    nodes_total: progress.nodesTotal,
    current_node: progress.currentNode,
    current_node_class: progress.currentNodeClass,
    step: progress.step,
    steps: progress.steps,
    message: progress.message,
  };
}

export function jobListItem(job: JobSummary): JobListItem {
  return {
    id: job.id,
    status: job.state,
    create_time: job.submittedAt.toISOString(),
    update_time: job.updatedAt.toISOString(),
    deployment_id: job.deployment,
    metadata: job.metadata,
  };
}

function jobUrls(jobId: string, mount: string): JobBody["urls"] {
  const self = `${mount}/api/v2/jobs/${jobId}`;
  return { self, events: `${self}/events`, cancel: `${self}/cancel`, logs: `${self}/logs` };
}

function msBetween(from: Date, to: Date | null): number | null {
  return to === null ? null : Math.max(0, to.getTime() - from.getTime());
}

async function signed(
  blobKey: string,
  contentType: string,
  filename: string,
  signer: UrlSigner,
): Promise<{ url: string; url_expires_at: string }> {
  const { blobs, expiresInMs, nowMs } = signer;
  const disposition = dispositionOf(contentType);
  const url = await blobs.signGet(blobKey, { expiresInMs, contentType, filename, disposition });
  return { url, url_expires_at: new Date(nowMs + expiresInMs).toISOString() };
}
