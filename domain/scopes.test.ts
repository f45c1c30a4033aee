import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAsHighAs, roles, scopes, scopesOfLogin, scopesOfRole } from './scopes.ts';

describe('what a login may do', () => {
  it('is all that its role may, where it was made for nothing in particular', () => {
    for (const role of roles)
      assert.deepEqual(scopesOfLogin({ role, own: null, access_enabled: true }), scopesOfRole[role]);
  });

  it('is what it was made for, and no more than its role may', () => {
    for (const role of roles) {
      for (const scope of scopes) {
        const found = scopesOfLogin({ role, own: [scope], access_enabled: true });
        assert.deepEqual([...found], scopesOfRole[role].has(scope) ? [scope] : [], `${role} ${scope}`);
      }
    }
  });

  it('opens no door for a member whose access is off', () => {
    for (const role of roles) {
      const found = scopesOfLogin({ role, own: null, access_enabled: false });
      assert.deepEqual(found, scopesOfRole[role].difference(new Set(['doors:unlock'])));
    }
  });
});

describe('roles', () => {
  it('go from the owner down to the viewer', () => {
    const higher = roles.map((role) => roles.filter((other) => isAsHighAs(role, other)));
    assert.deepEqual(
      higher.map((below) => below.length),
      [4, 3, 2, 1],
    );
  });

  it('read, as a viewer, everything but the keys and the installation; as a manager, write nothing but links', () => {
    assert.ok([...scopesOfRole.viewer].every((scope) => scope.endsWith(':read')));
    assert.ok(!scopesOfRole.viewer.has('logins:read') && !scopesOfRole.viewer.has('installation:read'));
    const writing = [...scopesOfRole.manager].filter((scope) => scope.endsWith(':write'));
    assert.deepEqual(writing, ['links:write']);
  });
});
