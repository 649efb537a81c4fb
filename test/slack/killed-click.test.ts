import { expect, test } from '@jest/globals';
import { applyVerdicts } from '../../lib/connection/apply-verdicts.ts';
import { tendConnections } from '../../lib/connection/tend-connections.ts';
import { receive } from '../../lib/slack/receive.ts';
import { endpointId, hub } from '../builders.ts';
import { atEachCall, type Moment, mortal } from '../doubles/killed.ts';
import { aSlackWorld, click, payload, type SlackWorld, signed } from './slack-world.ts';

const button = 'approve';

/** All that follows a click until EC2 is asked and shows it, in one process that is killed at one of its calls. */
async function fromClickToApplied(world: SlackWorld, nth: number, moment: Moment): Promise<boolean> {
  const { dying, dyingTable, isKilled } = mortal(nth, moment);
  const { ec2, receiving, deps } = world;
  const table = dyingTable(world.table);
  const bell = { ring: dying(deps.bell.ring) };
  const connections = { ...ec2, page: dying(ec2.page), accept: dying(ec2.accept), reject: dying(ec2.reject) };
  try {
    const clicked = signed(payload(click(button)), { at: world.time });
    await receive(clicked, { ...receiving, table, bell, respond: dying(receiving.respond) });
    if (world.rings.length > 0)
      await applyVerdicts(hub, { ...deps, table, bell, connectionsIn: () => connections });
    await tendConnections(world.published, { ...deps, table });
  } catch {
    // Nobody is left to hear of it.
  }
  return isKilled();
}

test('a click whose process is killed at any call is applied once, or its button still works', async () => {
  const kills = await atEachCall(async (nth, moment) => {
    const world = aSlackWorld();
    const wasKilled = await fromClickToApplied(world, nth, moment);

    world.wait(61);
    const isDecided = (await world.actions(endpointId(1))).includes('approved');
    await world.click(button);
    // What is due is found by the next pass over the place, whoever rang for it.
    await applyVerdicts(hub, world.deps);
    await tendConnections(world.published, world.deps);

    expect(world.ec2.state(endpointId(1))).toBe('pending');
    expect(world.ec2.calls).toHaveLength(1);
    expect((await world.actions(endpointId(1))).filter((action) => action === 'approved')).toHaveLength(1);
    const told = world.answers.at(-1)?.text;
    expect(told).toContain(isDecided ? 'Too late' : 'You approved it');
    return wasKilled;
  });
  expect(kills).toBeGreaterThan(15);
});
