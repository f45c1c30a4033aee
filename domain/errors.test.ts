import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { denialReasons } from './decide.ts';
import {
  denials,
  type ErrorName,
  errorBody,
  errors,
  invalidField,
  PosternError,
  reasonWords,
} from './errors.ts';

/** Written down here a second time on purpose: clients compare the codes, so none may ever change. */
const promised: Record<string, readonly [string, number]> = {
  malformed_request: ['b7c041', 400],
  unauthorized: ['a6f1d2', 401],
  session_over: ['5e0b93', 401],
  cross_site: ['3d8a1c', 403],
  forbidden: ['91f2b8', 403],
  not_found: ['4c9e07', 404],
  request_timeout: ['c25d6e', 408],
  conflict: ['7ab340', 409],
  idempotency_key_in_use: ['5ad1e6', 409],
  hold_too_short: ['e81c55', 409],
  hold_expired: ['0f9d3b', 409],
  reader_not_enrolled: ['ea40b7', 401],
  presentation_over: ['1d6cf4', 409],
  hold_used: ['62ae17', 409],
  body_too_large: ['d03f7a', 413],
  unsupported_media_type: ['8b64e9', 415],
  expectation_failed: ['e0c9d5', 417],
  invalid: ['f15a82', 422],
  idempotency_key_reused: ['c9207f', 422],
  upgrade_required: ['3fb06a', 426],
  too_many_requests: ['29d6c4', 429],
  limit_reached: ['c3f86b', 429],
  headers_too_large: ['b4e850', 431],
  internal: ['6a17cf', 500],
  outcome_unknown: ['17e4d8', 503],
  lock_failed: ['a93c60', 503],
  unavailable: ['5cf20e', 503],
  credential_unknown: ['0d7be1', 403],
  clock_unknown: ['f8b210', 403],
  credential_revoked: ['93e5a7', 403],
  credential_suspended: ['2b60fd', 403],
  credential_not_active: ['c4198e', 403],
  credential_expired: ['7f03d6', 403],
  door_not_included: ['e25c9b', 403],
  door_locked_down: ['48d1a0', 403],
  outside_schedule: ['b96f34', 403],
  remote_unlock_not_allowed: ['1ce87d', 403],
  door_unreachable: ['d5a40c', 503],
  use_limit_reached: ['8e72b3', 403],
};
const entries = Object.entries({ ...errors, ...denials });

describe('the closed set of errors', () => {
  it('keeps the code and the status that clients know', () => {
    for (const [name, promise] of Object.entries(promised)) {
      const entry = entries.find(([known]) => known === name)?.[1];
      assert.deepEqual([entry?.code, entry?.status], promise, name);
    }
  });

  it('has a code of six lower-case hexadecimal digits each, no two alike', () => {
    for (const [name, { code }] of entries) assert.match(code, /^[0-9a-f]{6}$/, name);
    assert.equal(new Set(entries.map(([, { code }]) => code)).size, entries.length);
  });

  it('says what happened and what to do in sentences', () => {
    for (const [name, { title, hint }] of entries) {
      for (const text of [title, hint]) assert.match(text, /^[A-Z`].*\.$/s, name);
    }
  });

  it('has one entry for every reason to deny, and no name twice', () => {
    assert.deepEqual(Object.keys(denials).sort(), [...denialReasons].sort());
    for (const reason of denialReasons) assert.ok(!(reason in errors), reason);
  });

  it('answers a denial with 403, and 503 only for a door that cannot be reached', () => {
    for (const reason of denialReasons) {
      assert.equal(denials[reason].status, reason === 'door_unreachable' ? 503 : 403, reason);
    }
  });
});

describe('PosternError', () => {
  it('asks to wait with 429 and 503, and with no other status', () => {
    for (const [name, { status }] of entries) {
      const error = new PosternError(name as ErrorName); // the keys of both tables
      assert.equal(error.retryAfterS !== undefined, status === 429 || status === 503, name);
    }
    assert.equal(new PosternError('too_many_requests', { retryAfterS: 41 }).retryAfterS, 41);
  });

  it('keeps a better sentence and the fields', () => {
    const error = new PosternError('conflict', { message: 'The place still has doors.' });
    assert.equal(error.message, 'The place still has doors.');
    assert.equal(new PosternError('conflict').message, errors.conflict.title);
    assert.deepEqual(invalidField('name', 'must be shorter').fields, { name: ['must be shorter'] });
    assert.equal(
      invalidField('name', 'must be shorter').message,
      'Some fields are not as expected: name must be shorter.',
    );
  });
});

describe('errorBody', () => {
  it('has the shape that clients of Kisi read, and ours beside', () => {
    assert.deepEqual(errorBody(new PosternError('credential_expired')), {
      code: '7f03d6',
      error: 'The link has ended.',
      reason: 'credential_expired',
      hint: 'Ask the host to extend it.',
    });
  });

  it('lists what was expected by field, for fields only', () => {
    const body = errorBody(invalidField('group_id', 'must be the id of one of your groups'));
    assert.deepEqual(body.errors, { group_id: ['must be the id of one of your groups'] });
    assert.ok(!('errors' in errorBody(new PosternError('not_found'))));
  });
});

describe('reasonWords', () => {
  it('has a sentence for everything a reader may hear', () => {
    for (const [name] of entries) assert.ok(reasonWords[name], name);
    assert.ok(reasonWords['online_check_required']);
  });
});
