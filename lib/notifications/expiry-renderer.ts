import { allServicesScope, entryKey, readEntry } from '../allowlist/entry.ts';
import { hashContent } from '../approvals/content-hash.ts';
import {
  type ExpiryWarning,
  type ExpiryWarningsView,
  maxCountedConnections,
} from '../approvals/expiry-warning-text.ts';
import { type ApproverGroup, findGroup } from '../approvers/approver-group.ts';
import { warningEmail } from '../channels/email/warning-email.ts';
import type { SlackMessage } from '../channels/slack/blocks.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { warningMessage } from '../channels/slack/warning-message.ts';
import { listEarlierConnections } from '../connections/indexes.ts';
import type { EmailToSend, Renderer, SlackContent } from '../outbox/content.ts';
import type { Notification } from '../outbox/notification.ts';
import { isConnected } from '../privatelink/connection.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import { type ExpiryWarnings, expiryWarningsEntity, expiryWarningsKey } from './expiry-warnings.ts';
import { digestWindowSeconds } from './notification.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** The minimum time between two rounds of e-mails about the warnings of a day, in seconds. */
const emailIntervalSeconds = 3600;
/** The number of accounts whose connections linkgate counts at once. */
const countedAtOnce = 10;

type Expiring = ExpiryWarnings['expiring'][number];
/** A warning with its position in the list, which no later change moves. */
type ListedWarning = ExpiryWarning & { readonly position: number };

/** Renders the allowlist entries of one group whose warning became due on one day. */
export function createExpiryRenderer(deps: NotifyDeps): Renderer<SlackMessage> {
  return {
    async load(id, received) {
      const list = await expiryWarningsEntity.find(expiryWarningsKey(id), deps.table);
      const group = list && (await findGroup(list.group, deps.table));
      if (!group || !(group.slackChannel ?? group.emails[0])) return undefined;
      const { expiring, expiresAt } = list;
      const warnings = await loadWarnings(expiring, deps);
      if (warnings.length === 0 && !received.message) return undefined;
      const view = { group: group.name, warnings, renewedCount: expiring.length - warnings.length };
      const message = warningMessage(view);
      const slack = renderWarningsInSlack(message, expiring.length, group, received);
      return {
        contentHash: hashContent(message),
        generation: '',
        isOpen: warnings.some(({ entry }) => new Date(entry.expiresAt) > deps.now()),
        ...(slack && { slack }),
        emails: renderWarningEmails(view, expiring.length, group, received, deps),
        intervalSeconds: { message: digestWindowSeconds, email: emailIntervalSeconds },
        expiresAt,
      };
    },
  };
}

/** Loads the entries that still expire as the warning says, the soonest expiry first. */
async function loadWarnings(expiring: readonly Expiring[], deps: NotifyDeps): Promise<ListedWarning[]> {
  const keys = expiring.flatMap(({ serviceId, accountId }) => [
    serviceKey(serviceId),
    entryKey(serviceId, accountId),
    entryKey(allServicesScope, accountId),
  ]);
  const items = indexByKey(await deps.table.get(keys));
  const find = <T>(key: Key, read: (item: Item) => T) =>
    parseEach(items.all([key]), read, deps.reportError)[0];
  const warnings: ListedWarning[] = [];
  for (const chunk of chunks([...expiring.entries()], countedAtOnce))
    await Promise.all(
      chunk.map(async ([position, { serviceId, accountId, until, daysBefore }]) => {
        const service = find(serviceKey(serviceId), readService);
        const entry = [serviceId, allServicesScope]
          .map((scope) => find(entryKey(scope, accountId), readEntry))
          .find((each) => each?.effect === 'allow' && each.expiresAt === until);
        if (!service || !entry) return;
        const connections = await countConnections({ serviceId, accountId, until }, deps);
        warnings.push({ entry: { ...entry, expiresAt: until }, service, daysBefore, connections, position });
      }),
    );
  return warnings.sort(
    (a, b) => a.entry.expiresAt.localeCompare(b.entry.expiresAt) || a.position - b.position,
  );
}

/** Counts the connections of the account that the entry allows until its expiry. */
async function countConnections(
  { serviceId, accountId, until }: Pick<Expiring, 'serviceId' | 'accountId' | 'until'>,
  deps: NotifyDeps,
): Promise<number> {
  const now = { ownerAccountId: accountId, serviceId, requestedAt: deps.now().toISOString(), endpointId: '' };
  const records = await listEarlierConnections(now, maxCountedConnections, deps);
  return records.filter(
    ({ state, verdict }) => isConnected(state) && verdict?.outcome === 'accept' && verdict.until === until,
  ).length;
}

/** @param count the number of entries so far, which identifies the newest reply */
function renderWarningsInSlack(
  message: SlackMessage,
  count: number,
  { name, slackChannel }: ApproverGroup,
  received: Notification,
): SlackContent<SlackMessage> | undefined {
  const channel = slackChannel ?? received.message?.channel;
  if (channel === undefined) return undefined;
  const added = count - Number(received.repliedTo ?? 0);
  const isOne = added === 1;
  return {
    group: name,
    channel,
    render: async () => message,
    renderOutdated: (current) => movedToOtherChannelMessage('Expiry warnings', current),
    ...(added > 0 && {
      reply: {
        id: String(count),
        text: `${added} more ${isOne ? 'entry of this message expires' : 'entries of this message expire'} soon.`,
      },
    }),
  };
}

/** Renders an e-mail for each address about the entries that no earlier e-mail to the address contains. */
function renderWarningEmails(
  { group, warnings }: ExpiryWarningsView & { readonly warnings: readonly ListedWarning[] },
  count: number,
  { emails }: ApproverGroup,
  { emailed }: Notification,
  deps: NotifyDeps,
): EmailToSend[] {
  return emails.flatMap((address) => {
    const isNew = ({ position, entry }: ListedWarning) =>
      position >= Number(emailed[address] ?? 0) && new Date(entry.expiresAt) > deps.now();
    const view = { group, warnings: warnings.filter(isNew), renewedCount: 0 };
    const send = () => deps.emailSender.send(address, warningEmail(view));
    return view.warnings.length === 0 ? [] : [{ address, version: String(count), send }];
  });
}
