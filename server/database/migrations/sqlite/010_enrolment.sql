-- An agent that was not enrolled yet has no key. (A column cannot shed `not null` here; another takes its place.)
alter table agents add column enrolled_key blob;
update agents set enrolled_key = public_key;
alter table agents drop column public_key;
alter table agents rename column enrolled_key to public_key;

-- The one code by which the agent may be enrolled, once and until then. Using it up takes it away.
alter table agents add column enrolled_at text;
alter table agents add column enrollment_code_hash blob;
alter table agents add column enrollment_code_expires_at text;
update agents set enrolled_at = created_at;
create unique index agents_by_enrollment_code on agents (enrollment_code_hash) where enrollment_code_hash is not null;
