-- An agent that was not enrolled yet has no key. enrollment_code_hash: of the one code by which it may be enrolled, once
-- and until enrollment_code_expires_at. Using it up takes it away.
alter table agents
  alter column public_key drop not null,
  add column enrolled_at text collate "C",
  add column enrollment_code_hash bytea,
  add column enrollment_code_expires_at text collate "C";
update agents set enrolled_at = created_at;
create unique index agents_by_enrollment_code on agents (enrollment_code_hash) where enrollment_code_hash is not null;
