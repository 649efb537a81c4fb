import { expect, test } from '@jest/globals';
import { handleSlackRequest } from '../../../lib/channels/slack/handle-request.ts';
import { applyVerdicts } from '../../../lib/reconcile/apply-verdicts.ts';
import { recordStates } from '../../../lib/reconcile/record-states.ts';
import { endpointId, hub } from '../../builders.ts';
import { type CrashPoint, createCrashingProcess, forEachCallSite } from '../../doubles/crash-injection.ts';
import {
  clickPayload,
  createSlackTestEnv,
  encodePayload,
  type SlackTestEnv,
  signRequest,
} from './fixtures.ts';

const button = 'approve';

/** Handles a click up to the recorded state, in one process that crashes at its `nth` call. @returns whether it crashed */
async function clickAndApply(env: SlackTestEnv, nth: number, moment: CrashPoint): Promise<boolean> {
  const { wrapCall, crashingTable, hasCrashed } = createCrashingProcess(nth, moment);
  const { ec2, slackDeps, deps } = env;
  const table = crashingTable(env.table);
  const applyQueue = { enqueue: wrapCall(deps.applyQueue.enqueue) };
  const connections = {
    ...ec2,
    page: wrapCall(ec2.page),
    accept: wrapCall(ec2.accept),
    reject: wrapCall(ec2.reject),
  };
  try {
    const clicked = signRequest(encodePayload(clickPayload(button)), { at: env.time });
    await handleSlackRequest(clicked, {
      ...slackDeps,
      table,
      applyQueue,
      respond: wrapCall(slackDeps.respond),
    });
    if (env.applyRequests.length > 0)
      await applyVerdicts(hub, { ...deps, table, applyQueue, connectionsClient: () => connections });
    await recordStates(env.published, { ...deps, table });
  } catch {
    // A crashed process reports no error.
  }
  return hasCrashed();
}

test('a click whose process is killed at any call is applied once, or its button still works', async () => {
  const kills = await forEachCallSite(async (nth, moment) => {
    const env = createSlackTestEnv();
    const wasKilled = await clickAndApply(env, nth, moment);

    env.advanceSeconds(61);
    const isDecided = (await env.actions(endpointId(1))).includes('approved');
    await env.click(button);
    // The next run for the location finds the pending effects, whichever notification started it.
    await applyVerdicts(hub, env.deps);
    await recordStates(env.published, env.deps);

    expect(env.ec2.state(endpointId(1))).toBe('pending');
    expect(env.ec2.calls).toHaveLength(1);
    expect((await env.actions(endpointId(1))).filter((action) => action === 'approved')).toHaveLength(1);
    const reply = env.answers.at(-1)?.text;
    expect(reply).toContain(isDecided ? 'no longer open' : 'You approved the request');
    return wasKilled;
  });
  expect(kills).toBeGreaterThan(15);
});
