-- What an instance really runs on, as its platform says: {"gpu", "region", "isSpot"}.
alter table instance add column hardware jsonb
  constraint instance_hardware_is_object check (jsonb_typeof(hardware) = 'object');
