import { entryKey, everyService, readEntry } from '../allowlist/entry.ts';
import { findGroup } from '../approval/approver-group.ts';
import { countedAtMost, type ExpiryWarning } from '../approval/expiry-warning.ts';
import { recordsBefore } from '../connection/account-history.ts';
import { isLive } from '../connection/connection.ts';
import { orReport } from '../invocation.ts';
import { warningMail } from '../mail/warning-mail.ts';
import { readService, serviceKey } from '../service/service.ts';
import { warningMessage } from '../slack/warning-message.ts';
import { byKey } from '../table/item.ts';
import type { Run } from './slack-of-run.ts';
import { holdFrom, isHeld } from './telling.ts';
import { type Expiring, findWarned, type Warned, warnedItem } from './warned.ts';

/** Seconds after which what Slack or SNS did not take is tried again. */
const triedAgain = 300;
/** How long that goes on, in milliseconds. */
const triedFor = 24 * 3_600_000;

/**
 * Tells the approvers of a service that an entry expires by which connections live: once for each warning. Who dies between
 * telling and writing that down has it told again: twice is better than not at all.
 */
export async function tellOfExpiry(expiring: Expiring, run: Run): Promise<void> {
  const found = await readWarning(expiring, run);
  if (!found) return;
  const { group } = found;
  const before = await findWarned(expiring, run.now(), run.table);
  if (isTold(before, group) || isHeld(before, run.now())) return;
  const held = { ...before, heldUntil: holdFrom(run.now()), version: before.version + 1 };
  if (!(await run.table.write([{ put: warnedItem(held), expected: before.version }]))) return;
  const warning = { ...found, connections: await connectionsBy(expiring, run) };
  const mailed = await mail(warning, before.mailed, run);
  const slack = before.slack ?? (await post(warning, expiring, run));
  const { heldUntil: _heldUntil, ...known } = held;
  const after: Warned = { ...known, mailed, ...(slack && { slack }), version: held.version + 1 };
  await run.table.write([{ put: warnedItem(after), expected: held.version }]);
  const age = run.now().getTime() - new Date(after.since).getTime();
  if (!isTold(after, group) && age < triedFor) await run.notices.ringAfter(triedAgain, [{ expiring }]);
}

/** @returns nothing where the entry ends otherwise by now, or nobody can be told. */
async function readWarning(
  { serviceId, accountId, until, days }: Expiring,
  { table }: Run,
): Promise<Omit<ExpiryWarning, 'connections'> | undefined> {
  const keys = [serviceId, everyService].map((at) => entryKey(at, accountId));
  const items = byKey(await table.get([serviceKey(serviceId), ...keys]));
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

function isTold({ slack, mailed }: Warned, { slackChannel, emails }: ExpiryWarning['group']): boolean {
  return (slackChannel === undefined || slack !== undefined) && emails.every((each) => mailed.includes(each));
}

/** How many connections of the account live at the service until then. */
async function connectionsBy({ serviceId, accountId, until }: Expiring, run: Run): Promise<number> {
  const now = { ownerAccountId: accountId, serviceId, requestedAt: run.now().toISOString(), endpointId: '' };
  const records = await recordsBefore(now, countedAtMost, run);
  return records.filter(
    ({ state, verdict }) => isLive(state) && verdict?.outcome === 'accept' && verdict.until === until,
  ).length;
}

/** @returns who was sent the mail by now. */
async function mail(warning: ExpiryWarning, mailed: readonly string[], run: Run): Promise<string[]> {
  const sent = [...mailed];
  for (const address of warning.group.emails.filter((each) => !mailed.includes(each)))
    await orReport(run.report, async () => {
      await run.mails.send(address, warningMail(warning));
      sent.push(address);
    });
  return sent;
}

async function post(warning: ExpiryWarning, expiring: Expiring, { slack }: Run) {
  const { name, slackChannel: channel } = warning.group;
  if (channel === undefined) return undefined;
  const place = { group: name, channel, subject: { expiring } };
  return (await slack.takes(place)) ? slack.post(place, warningMessage(warning)) : undefined;
}
