import { expect, test } from '@jest/globals';
import { mrkdwn } from '../../../sandbox/slack/page/mrkdwn.ts';

const seconds = new Date(2026, 10, 21, 12).getTime() / 1000;

test.each([
  ['*bold `code`* and `*code*`', '<strong>bold <code>code</code></strong> and <code>*code*</code>'],
  ['2*3*4\nsnake_case_name', '2*3*4<br />snake_case_name'],
  ['&lt;script&gt; &amp;amp;', '&lt;script&gt; &amp;amp;'],
  ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
  ['<@U01ALICE> <@U09NOBODY>', '<span class="mention">@Alice</span> <span class="mention">@U09NOBODY</span>'],
  [
    `<!date^${seconds}^{date_short} {time}|then&gt;>`,
    '<span title="then&amp;gt;">Nov 21, 2026 12:00 PM</span>',
  ],
])('%j is rendered as %s', async (text, expected) => {
  expect(String(await mrkdwn(text))).toBe(expected);
});
