import { expect, test } from '@jest/globals';
import { mrkdwn } from '../../../sandbox/slack/page/mrkdwn.ts';

const noon = new Date(2026, 10, 21, 12).getTime();

test.each([
  ['*bold* and 2*3*4', '<strong>bold</strong> and 2*3*4'],
  ['*a `b`*', '<strong>a <code>b</code></strong>'],
  ['`*code*`', '<code>*code*</code>'],
  ['one\ntwo', 'one<br />two'],
  ['&lt;script&gt; &amp;amp;', '&lt;script&gt; &amp;amp;'],
  ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
  ['<@U01ALICE> <@U09NOBODY>', '<span class="mention">@Alice</span> <span class="mention">@U09NOBODY</span>'],
  ['<#C01OPS>', '<span class="mention">#ops</span>'],
  ['<!channel>', '<span class="mention">@channel</span>'],
  [
    '<https://a.example/?b&amp;c|here>',
    '<a href="https://a.example/?b&amp;c" target="_blank" rel="noreferrer">here</a>',
  ],
  ['<javascript:alert(1)|here>', '&lt;javascript:alert(1)|here&gt;'],
  [
    `<!date^${noon / 1000}^{date_short} {time}|then>`,
    `<time datetime="${new Date(noon).toISOString()}" title="then">Nov 21, 2026 12:00 PM</time>`,
  ],
])('%j is rendered as %s', async (text, expected) => {
  expect(String(await mrkdwn(text))).toBe(expected);
});
