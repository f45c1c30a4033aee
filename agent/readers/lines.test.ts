import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LineEnds, LineSplitter } from './lines.ts';

/** What comes out when the text arrives cut before these positions. */
function split(text: string, cuts: number[] = [], ends: LineEnds = 'LF'): (string | null)[] {
  const splitter = new LineSplitter(4, ends);
  const stops = [...cuts, text.length];
  const portions = stops.map((end, index) => Buffer.from(text.slice(cuts[index - 1] ?? 0, end)));
  const lines = portions.flatMap((portion) => [...splitter.push(portion)]);
  return lines.map((line) => (line === null ? null : Buffer.from(line).toString()));
}

describe('a line splitter', () => {
  it('cuts at LF and at CR LF, and nowhere else', () => {
    assert.deepEqual(split('A\nB\r\n\n\rC\nD'), ['A', 'B', '', '\rC']);
  });

  it('gives the same lines however they are cut into portions', () => {
    const text = 'ABCD\nABC\r\nABCDE\nE\n\nABCDEFGH\nI\n';
    const lines = ['ABCD', 'ABC', null, 'E', '', null, 'I'];
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second++) {
        assert.deepEqual(split(text, [first, second]), lines, `cut at ${first} and ${second}`);
      }
    }
  });

  it('cuts at CR too where that is asked for, however the portions are cut', () => {
    const text = 'A\rB\r\nC\nABCDE\r\n\r\r\n\nD\n\rE';
    const lines = ['A', 'B', 'C', null, '', '', '', 'D', ''];
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second++) {
        assert.deepEqual(split(text, [first, second], 'any'), lines, `cut at ${first} and ${second}`);
      }
    }
  });
});
