import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PosternError } from '../../domain/errors.ts';
import { TestClock } from '../../test/test-server.ts';
import { RateLimits, rateLimits } from './rate-limits.ts';
import { limitSignIn } from './sign-in-limit.ts';

const { max, windowMs } = rateLimits.wrong_passwords;

function start() {
  const clock = new TestClock('2026-12-01T09:00:00.000Z');
  const limits = new RateLimits({ enabled: true, clock });
  /** Answers `right`, or the reason of the refusal. */
  const signIn = (password: string, { address = '192.0.2.7', email = 'ada@example.org' } = {}) =>
    limitSignIn(limits, { address, email }, async () => {
      if (password === 'busy') throw new PosternError('busy');
      if (password !== 'right') throw new PosternError('sign_in_failed');
      return 'right';
    }).catch((error: PosternError) => error.reason);
  const guess = async (times: number, from = {}) => {
    for (let time = 0; time < times; time++) assert.equal(await signIn('wrong', from), 'sign_in_failed');
  };
  return { clock, signIn, guess };
}

describe('wrong passwords for one e-mail address', () => {
  it('shut out the address they come from, for an hour, and nobody else', async () => {
    const { clock, signIn, guess } = start();
    await guess(max);
    assert.equal(await signIn('right'), 'too_many_requests');
    assert.equal(await signIn('right', { email: ' ADA@Example.org ' }), 'too_many_requests');
    assert.equal(await signIn('right', { address: '192.0.2.8' }), 'right');
    assert.equal(await signIn('right', { email: 'grace@example.org' }), 'right');
    clock.advance(windowMs);
    assert.equal(await signIn('right'), 'right');
  });

  it('are not more when they come at once', async () => {
    const { signIn } = start();
    const answers = await Promise.all(Array.from({ length: 2 * max }, () => signIn('wrong')));
    assert.equal(answers.filter((answer) => answer === 'sign_in_failed').length, max);
  });

  it('are forgiven once the right one was sent', async () => {
    const { signIn, guess } = start();
    await guess(max - 1);
    assert.equal(await signIn('right'), 'right');
    await guess(max);
  });

  it('are none when the password was not looked at', async () => {
    const { signIn, guess } = start();
    for (let time = 0; time < 2 * max; time++) assert.equal(await signIn('busy'), 'busy');
    await guess(max - 1);
    assert.equal(await signIn('busy'), 'busy');
    await guess(1);
    assert.equal(await signIn('busy'), 'too_many_requests', 'a full queue forgives nothing');
  });
});
