import { expect, test } from '@jest/globals';
import { handleSlackRequest } from '../../../lib/channels/slack/handle-request.ts';
import { applyVerdicts } from '../../../lib/reconcile/apply-verdicts.ts';
import { recordStates } from '../../../lib/reconcile/record-states.ts';
import { endpointId, hub } from '../../builders.ts';
import { forEachCallSite, type Moment, mortal } from '../../doubles/crash-injection.ts';
import { click, createSlackTestEnv, payload, type SlackTestEnv, signed } from './fixtures.ts';

const button = 'approve';

/** All that follows a click until EC2 is asked and shows it, in one process that is killed at one of its calls. */
async function fromClickToApplied(world: SlackTestEnv, nth: number, moment: Moment): Promise<boolean> {
  const { dying, dyingTable, isKilled } = mortal(nth, moment);
  const { ec2, receiving, deps } = world;
  const table = dyingTable(world.table);
  const bell = { enqueue: dying(deps.bell.enqueue) };
  const connections = { ...ec2, page: dying(ec2.page), accept: dying(ec2.accept), reject: dying(ec2.reject) };
  try {
    const clicked = signed(payload(click(button)), { at: world.time });
    await handleSlackRequest(clicked, { ...receiving, table, bell, respond: dying(receiving.respond) });
    if (world.rings.length > 0)
      await applyVerdicts(hub, { ...deps, table, bell, connectionsIn: () => connections });
    await recordStates(world.published, { ...deps, table });
  } catch {
    // Nobody is left to hear of it.
  }
  return isKilled();
}

test('a click whose process is killed at any call is applied once, or its button still works', async () => {
  const kills = await forEachCallSite(async (nth, moment) => {
    const world = createSlackTestEnv();
    const wasKilled = await fromClickToApplied(world, nth, moment);

    world.wait(61);
    const isDecided = (await world.actions(endpointId(1))).includes('approved');
    await world.click(button);
    // What is due is found by the next pass over the place, whoever rang for it.
    await applyVerdicts(hub, world.deps);
    await recordStates(world.published, world.deps);

    expect(world.ec2.state(endpointId(1))).toBe('pending');
    expect(world.ec2.calls).toHaveLength(1);
    expect((await world.actions(endpointId(1))).filter((action) => action === 'approved')).toHaveLength(1);
    const told = world.answers.at(-1)?.text;
    expect(told).toContain(isDecided ? 'Too late' : 'You approved it');
    return wasKilled;
  });
  expect(kills).toBeGreaterThan(15);
});
