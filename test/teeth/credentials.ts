import type { Bug } from './bug.ts';

/** Links, their passes, their pages, and the secrets of logins. */
export const credentialBugs: readonly Bug[] = [
  {
    name: 'a pass counts in every spelling of it',
    file: 'domain/pass.ts',
    find: 'if (!sameBytes(canonical, bytes) || passText(canonical) !== text)',
    replace: 'if (canonical.length === 0)',
    test: 'domain/pass-forgery.test.ts',
  },
  {
    name: "a key of another organization counts for this one's passes",
    file: 'server/organizations/keys.ts',
    find: ".where('organization_id', '=', organization_id)",
    replace: ".where('organization_id', '>', 0)",
    test: 'server/organizations/keys.test.ts',
  },
  {
    name: 'a revoked link leaves its pass as it is',
    file: 'server/links/links.ts',
    find: 'await revokePasses(context, tx, { organization_id, id });',
    replace: '',
    test: 'server/links/passes.test.ts',
  },
  {
    name: 'a narrower link leaves its older passes as they are',
    file: 'server/links/passes.ts',
    find: 'if (before !== null && narrows(before, after)) await',
    replace: 'if (before === null) await',
    test: 'server/unlocks/presentations.test.ts',
  },
  {
    name: 'a pass outlives the window it was signed for',
    file: 'server/unlocks/facts.ts',
    find: 'valid_until: earlier(credential.valid_until, until),',
    replace: 'valid_until: credential.valid_until,',
    test: 'server/unlocks/presentations.test.ts',
  },
  {
    name: 'looking at a link is noted as a use',
    file: 'server/links/view.ts',
    find: 'const state = linkState(link, now);',
    replace: `const state = linkState(link, now);
  await context.database.of(link.organization_id).transaction(async (tx) => {
    const noted = tx.prepare('update links set last_used_at = ? where organization_id = ? and id = ?');
    await noted.run(now, link.organization_id, link.id);
  });`,
    test: 'test/authorization/reading.test.ts',
  },
  {
    name: 'a press opens as often as it is sent',
    file: 'server/unlocks/store.ts',
    find: "if (!inserted) throw new PosternError('hold_used');",
    replace: 'if (inserted === null) return;',
    test: 'server/unlocks/holds.test.ts',
  },
  {
    name: 'a press need not be held',
    file: 'server/unlocks/holds.ts',
    find: 'if (heldMs >= holdMsMin)',
    replace: 'if (heldMs >= 0)',
    test: 'server/unlocks/holds.test.ts',
  },
  {
    name: 'other sites may post for the page',
    file: 'server/authentication.ts',
    find: "return site === 'same-origin';",
    replace: "return site !== '';",
    test: 'server/links/page-routes.test.ts',
  },
  {
    name: "the page's cookie goes to every host of the domain",
    file: 'server/links/page-sessions.ts',
    find: '`__Host-postern-',
    replace: '`postern-',
    test: 'server/links/page-routes.test.ts',
  },
  {
    name: "the page's cookie goes over plain http",
    file: 'server/links/page-routes.ts',
    find: 'secure: true,',
    replace: 'secure: false,',
    test: 'server/links/page-routes.test.ts',
  },
  {
    name: 'a mistyped API key is looked for in the database',
    file: 'server/secrets/tokens.ts',
    find: 'return checksum(text.slice(0, -7)) === text.slice(-7);',
    replace: 'return true;',
    test: 'test/authorization/api-keys.test.ts',
  },
  {
    name: 'an API key goes on after its end',
    file: 'server/logins/logins.ts',
    find: '(l.expires_at is null or l.expires_at > ?)',
    replace: '(l.expires_at is null or l.created_at < ?)',
    test: 'test/authorization/api-keys.test.ts',
  },
  {
    name: "a new password leaves one's other sessions open",
    file: 'server/members/own-user.ts',
    find: 'await revokeLoginsOf(tx, member, { at, except: caller.login_id });',
    replace: '',
    test: 'server/members/own-user.test.ts',
  },
];
