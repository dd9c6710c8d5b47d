-- What is known of run times under some keys. $1 pool  $2 keys
select key, mean_ms / 1000 as "meanSeconds", samples from estimate
where pool = $1 and key = any($2::text[])
