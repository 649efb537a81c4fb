import { allServicesScope, entryKey, readEntry } from '../allowlist/entry.ts';
import { type ExpiryWarning, maxListed } from '../approvals/expiry-warning.ts';
import { findGroup } from '../approvers/approver-group.ts';
import { warningEmail } from '../channels/email/warning-email.ts';
import { warningMessage } from '../channels/slack/warning-message.ts';
import { listEarlierConnections } from '../connections/connections-by-account.ts';
import { isConnected } from '../privatelink/connection.ts';
import { orReported } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey } from '../storage/entity.ts';
import {
  type ExpiringAccess,
  type ExpiryWarningState,
  expiryWarningItem,
  findExpiryWarning,
} from './expiry-warning-state.ts';
import { isLeased, leaseUntil } from './notify-deps.ts';
import type { NotificationRun } from './slack-session.ts';

/** Seconds after which what Slack or SNS did not take is tried again. */
const triedAgain = 300;
/** How long that goes on, in milliseconds. */
const triedFor = 24 * 3_600_000;

/**
 * Tells the approvers of a service that an entry expires by which connections live: once for each warning. Who dies between
 * telling and writing that down has it told again: twice is better than not at all.
 */
export async function notifyExpiry(expiring: ExpiringAccess, run: NotificationRun): Promise<void> {
  const found = await readWarning(expiring, run);
  if (!found) return;
  const { group } = found;
  const before = await findExpiryWarning(expiring, run.now(), run.table);
  if (isTold(before, group) || isLeased(before, run.now())) return;
  const held = { ...before, leaseUntil: leaseUntil(run.now()), version: before.version + 1 };
  if (!(await run.table.write([{ put: expiryWarningItem(held), expected: before.version }]))) return;
  const warning = { ...found, connections: await connectionsBy(expiring, run) };
  const emailedTo = await mail(warning, before.emailedTo, run);
  const slack = before.slack ?? (await post(warning, expiring, run));
  const { leaseUntil: _heldUntil, ...known } = held;
  const after: ExpiryWarningState = {
    ...known,
    emailedTo,
    ...(slack && { slack }),
    version: held.version + 1,
  };
  await run.table.write([{ put: expiryWarningItem(after), expected: held.version }]);
  const age = run.now().getTime() - new Date(after.since).getTime();
  if (!isTold(after, group) && age < triedFor) await run.notices.enqueueAfter(triedAgain, [{ expiring }]);
}

/** @returns nothing where the entry ends otherwise by now, or nobody can be told. */
async function readWarning(
  { serviceId, accountId, until, days }: ExpiringAccess,
  { table }: NotificationRun,
): Promise<Omit<ExpiryWarning, 'connections'> | undefined> {
  const keys = [serviceId, allServicesScope].map((at) => entryKey(at, accountId));
  const items = indexByKey(await table.get([serviceKey(serviceId), ...keys]));
  const [serviceItem] = items.all([serviceKey(serviceId)]);
  const service = serviceItem && readService(serviceItem);
  const entry = items
    .all(keys)
    .map(readEntry)
    .find(({ effect, expiresAt }) => effect === 'allow' && expiresAt === until);
  const group = service && (await findGroup(service.approvers, table));
  if (!group || !entry || (group.slackChannel === undefined && group.emails.length === 0)) return undefined;
  return { service, entry: { ...entry, expiresAt: until }, group, days };
}

function isTold(
  { slack, emailedTo }: ExpiryWarningState,
  { slackChannel, emails }: ExpiryWarning['group'],
): boolean {
  return (
    (slackChannel === undefined || slack !== undefined) && emails.every((each) => emailedTo.includes(each))
  );
}

/** How many connections of the account live at the service until then. */
async function connectionsBy(
  { serviceId, accountId, until }: ExpiringAccess,
  run: NotificationRun,
): Promise<number> {
  const now = { ownerAccountId: accountId, serviceId, requestedAt: run.now().toISOString(), endpointId: '' };
  const records = await listEarlierConnections(now, maxListed, run);
  return records.filter(
    ({ state, verdict }) => isConnected(state) && verdict?.outcome === 'accept' && verdict.until === until,
  ).length;
}

/** @returns who was sent the mail by now. */
async function mail(
  warning: ExpiryWarning,
  emailedTo: readonly string[],
  run: NotificationRun,
): Promise<string[]> {
  const sent = [...emailedTo];
  for (const address of warning.group.emails.filter((each) => !emailedTo.includes(each)))
    await orReported(run.reportError, async () => {
      await run.mails.send(address, warningEmail(warning));
      sent.push(address);
    });
  return sent;
}

async function post(warning: ExpiryWarning, expiring: ExpiringAccess, { slack }: NotificationRun) {
  const { name, slackChannel: channel } = warning.group;
  if (channel === undefined) return undefined;
  const location = { group: name, channel, subject: { expiring } };
  return (await slack.takes(location)) ? slack.post(location, warningMessage(warning)) : undefined;
}
