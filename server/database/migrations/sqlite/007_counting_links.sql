-- Lists say how many links there are, by their state: counted from this index alone.
create index links_by_state on links (organization_id, revoked_at, valid_until, group_id);
