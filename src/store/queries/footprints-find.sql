-- What is known of a kind, by class of card. $1 deployment  $2 fingerprint  $3 model set  $4 size class
select vram_class as "vramClass", peak_bytes as "peakBytes", runs,
  out_of_memory_count as "outOfMemoryCount"
from footprint
where deployment_id = $1 and fingerprint = $2 and model_set = greatest($3::int, 1) and size_class = $4
order by vram_class
