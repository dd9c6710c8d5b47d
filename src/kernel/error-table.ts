/** Who has to act: the caller, the operator of this installation, or the system by itself. */
export type Fault = "caller" | "operator" | "system";

export interface ErrorRow {
  readonly httpStatus: number;
  readonly fault: Fault;
  readonly message: string;
  /** What to do next. */
  readonly hint: string;
}

function row(httpStatus: number, fault: Fault, message: string, hint: string): ErrorRow {
  return { httpStatus, fault, message, hint };
}

/**
 * Every error that Hearth reports, by code: HTTP errors and the codes of failed jobs alike.
 * `docs/errors.md` holds the same table; a test compares the two.
 */
export const errorTable = {
  // Requests
  invalid_json: row(
    400,
    "caller",
    "The body is not valid JSON.",
    "Send one JSON document in UTF-8; details.position says where reading stopped.",
  ),
  json_too_deep: row(
    400,
    "caller",
    "The JSON is nested too deeply.",
    "Flatten the document; details.limit is the deepest nesting accepted.",
  ),
  invalid_request: row(
    422,
    "caller",
    "The request is not valid.",
    "Correct the field named in details.field.",
  ),
  invalid_cursor: row(
    400,
    "caller",
    "The cursor is not one that this list gave out.",
    "Start again without a cursor.",
  ),
  invalid_metadata_filter: row(
    400,
    "caller",
    "The metadata filter is not valid.",
    "Write up to three filters as metadata[key]=value.",
  ),
  body_too_large: row(
    413,
    "caller",
    "The body is larger than this server accepts.",
    "Upload files as assets and refer to them; details.limitBytes is the limit.",
  ),
  image_too_large: row(
    413,
    "caller",
    "The image has more pixels than this server accepts.",
    "Scale the image down; details.limitPixels is the limit.",
  ),
  unsupported_media_type: row(
    415,
    "caller",
    "The content type is not supported here.",
    "Send application/json, or multipart/form-data for uploads.",
  ),
  range_not_satisfiable: row(
    416,
    "caller",
    "The requested range lies outside the content.",
    "Ask for a range within the size given in Content-Range.",
  ),
  unauthorized: row(
    401,
    "caller",
    "Missing or invalid credentials.",
    "Send Authorization: Bearer <key>; make a key with hearth keys create.",
  ),
  forbidden: row(
    403,
    "caller",
    "These credentials do not allow this.",
    "Use a key with the scope named in details.scope.",
  ),
  not_found: row(
    404,
    "caller",
    "There is nothing here under this id.",
    "Check the id; results are deleted after their retention time.",
  ),
  blob_not_found: row(
    404,
    "caller",
    "No content with this hash can be used by you.",
    "Upload the bytes with POST /api/v2/assets.",
  ),
  deployment_not_found: row(
    404,
    "caller",
    "There is no deployment with this name.",
    "List the deployments with hearth deployments ls.",
  ),
  // Workflows and assets
  invalid_workflow: row(
    422,
    "caller",
    "The workflow is not valid.",
    "Correct the nodes named in details.node_errors.",
  ),
  workflow_format_ui: row(
    422,
    "caller",
    "This is a workflow saved by the editor, not an API-format workflow.",
    "In ComfyUI choose Workflow > Export (API) and send that file.",
  ),
  missing_asset: row(
    422,
    "caller",
    "The workflow refers to an asset that does not exist or is not yours.",
    "Upload the file first and use the id that the upload returned.",
  ),
  hash_mismatch: row(
    409,
    "caller",
    "The bytes received do not have the hash that was announced.",
    "Upload again; the transfer or the announced hash was wrong.",
  ),
  asset_in_use: row(
    409,
    "caller",
    "The asset is still needed.",
    "Wait until the jobs that use it have ended.",
  ),
  idempotency_key_reuse: row(
    422,
    "caller",
    "This Idempotency-Key was used before.",
    "Look the job up instead of sending it again, or use a new key.",
  ),
  metadata_invalid: row(
    422,
    "caller",
    "The metadata is not valid.",
    "Use at most 16 pairs; keys of 1-40 letters, digits, _ - or dots; text values.",
  ),
  insufficient_credits: row(
    402,
    "caller",
    "The budget of this account is used up.",
    "Raise the budget or wait for the next period.",
  ),
  // Load
  queue_full: row(
    429,
    "system",
    "The queue is full.",
    "Try again after the seconds in Retry-After.",
  ),
  tenant_limit: row(
    429,
    "caller",
    "A limit of this account is reached.",
    "Wait the seconds in Retry-After, or have details.limit raised.",
  ),
  rate_limited: row(
    429,
    "caller",
    "Too many requests.",
    "Try again after the seconds in Retry-After.",
  ),
  too_many_streams: row(
    429,
    "caller",
    "Too many event streams are open.",
    "Close a stream or poll the job instead.",
  ),
  deployment_not_ready: row(
    429,
    "system",
    "The deployment is still being made ready.",
    "Try again after the seconds in Retry-After.",
  ),
  deployment_stopped: row(
    422,
    "operator",
    "The deployment is stopped.",
    "Ask its operator to start it.",
  ),
  // Worker routes
  stale_attempt: row(
    409,
    "system",
    "Another attempt has taken this job over.",
    "Stop this attempt and drop its outputs.",
  ),
  // Failed jobs
  node_execution_error: row(
    200,
    "caller",
    "A node raised an error.",
    "See the node and message in the job's error; correct the workflow or its inputs.",
  ),
  prompt_rejected: row(
    200,
    "caller",
    "ComfyUI refused the workflow.",
    "Correct the nodes named in the message.",
  ),
  input_unavailable: row(
    200,
    "caller",
    "An input file could not be delivered to the worker.",
    "Upload the file again and resubmit.",
  ),
  model_unavailable: row(
    200,
    "operator",
    "A model file could not be fetched.",
    "Check its sources, their tokens and the worker's network; details.reason says what failed.",
  ),
  model_refused: row(
    200,
    "operator",
    "A model file is not what it should be.",
    "Correct its hash, size or name in the release, or take it from a source that you trust.",
  ),
  source_forbidden: row(
    200,
    "operator",
    "A model's source may not be reached.",
    "Name the host or range in the setting models.allow, if it is yours.",
  ),
  disk_full: row(
    200,
    "operator",
    "The disk has no room for a model file.",
    "Free space, unpin models, or set models.maxBytes to what the disk holds.",
  ),
  out_of_memory: row(
    200,
    "caller",
    "The GPU ran out of memory.",
    "Use smaller images, batches or models, or a deployment with more VRAM.",
  ),
  gpu_fault: row(
    200,
    "system",
    "The GPU reported a fault that only a restart clears.",
    "The worker is being replaced; submit the job again.",
  ),
  hang: row(
    200,
    "system",
    "The workflow stopped making progress.",
    "Look at the job's logs; a node may be waiting for something that never comes.",
  ),
  comfyui_crashed: row(
    200,
    "system",
    "ComfyUI ended unexpectedly while it ran the job.",
    "Look at the job's logs and the worker's memory.",
  ),
  worker_lost: row(
    200,
    "system",
    "The worker disappeared too often while it ran the job.",
    "Submit the job again; if it recurs, look at the worker's logs.",
  ),
  preempted: row(
    200,
    "system",
    "The worker was taken away too often.",
    "Submit the job again, or use capacity that is not preemptible.",
  ),
  upload_failed: row(
    200,
    "system",
    "The outputs could not be stored.",
    "Check the object store with hearth doctor.",
  ),
  poison: row(
    200,
    "caller",
    "Workers died three times while they ran this job, so it was set aside.",
    "Look at the job's logs before you submit it again.",
  ),
  deadline_exceeded: row(
    200,
    "caller",
    "The job was not finished in its time.",
    "Raise the time limit, or use a faster GPU.",
  ),
  engine_model_unsupported: row(
    200,
    "caller",
    "The built-in engine runs no models.",
    "Attach a real ComfyUI with --comfyui-dir or --comfyui-url.",
  ),
  // Installation
  data_folder_in_use: row(
    500,
    "operator",
    "Another Hearth is running on this data folder.",
    "Stop it, or choose another folder with --data.",
  ),
  bind_refused: row(
    500,
    "operator",
    "Refusing to listen beyond loopback without an API key.",
    "Make a key first: hearth keys create --scopes run,read.",
  ),
  config_invalid: row(
    500,
    "operator",
    "A setting is not valid.",
    "Correct the setting named in the message.",
  ),
  database_unavailable: row(
    503,
    "operator",
    "The database cannot be reached.",
    "Check DATABASE_URL and the database; try again after Retry-After.",
  ),
  service_unavailable: row(
    503,
    "system",
    "The server is shutting down or not ready.",
    "Try again after the seconds in Retry-After.",
  ),
  platform_capacity: row(
    503,
    "system",
    "The platform has no such GPU free at the moment.",
    "It is tried again by itself; allow another GPU, region or platform.",
  ),
  platform_quota: row(
    503,
    "operator",
    "The platform's quota for this account is used up.",
    "Ask the platform for more, or lower the number of workers.",
  ),
  platform_refused: row(
    500,
    "operator",
    "The platform refused the request.",
    "Check the platform's credentials and settings with hearth platforms check.",
  ),
  upstream_error: row(
    500,
    "system",
    "An unexpected failure.",
    "Try again; tell the operator the request id if it recurs.",
  ),
} as const satisfies Readonly<Record<string, ErrorRow>>;

export type ErrorCode = keyof typeof errorTable;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
