-- Queued jobs of a pool, counted up to a limit. $1 pool  $2 limit
select count(*) as count from (select from job_queue where pool = $1 limit $2) as first_ones
