import { allServicesScope, entryKey, readEntry } from '../allowlist/entry.ts';
import { type ExpiryWarning, maxCountedConnections } from '../approvals/expiry-warning-text.ts';
import { findGroup } from '../approvers/approver-group.ts';
import { warningEmail } from '../channels/email/warning-email.ts';
import { warningMessage } from '../channels/slack/warning-message.ts';
import { listEarlierConnections } from '../connections/indexes.ts';
import { isConnected } from '../privatelink/connection.ts';
import { orReported } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey } from '../storage/entity.ts';
import { isLeased, leaseEnd } from '../storage/lease.ts';
import {
  type ExpiringAccess,
  type ExpiryWarningState,
  expiringAccessTarget,
  expiryWarningItem,
  findExpiryWarning,
} from './expiry-warning-state.ts';
import { type NotificationRun, notificationLeaseMs } from './notify-deps.ts';

/** A warning that failed is tried again each five minutes, for a day. */
const retrySeconds = 300;
const retryWindowMs = 24 * 3_600_000;

/**
 * Warns the approvers of a service before an allowlist entry with connections expires, once per warning. Delivery is at least
 * once: a run that crashes before it saves the state sends the warning again.
 */
export async function notifyExpiry(expiring: ExpiringAccess, run: NotificationRun): Promise<void> {
  const loadedWarning = await loadExpiryWarning(expiring, run);
  if (!loadedWarning) return;
  const { group } = loadedWarning;
  const before = await findExpiryWarning(expiring, run.now(), run.table);
  if (isExpiryWarningSent(before, group) || isLeased(before, run.now())) return;
  const leasedState = {
    ...before,
    leaseUntil: leaseEnd(run.now(), notificationLeaseMs),
    version: before.version + 1,
  };
  if (!(await run.table.write([{ put: expiryWarningItem(leasedState), expected: before.version }]))) return;
  const warning = { ...loadedWarning, connections: await countExpiringConnections(expiring, run) };
  const emailedTo = await emailExpiryWarning(warning, before.emailedTo, run);
  const slack = before.slackMessage ?? (await postExpiryWarning(warning, run));
  const { leaseUntil: _leaseUntil, ...stateWithoutLease } = leasedState;
  const after: ExpiryWarningState = {
    ...stateWithoutLease,
    emailedTo,
    ...(slack && { slackMessage: slack }),
    version: leasedState.version + 1,
  };
  await run.table.write([{ put: expiryWarningItem(after), expected: leasedState.version }]);
  const age = run.now().getTime() - new Date(after.since).getTime();
  if (!isExpiryWarningSent(after, group) && age < retryWindowMs)
    await run.notificationQueue.enqueueAfter(retrySeconds, [expiringAccessTarget(expiring)]);
}

/** @returns undefined if the entry has another expiry, or the group has no channel and no address. */
async function loadExpiryWarning(
  { serviceId, accountId, until, daysBefore }: ExpiringAccess,
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
  return { service, entry: { ...entry, expiresAt: until }, group, daysBefore };
}

function isExpiryWarningSent(
  { slackMessage, emailedTo }: ExpiryWarningState,
  { slackChannel, emails }: ExpiryWarning['group'],
): boolean {
  return (
    (slackChannel === undefined || slackMessage !== undefined) &&
    emails.every((each) => emailedTo.includes(each))
  );
}

/** Counts the connections of the account that the entry allows until its expiry. */
async function countExpiringConnections(
  { serviceId, accountId, until }: ExpiringAccess,
  run: NotificationRun,
): Promise<number> {
  const now = { ownerAccountId: accountId, serviceId, requestedAt: run.now().toISOString(), endpointId: '' };
  const records = await listEarlierConnections(now, maxCountedConnections, run);
  return records.filter(
    ({ state, verdict }) => isConnected(state) && verdict?.outcome === 'accept' && verdict.until === until,
  ).length;
}

/** @returns the addresses whose email SNS has accepted. */
async function emailExpiryWarning(
  warning: ExpiryWarning,
  emailedTo: readonly string[],
  run: NotificationRun,
): Promise<string[]> {
  const sent = [...emailedTo];
  for (const address of warning.group.emails.filter((each) => !emailedTo.includes(each)))
    await orReported(run.reportError, 'send expiry email', async () => {
      await run.emailSender.send(address, warningEmail(warning));
      sent.push(address);
    });
  return sent;
}

async function postExpiryWarning(warning: ExpiryWarning, { session }: NotificationRun) {
  const { name, slackChannel: channel } = warning.group;
  if (channel === undefined) return undefined;
  const location = { group: name, channel };
  if ((await session.availability(location)) !== 'ready') return undefined;
  const posted = await session.post(location, warningMessage(warning));
  return typeof posted === 'object' ? posted : undefined;
}
