import { callLinkgate } from '../../../sandbox/linkgate-api.ts';
import { accounts, createEndpoint, createService, provider } from '../sandbox.ts';
import {
  advanceClock,
  confirmSubscription,
  connect,
  disconnect,
  runFullSweep,
  type ScenarioContext,
  type ServiceContext,
  setAssumptions,
  waitForBatch,
  widenSubscription,
  withFault,
} from './harness.ts';

const channel = 'C01APPROVALS';
const bob = { team: 'T01LOCAL', user: 'U01BOB' };
const twoApprovers = [
  ...['--slack-user', 'T01LOCAL:U01ALICE', '--slack-user', 'T01LOCAL:U01BOB'],
  ...['--slack-channel', channel],
];
const approver = 'approver@example.com';

/** Approvals in Slack, by email, and through the API before linkgate has recorded the request. */
export async function runApprovals(story: ServiceContext) {
  const { linkgate, sandbox, serviceId } = story;
  const { ApiUrl = '' } = sandbox.outputs;
  const { signingSecret, botToken } = sandbox.emulator.slack.credentials;
  await callLinkgate(ApiUrl, provider, 'PUT', '/slack', { signingSecret, botToken });
  await setUpEmails(story);
  // linkgate reads missing secrets once a minute.
  await advanceClock(story, 120);

  await decideInSlack(story);
  await decideByMail(story);
  await decideDuringGroupChange(story);

  await disconnect(story, accounts.unknown, await connect(story, accounts.unknown));
  await waitForThrottle(story);
  await Promise.all(Array.from({ length: 12 }, () => createEndpoint(linkgate, accounts.unknown, serviceId)));
  await linkgate.idle();

  await linkgate.json('approvers', 'set', 'default', ...twoApprovers, '--quorum', '2');
  await setAssumptions(story, { notifications: false });
  await linkgate.json('approve', await connect(story, accounts.unknown));
  await setAssumptions(story, { notifications: true });
}

/** Sets up three email addresses: a confirmed one, one whose filter policy is removed, and one that leaves the group. */
async function setUpEmails(stage: ScenarioContext) {
  const { linkgate } = stage;
  const former = 'former@example.com';
  const set = ['approvers', 'set', 'default', ...twoApprovers, '--email', approver];
  await linkgate.json(...set, '--email', former);
  for (const address of [approver, former]) await confirmSubscription(stage, address);
  await widenSubscription(stage, 'approvals', approver);
  await linkgate.json(...set);
}

async function clickOn({ linkgate }: ScenarioContext, endpointId: string, action_id: string) {
  const { messages } = await linkgate.ask<{ messages: { ts: string }[] }>(
    'GET',
    `/slack/messages?channel=${channel}`,
  );
  const ts = messages.find((message) => JSON.stringify(message).includes(endpointId))?.ts;
  await linkgate.ask('POST', '/slack/click', { ...bob, channel, ts, action_id });
}

async function decideInSlack(story: ServiceContext) {
  const { linkgate, serviceId } = story;
  const typed = (text: string) => linkgate.ask('POST', '/slack/command', { ...bob, channel, text });
  const click = async (endpointId: string, action_id: string) => {
    await clickOn(story, endpointId, action_id);
    await linkgate.idle();
  };
  const endpointId = await connect(story, accounts.unknown);
  await typed('waiting');
  await typed(`show ${endpointId}`);
  // Opens the modal that asks for the reason.
  await click(endpointId, 'deny');
  await advanceClock(story, 2 * 86_400);
  await runFullSweep(story);
  await linkgate.idle();
  await click(endpointId, 'approve-and-allow');
  await linkgate.json('allowlist', 'remove', accounts.unknown, '--service', serviceId);
  await click(await connect(story, accounts.counted), 'approve');
  await typed(`allow ${accounts.unknown} payments`);
  await linkgate.json('allowlist', 'remove', accounts.unknown, '--service', serviceId);
}

/** Returns the approval link of the newest email. */
function findApprovalLink({ sandbox }: ScenarioContext): string {
  const mails = sandbox.emulator.mails.list(0).filter(({ to }) => to === approver);
  return new RegExp(`^${sandbox.outputs.ApprovalUrl}\\S+$`, 'm').exec(mails.at(-1)?.text ?? '')?.[0] ?? '';
}

function post(link: string, form: Readonly<Record<string, string>>) {
  return fetch(link, { method: 'POST', body: new URLSearchParams(form) });
}

async function decideByMail(story: ServiceContext) {
  for (const account of [accounts.unknown, accounts.counted]) {
    await connect(story, account);
    const link = findApprovalLink(story);
    await fetch(link);
    await post(link, { reason: 'a customer', ...(account === accounts.unknown && { allow: '30' }) });
    await story.linkgate.idle();
  }
  await story.linkgate.json('allowlist', 'remove', accounts.unknown, '--service', story.serviceId);
}

/** Waits for the notification throttle: more requests at once would be batched. */
function waitForThrottle(stage: ScenarioContext) {
  return advanceClock(stage, 360);
}

/** Schedules the disconnect of a connection at a service of its own. */
async function scheduleDisconnect(accountId: string, tenancies: ServiceContext): Promise<string> {
  const { linkgate, serviceId } = tenancies;
  await linkgate.json('allow', accountId, '--service', serviceId);
  const endpointId = await connect(tenancies, accountId);
  await waitForThrottle(tenancies);
  await linkgate.json('allowlist', 'remove', accountId, '--service', serviceId);
  await waitForBatch(tenancies);
  return endpointId;
}

/**
 * Gives the first of two approvals after the group of the service changed, before linkgate notices: for requests, and for connections
 * with a scheduled disconnect that are allowed again.
 */
async function decideDuringGroupChange(story: ServiceContext) {
  const { linkgate, serviceId } = story;
  const tenancies = { ...story, serviceId: await createService(linkgate) };
  await linkgate.json('service', 'add', tenancies.serviceId, '--name', 'tenancies');
  const endingBySlack = await scheduleDisconnect(accounts.unknown, tenancies);
  await scheduleDisconnect(accounts.counted, tenancies);
  const links = [findApprovalLink(story)];
  await waitForThrottle(story);
  const bySlack = await connect(story, accounts.unknown);
  await connect(story, accounts.unknown);
  links.push(findApprovalLink(story));
  const noEvents = { service: 'events', action: 'PutEvents', rate: 1, error: 'InternalFailure' };
  await withFault(story, noEvents, async () => {
    await linkgate.json('approvers', 'set', 'pair', ...twoApprovers, '--email', approver, '--quorum', '2');
    for (const id of [serviceId, tenancies.serviceId])
      await linkgate.json('service', 'add', id, '--approvers', 'pair');
    for (const account of [accounts.unknown, accounts.counted])
      await linkgate.json('allow', account, '--service', tenancies.serviceId, '--expires', '20d');
    await clickOn(story, bySlack, 'approve');
    await clickOn(story, endingBySlack, 'keep-connected');
    for (const link of links) await post(link, { reason: 'a customer' });
  });
  await linkgate.json('service', 'add', serviceId, '--approvers', 'default');
  await linkgate.idle();
}
