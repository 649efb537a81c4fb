import { describe, expect, test } from '@jest/globals';
import { mrkdwn } from '../../../sandbox/slack/page/mrkdwn.ts';
import { slackDate } from '../../../sandbox/slack/page/slack-date.ts';

const noon = new Date(2026, 10, 21, 12).getTime();

test.each([
  ['*bold* and _slanted_ and ~gone~', '<strong>bold</strong> and <em>slanted</em> and <s>gone</s>'],
  ['2*3*4 and snake_case_name', '2*3*4 and snake_case_name'],
  ['*a _b_*', '<strong>a <em>b</em></strong>'],
  ['`*code*`', '<code>*code*</code>'],
  ['```\na < b\n```', '<pre>a &lt; b\n</pre>'],
  ['one\ntwo', 'one<br />two'],
  ['&gt; quoted\nnot', '<blockquote>quoted</blockquote>not'],
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
])('%j is rendered as %s', async (text, expected) => {
  expect(String(await mrkdwn(text, noon))).toBe(expected);
});

test('a date is rendered in the viewer’s time zone, with the fallback as tooltip', async () => {
  const seconds = noon / 1000;
  expect(String(await mrkdwn(`<!date^${seconds}^{date_num}|then>`, noon))).toBe(
    `<time datetime="${new Date(noon).toISOString()}" title="then">2026-11-21</time>`,
  );
});

describe('a date’s format', () => {
  const day = 86_400_000;

  test.each([
    ['{date_num} {time_secs}', 0, '2026-11-21 12:00:00 PM'],
    ['{date}', 0, 'November 21, 2026'],
    ['{date_long}', 0, 'Saturday, November 21, 2026'],
    ['{date_short_pretty} at {time}', 0, 'Today at 12:00 PM'],
    ['{date_short_pretty}', day, 'Tomorrow'],
    ['until {date_pretty}', -day, 'until yesterday'],
    ['{date_short_pretty}', 3 * day, 'Nov 24, 2026'],
    ['{ago}', 2 * day, 'In 2 days'],
    ['{nonsense}', 0, '{nonsense}'],
  ])('%s is rendered', (format, distance, expected) => {
    expect(slackDate(noon + distance, format, noon)).toBe(expected);
  });
});
