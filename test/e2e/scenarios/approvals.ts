import { callLinkgate } from '../../../sandbox/linkgate-api.ts';
import { accounts, createEndpoint, createService, provider } from '../sandbox.ts';
import {
  confirmSubscription,
  connect,
  disconnect,
  runFullSweep,
  type ScenarioContext,
  type ServiceContext,
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
export async function runApprovals(context: ServiceContext) {
  const { linkgate, sandbox, serviceId } = context;
  const { ApiUrl = '' } = sandbox.outputs;
  const { signingSecret, botToken } = sandbox.emulator.slack.credentials;
  await callLinkgate(ApiUrl, provider, 'PUT', '/slack', { signingSecret, botToken });
  await setUpEmails(context);
  await setUpOperations(context);
  // linkgate reads missing secrets once a minute.
  await context.linkgate.advanceClock(120);

  await decideInSlack(context);
  await decideByMail(context);
  await decideDuringGroupChange(context);

  await disconnect(context, accounts.unknown, await connect(context, accounts.unknown));
  await waitForThrottle(context);
  await Promise.all(Array.from({ length: 12 }, () => createEndpoint(linkgate, accounts.unknown, serviceId)));
  await linkgate.idle();

  await linkgate.json('approvers', 'set', 'default', ...twoApprovers, '--quorum', '2');
  await context.linkgate.assume({ notifications: false });
  await linkgate.json('approve', await connect(context, accounts.unknown));
  await context.linkgate.assume({ notifications: true });
}

/** Sets up three email addresses: a confirmed one, one whose filter policy is removed, and one that leaves the group. */
async function setUpEmails(context: ScenarioContext) {
  const { linkgate } = context;
  const former = 'former@example.com';
  const set = ['approvers', 'set', 'default', ...twoApprovers, '--email', approver];
  await linkgate.json(...set, '--email', former);
  for (const address of [approver, former]) await confirmSubscription(context, address);
  await widenSubscription(context, 'approvals', approver);
  await linkgate.json(...set);
}

/** Sets up the recipients of operations notices likewise. */
async function setUpOperations(context: ScenarioContext) {
  const { linkgate } = context;
  const [kept, former] = ['ops@example.com', 'former-ops@example.com'];
  const set = ['operations', 'set', '--slack-channel', 'C01OPS', '--email', kept];
  await linkgate.json(...set, '--email', former);
  for (const address of [kept, former]) await confirmSubscription(context, address);
  await widenSubscription(context, 'operations', kept);
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

async function decideInSlack(context: ServiceContext) {
  const { linkgate, serviceId } = context;
  const runSlackCommand = (text: string) => linkgate.ask('POST', '/slack/command', { ...bob, channel, text });
  const click = async (endpointId: string, action_id: string) => {
    await clickOn(context, endpointId, action_id);
    await linkgate.idle();
  };
  const endpointId = await connect(context, accounts.unknown);
  await runSlackCommand('waiting');
  await runSlackCommand(`show ${endpointId}`);
  // Opens the modal that asks for the reason.
  await click(endpointId, 'deny');
  await context.linkgate.advanceClock(2 * 86_400);
  await runFullSweep(context);
  await linkgate.idle();
  await click(endpointId, 'approve-and-allow');
  await linkgate.json('allowlist', 'remove', accounts.unknown, '--service', serviceId);
  await click(await connect(context, accounts.limited), 'approve');
  await runSlackCommand(`allow ${accounts.unknown} payments`);
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

async function decideByMail(context: ServiceContext) {
  for (const account of [accounts.unknown, accounts.limited]) {
    await connect(context, account);
    const link = findApprovalLink(context);
    await fetch(link);
    await post(link, { reason: 'a customer', ...(account === accounts.unknown && { allow: '30' }) });
    await context.linkgate.idle();
  }
  await context.linkgate.json('allowlist', 'remove', accounts.unknown, '--service', context.serviceId);
}

/** Waits for the notification throttle, so that linkgate does not batch the next request. */
function waitForThrottle(context: ScenarioContext) {
  return context.linkgate.advanceClock(360);
}

/** Schedules the disconnect of a connection at a service of its own. */
async function scheduleDisconnect(accountId: string, context: ServiceContext): Promise<string> {
  const { linkgate, serviceId } = context;
  await linkgate.json('allow', accountId, '--service', serviceId);
  const endpointId = await connect(context, accountId);
  await waitForThrottle(context);
  await linkgate.json('allowlist', 'remove', accountId, '--service', serviceId);
  await context.linkgate.waitForBatch();
  return endpointId;
}

/**
 * Gives the first of two approvals after the service changed its group and before linkgate notifies the new group: for
 * requests, and for connections with a scheduled disconnect that are allowed again.
 */
async function decideDuringGroupChange(context: ServiceContext) {
  const { linkgate, serviceId } = context;
  const tenancies = { ...context, serviceId: await createService(linkgate) };
  await linkgate.json('service', 'add', tenancies.serviceId, '--name', 'tenancies');
  const disconnectInSlack = await scheduleDisconnect(accounts.unknown, tenancies);
  await scheduleDisconnect(accounts.limited, tenancies);
  const links = [findApprovalLink(context)];
  await waitForThrottle(context);
  const requestInSlack = await connect(context, accounts.unknown);
  await connect(context, accounts.unknown);
  links.push(findApprovalLink(context));
  const noEvents = { service: 'events', action: 'PutEvents', rate: 1, error: 'InternalFailure' };
  await withFault(context, noEvents, async () => {
    await linkgate.json('approvers', 'set', 'pair', ...twoApprovers, '--email', approver, '--quorum', '2');
    for (const id of [serviceId, tenancies.serviceId])
      await linkgate.json('service', 'add', id, '--approvers', 'pair');
    for (const account of [accounts.unknown, accounts.limited])
      await linkgate.json('allow', account, '--service', tenancies.serviceId, '--expires', '20d');
    await clickOn(context, requestInSlack, 'approve');
    await clickOn(context, disconnectInSlack, 'keep-connected');
    for (const link of links) await post(link, { reason: 'a customer' });
  });
  await linkgate.json('service', 'add', serviceId, '--approvers', 'default');
  await linkgate.idle();
}
