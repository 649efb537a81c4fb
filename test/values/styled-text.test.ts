import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { writeHtml } from '../../lib/channels/approval-link/html.ts';
import { writeMrkdwn } from '../../lib/channels/slack/status-mrkdwn.ts';
import {
  actorName,
  asActor,
  asCode,
  asStrong,
  asTime,
  joinStyled,
  markTimes,
  styled,
  writePlain,
} from '../../lib/values/styled-text.ts';
import { alice } from '../builders.ts';

const slackGroup = { slackUsers: [{ team: 'T01LOCAL', user: 'U01BOB' }] };
const text = joinStyled([
  styled`${asStrong('Approved')} by ${asActor('slack:T01LOCAL:U01ALICE')} on ${asTime('2026-11-21T12:00:00.000Z')}: ${'a <b>'}.`,
  styled`${2} people; ${asCode('linkgate explain "x"')}.`,
]);

test('each channel writes the same text in its own markup', () => {
  expect(writePlain(text)).toBe(
    'Approved by U01ALICE (Slack workspace T01LOCAL) on 21 Nov 2026, 12:00 UTC: a <b>. 2 people; `linkgate explain "x"`.',
  );
  expect(writeMrkdwn(text, slackGroup).markup).toBe(
    '*Approved* by <@U01ALICE> on <!date^1795262400^{date_short} {time}|2026-11-21T12:00:00.000Z>: a &lt;b&gt;. 2 people; `linkgate explain "x"`.',
  );
  expect(writeHtml(text).toString()).toBe(
    '<strong>Approved</strong> by U01ALICE (Slack workspace T01LOCAL) on 21 Nov 2026, 12:00 UTC: a &lt;b&gt;. 2 people; <code>linkgate explain &quot;x&quot;</code>.',
  );
});

test('Slack mentions only users of the workspaces of the approvers', () => {
  expect(writeMrkdwn([asActor('slack:T02OTHER:U01MALLORY')], slackGroup).markup).toBe(
    'slack:T02OTHER:U01MALLORY',
  );
});

test('the API keeps times in ISO 8601', () => {
  const reason = 'the entry expired at 2026-11-21T12:00:00.000Z, not later';
  expect(writePlain(markTimes(reason), (time) => time)).toBe(reason);
  expect(writePlain(markTimes(reason))).toBe('the entry expired at 21 Nov 2026, 12:00 UTC, not later');
});

test('no writer lets any part of a text make markup', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom('<!channel>', '<script>', '&amp;', '\n*x*'));
  fc.assert(
    fc.property(part, (value) => {
      const all = [asStrong, asCode, asActor, asTime].map((as) => as(value));
      const mrkdwn = writeMrkdwn([value, ...all.slice(0, 3)], slackGroup).markup;
      expect(mrkdwn).not.toMatch(/[<>\n]/);
      expect(writeHtml([value, ...all.slice(0, 3)]).toString()).not.toMatch(/<(?!\/?(strong|code)>)/);
    }),
  );
});

test('the name of an actor is an email address, a Slack user with the workspace, or an ARN', () => {
  expect(['mailto:a@example.com', 'slack:T01LOCAL:U01ALICE', alice].map(actorName)).toEqual([
    'a@example.com',
    'U01ALICE (Slack workspace T01LOCAL)',
    alice,
  ]);
});
