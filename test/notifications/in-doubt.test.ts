import { describe, expect, test } from '@jest/globals';
import { submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { handleRequestAction } from '../../lib/channels/slack/request-actions.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { alice, endpointId } from '../builders.ts';
import { aGroup, createNotifyTestEnv } from './fixtures.ts';

const lostAnswer = new SlackError('chat.postMessage', 'timeout');
const groups = [aGroup({ emails: [] })];

/** Slack posts, but its answer never comes. */
function createEnvWithSlowSlack() {
  const testEnv = createNotifyTestEnv({ groups });
  const { slack, env } = testEnv;
  let isSlow = true;
  slack.afterEffect = async () => {
    if (isSlow) throw lostAnswer;
  };
  return {
    ...testEnv,
    becomeFast() {
      isSlow = false;
    },
    /** Each minute the schedule and the pending sweep enqueue the request. */
    async waitMinutesWithSweeps(minutes: number) {
      for (let minute = 0; minute < minutes; minute++) {
        await testEnv.waitMinutes(1);
        await testEnv.notify();
      }
    },
    click: (ts: string, channel: string) =>
      handleRequestAction(
        {
          kind: 'click',
          actor: 'slack:T01LOCAL:U01ALICE',
          actionId: 'approve',
          value: `${endpointId(1)}.0`,
          triggerId: '1',
          responseUrl: undefined,
          message: { channel, ts },
          fieldValues: new Map(),
        },
        { ...env.deps, slack: { openView: async () => {} } },
      ),
  };
}

describe('a request whose posts are in doubt, because Slack is slower than the timeout', () => {
  test('has at most five copies after twelve minutes, and later attempts get rarer', async () => {
    const { slack, env, notify, waitMinutesWithSweeps } = createEnvWithSlowSlack();
    await notify();
    await waitMinutesWithSweeps(12);
    expect(slack.messages.length).toBeLessThanOrEqual(5);
    expect(slack.messages.length).toBeGreaterThan(2);
    await waitMinutesWithSweeps(6 * 60);
    expect(slack.messages.length).toBeLessThanOrEqual(13);
    expect(await env.notification(endpointId(1))).toMatchObject({ inDoubt: true });
  });

  test.each([0, 1, 2, 3])('is decided in copy %i, which then shows the outcome', async (copy) => {
    const { env, slack, notify, waitMinutesWithSweeps, becomeFast, click } = createEnvWithSlowSlack();
    await notify();
    await waitMinutesWithSweeps(12);
    const { ts, channel } = slack.messages[copy] ?? { ts: '', channel: '' };
    await click(ts, channel);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    becomeFast();
    await waitMinutesWithSweeps(1);
    expect(slack.messages[copy]?.text).toContain('Being accepted');
    expect(await env.notification(endpointId(1))).toMatchObject({ message: { ts, channel }, outdated: [] });
  });

  test('has one message once an answer comes, and a click on a copy replaces the copy with a note', async () => {
    const { env, slack, notify, waitMinutesWithSweeps, becomeFast, click } = createEnvWithSlowSlack();
    await notify();
    becomeFast();
    await waitMinutesWithSweeps(1);
    const [copy, known] = slack.messages;
    expect(await env.notification(endpointId(1))).toMatchObject({ message: { ts: known?.ts } });
    await click(copy?.ts ?? '', copy?.channel ?? '');
    await waitMinutesWithSweeps(1);
    expect(slack.messages[0]?.text).toContain('This message is out of date');
    expect(slack.messages[1]?.text).toContain('Being accepted');
    expect(slack.messages).toHaveLength(2);
  });

  test('is updated at once if a decision comes while no post is in doubt any more', async () => {
    const { env, slack, notify, waitMinutesWithSweeps, becomeFast } = createEnvWithSlowSlack();
    await notify();
    becomeFast();
    await waitMinutesWithSweeps(1);
    await submitStoredDecision(endpointId(1), { decision: 'approve', by: alice }, env.deps);
    await notify();
    expect(slack.messages.at(-1)?.text).toContain('Being accepted');
  });
});
