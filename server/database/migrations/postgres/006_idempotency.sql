-- What a request with an Idempotency-Key did and was answered, kept for a day so that it can be answered again.
-- key_hash: of whose key it is, the method, the path and the key. request_hash: of the query and the body.
-- effect: what the request's transaction answered, written by that transaction; answer: the whole HTTP answer. Both sealed.
-- under_way: 0 once the request is over without an answer to keep.
create table idempotency_keys (
  organization_id bigint not null references organizations (id),
  key_hash bytea not null,
  request_hash bytea not null,
  effect bytea,
  answer bytea,
  under_way bigint not null,
  created_at text collate "C" not null,
  primary key (organization_id, key_hash)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- The presses on visitors' pages that were tried: each opens once.
create table used_presses (
  organization_id bigint not null references organizations (id),
  press_id bytea not null,
  used_at text collate "C" not null,
  primary key (organization_id, press_id)
);
create index used_presses_by_age on used_presses (used_at);
