-- Notes what is known of a kind on one class of card. Of two first lessons at once the higher counts.
-- $1 deployment  $2 fingerprint  $3 model set  $4 size class  $5 VRAM class
-- $6 peak bytes  $7 runs  $8 times out of memory  $9 whether it was known before
insert into footprint (deployment_id, fingerprint, model_set, size_class, vram_class, peak_bytes,
  runs, out_of_memory_count)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (deployment_id, fingerprint, model_set, size_class, vram_class) do update
set peak_bytes = case when $9 then excluded.peak_bytes
      else greatest(footprint.peak_bytes, excluded.peak_bytes) end,
  runs = case when $9 then excluded.runs else footprint.runs + excluded.runs end,
  out_of_memory_count = case when $9 then excluded.out_of_memory_count
    else footprint.out_of_memory_count + excluded.out_of_memory_count end,
  updated_at = clock_timestamp()
