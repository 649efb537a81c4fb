import { callLinkgate } from '../../../sandbox/linkgate-api.ts';
import { accounts, createEndpoint, createService, provider } from '../sandbox.ts';
import {
  assume,
  confirm,
  connect,
  disconnect,
  gathered,
  laterBy,
  type Stage,
  type Story,
  whileFailing,
  wholePass,
  widenSubscription,
} from './harness.ts';

const channel = 'C01APPROVALS';
const bob = { team: 'T01LOCAL', user: 'U01BOB' };
const toTwo = [
  ...['--slack-user', 'T01LOCAL:U01ALICE', '--slack-user', 'T01LOCAL:U01BOB'],
  ...['--slack-channel', channel],
];
const approver = 'approver@example.com';

/** What people are asked and do: in Slack, by mail, and through the API before linkgate has seen the request. */
export async function approvals(story: Story) {
  const { linkgate, sandbox, serviceId } = story;
  const { ApiUrl = '' } = sandbox.outputs;
  const { signingSecret, botToken } = sandbox.cloud.slack.credentials;
  await callLinkgate(ApiUrl, provider, 'PUT', '/slack', { signingSecret, botToken });
  await mailboxes(story);
  // Secrets that were not there are looked for once a minute.
  await laterBy(story, 120);

  await decideInSlack(story);
  await decideByMail(story);
  await decideWhileAllChanges(story);

  await disconnect(story, accounts.unknown, await connect(story, accounts.unknown));
  await calm(story);
  await Promise.all(Array.from({ length: 12 }, () => createEndpoint(linkgate, accounts.unknown, serviceId)));
  await linkgate.idle();

  await linkgate.json('approvers', 'set', 'default', ...toTwo, '--quorum', '2');
  await assume(story, { notifications: false });
  await linkgate.json('approve', await connect(story, accounts.unknown));
  await assume(story, { notifications: true });
}

/** An address that confirms, one whose filter policy somebody takes away, and one that is in the group no more. */
async function mailboxes(stage: Stage) {
  const { linkgate } = stage;
  const former = 'former@example.com';
  const set = ['approvers', 'set', 'default', ...toTwo, '--email', approver];
  await linkgate.json(...set, '--email', former);
  for (const address of [approver, former]) await confirm(stage, address);
  await widenSubscription(stage, 'approvals', approver);
  await linkgate.json(...set);
}

async function clickOn({ linkgate }: Stage, endpointId: string, action_id: string) {
  const { messages } = await linkgate.ask<{ messages: { ts: string }[] }>(
    'GET',
    `/slack/messages?channel=${channel}`,
  );
  const ts = messages.find((message) => JSON.stringify(message).includes(endpointId))?.ts;
  await linkgate.ask('POST', '/slack/click', { ...bob, channel, ts, action_id });
}

async function decideInSlack(story: Story) {
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
  await laterBy(story, 2 * 86_400);
  await wholePass(story);
  await linkgate.idle();
  await click(endpointId, 'approve-and-allow');
  await linkgate.json('allowlist', 'remove', accounts.unknown, '--service', serviceId);
  await click(await connect(story, accounts.counted), 'approve');
  await typed(`allow ${accounts.unknown} payments`);
  await linkgate.json('allowlist', 'remove', accounts.unknown, '--service', serviceId);
}

/** By the newest mail. */
function linkToApprove({ sandbox }: Stage): string {
  const mails = sandbox.cloud.mails.list(0).filter(({ to }) => to === approver);
  return new RegExp(`^${sandbox.outputs.ApprovalUrl}\\S+$`, 'm').exec(mails.at(-1)?.text ?? '')?.[0] ?? '';
}

function post(link: string, form: Readonly<Record<string, string>>) {
  return fetch(link, { method: 'POST', body: new URLSearchParams(form) });
}

async function decideByMail(story: Story) {
  for (const account of [accounts.unknown, accounts.counted]) {
    await connect(story, account);
    const link = linkToApprove(story);
    await fetch(link);
    await post(link, { reason: 'a customer', ...(account === accounts.unknown && { allow: '30' }) });
    await story.linkgate.idle();
  }
  await story.linkgate.json('allowlist', 'remove', accounts.unknown, '--service', story.serviceId);
}

/** More requests at once would be told of together. */
function calm(stage: Stage) {
  return laterBy(stage, 360);
}

/** At a service of its own: a connection of the account is to be cut. */
async function endingOf(accountId: string, tenancies: Story): Promise<string> {
  const { linkgate, serviceId } = tenancies;
  await linkgate.json('allow', accountId, '--service', serviceId);
  const endpointId = await connect(tenancies, accountId);
  await calm(tenancies);
  await linkgate.json('allowlist', 'remove', accountId, '--service', serviceId);
  await gathered(tenancies);
  return endpointId;
}

/**
 * The first of two approvals, of what waits for another group by now, which nobody has noticed yet: of requests, and of connections
 * that were to be cut and are allowed again for a while.
 */
async function decideWhileAllChanges(story: Story) {
  const { linkgate, serviceId } = story;
  const tenancies = { ...story, serviceId: await createService(linkgate) };
  await linkgate.json('service', 'add', tenancies.serviceId, '--name', 'tenancies');
  const endingBySlack = await endingOf(accounts.unknown, tenancies);
  await endingOf(accounts.counted, tenancies);
  const links = [linkToApprove(story)];
  await calm(story);
  const bySlack = await connect(story, accounts.unknown);
  await connect(story, accounts.unknown);
  links.push(linkToApprove(story));
  const noEvents = { service: 'events', action: 'PutEvents', rate: 1, error: 'InternalFailure' };
  await whileFailing(story, noEvents, async () => {
    await linkgate.json('approvers', 'set', 'pair', ...toTwo, '--email', approver, '--quorum', '2');
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
