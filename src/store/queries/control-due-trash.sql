-- Keys and prefixes whose bytes are to be deleted now. $1 limit
select key from blob_trash where not_before <= clock_timestamp() order by not_before limit $1
