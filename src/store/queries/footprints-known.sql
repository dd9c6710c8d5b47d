-- What is known of a kind on one class of card, locked against another lesson.
-- $1 deployment  $2 fingerprint  $3 model set  $4 size class  $5 VRAM class
select peak_bytes as "peakBytes", runs, out_of_memory_count as "outOfMemoryCount" from footprint
where deployment_id = $1 and fingerprint = $2 and model_set = $3 and size_class = $4
  and vram_class = $5 for update
