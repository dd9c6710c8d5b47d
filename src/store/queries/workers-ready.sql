-- Marks a worker ready and makes its node classes those of its deployment.
-- $1 worker  $2 ComfyUI version  $3 kind  $4 devices  $5 VRAM of the largest device  $6 node classes  $7 is warm
with ready as (
  update worker set state = case when state = 'starting' then 'ready' else state end,
    comfyui_version = $2, kind = $3, is_warm = $7, devices = $4, vram_bytes = $5, last_seen_at = clock_timestamp()
  where id = $1 and state <> 'gone' returning deployment_id
)
update deployment set node_catalogue = $6 from ready where deployment.id = ready.deployment_id
