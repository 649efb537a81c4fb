import { expect, test } from '@jest/globals';
import { setGroup } from '../../lib/approvers/approver-group.ts';
import { actionIds } from '../../lib/channels/slack/actions.ts';
import { registerService } from '../../lib/services/register-service.ts';
import { alice, bob, createApproverSteps, slackApprovers } from './approvers.ts';
import { createConsumerSteps } from './consumers.ts';
import { setUp } from './simulate.ts';
import { listButtons, readTitle, type SlackMessage } from './slack.ts';
import { createTopology } from './topology.ts';

type RequestInSlack = ReturnType<typeof setUp>;

const timeoutMs = 600_000;

/** Creates a request that waits in Slack for Alice and Bob, without faults. */
async function aRequestInSlack(seed: number): Promise<{ stage: RequestInSlack; message: SlackMessage }> {
  const stage = setUp(seed);
  const { aws, faults, invocations, linkgate, slack } = stage;
  faults.end();
  const [service] = Object.values(aws.privateLink.state.services);
  if (!service) throw new Error('the provider has no service');
  await untilDone(stage, () =>
    invocations.invoke('on-api-request', 29, async (run) => {
      const wired = linkgate.wire(run);
      const group = { quorum: 1, slackChannel: 'C01APPROVALS', slackUsers: slackApprovers, emails: [] };
      await setGroup('default', group, 'arn:aws:iam::111111111111:user/carol', wired);
      await registerService({ serviceId: service.id }, 'arn:aws:iam::111111111111:user/carol', wired);
    }),
  );
  await untilDone(stage, async () => {
    createConsumerSteps(stage, createTopology(aws, stage.random)).create(service, '222222222222');
    aws.wakeUp();
    await linkgate.schedule('pending');
  });
  const [message] = slack.messages();
  if (!message) throw new Error('no message asks for approval');
  return { stage, message };
}

/** Runs until the work and all its consequences are done. */
async function untilDone(
  { scheduler, linkgate }: RequestInSlack,
  work: () => Promise<unknown>,
): Promise<void> {
  let isDone = false;
  void work().then(() => {
    isDone = true;
  });
  await scheduler.runUntil(() => isDone && linkgate.isIdle());
  expect(isDone).toBe(true);
}

test(
  'of two concurrent clicks on Approve and Deny one decides, and both get the true result',
  async () => {
    const winners = new Map<string, number>();
    for (let seed = 1; seed <= 1_000; seed++) {
      const { stage, message } = await aRequestInSlack(seed);
      const { watch, slack, scheduler, random } = stage;
      const { click } = createApproverSteps(stage, stage.linkgate, watch);
      const button = (actionId: string) => ({ actionId, value: listButtons(message)[0]?.value ?? '' });
      await untilDone(stage, async () => {
        const denying = click(bob, message, button(actionIds.deny), 0);
        // Bob's modal opens first, and takes a few turns.
        await scheduler.sleep(random.below(2_000));
        await Promise.all([denying, click(alice, message, button(actionIds.approve))]);
      });

      expect(watch.broken()).toBeUndefined();
      const [endpointId = ''] = Object.keys(stage.aws.privateLink.state.endpoints);
      const decisions = watch
        .findHistory(endpointId)
        .filter(({ action }) => /^(approved|denied)$/.test(action));
      expect(decisions).toHaveLength(1);
      const [winner] = decisions.map(({ actor }) => actor);
      expect(watch.findRecord(endpointId)?.personDecision?.by).toBe(winner);
      winners.set(winner ?? '', (winners.get(winner ?? '') ?? 0) + 1);
      expect(slack.messages()).toHaveLength(1);
      expect(listButtons(slack.messages()[0] ?? message)).toEqual([]);
      expect(readTitle(slack.messages()[0] ?? message)).toMatch(
        winner === alice ? /^(Being accepted|Connected)/ : /^(Being r|R)eject/,
      );
    }
    // Each person is first several times, so the seeds cover both orders.
    for (const person of [alice, bob]) expect(winners.get(person)).toBeGreaterThan(100);
  },
  timeoutMs,
);
