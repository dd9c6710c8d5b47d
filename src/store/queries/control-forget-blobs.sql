-- The bytes of these keys and prefixes are gone. $1 keys
delete from blob_trash where key = any($1::text[])
