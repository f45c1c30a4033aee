import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { markup, phrase, prose } from './markup.ts';

describe('markup', () => {
  it('escapes whatever is put in, and nothing twice', () => {
    const text = `<b title="x">'&`;
    assert.equal(markup`<p>${text}</p>`.text, '<p>&#60;b title=&#34;x&#34;&#62;&#39;&#38;</p>');
    assert.equal(markup`<i>${markup`<b>${'<'}</b>`}</i>`.text, '<i><b>&#60;</b></i>');
  });

  it('joins lists, writes numbers, and leaves out what is not there', () => {
    assert.equal(markup`${[1, 'a', markup`<br>`]}${false}${undefined}${0}`.text, '1a<br>0');
  });
});

describe('prose', () => {
  it('knows paragraphs, lists, code and strong words', () => {
    const text = 'One `a < b`.\n\n- **first**\n- second';
    assert.equal(
      markup`${prose(text)}`.text,
      '<p>One <code>a &#60; b</code>.</p><ul><li><strong>first</strong></li><li>second</li></ul>',
    );
  });

  it('leaves alone what only looks like it', () => {
    assert.equal(markup`${phrase('a ` b ** c')}`.text, 'a ` b ** c');
  });
});
