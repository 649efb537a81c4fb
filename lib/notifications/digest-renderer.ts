import {
  computeDigestHash,
  digestEntity,
  digestKey,
  latestStage,
  readDigestMembers,
} from '../approvals/digest.ts';
import { countBy, maxNamedAccounts } from '../approvals/summary.ts';
import { findGroup } from '../approvers/approver-group.ts';
import { digestEmail, maxListedInEmail } from '../channels/email/digest-email.ts';
import type { EmailLinks } from '../channels/email/email-sender.ts';
import type { SlackMessage } from '../channels/slack/blocks.ts';
import { digestMessage } from '../channels/slack/digest-message.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { reminderText } from '../channels/slack/reminder.ts';
import { type EscalationStage, escalationStages, isLaterStage } from '../connections/approval-request.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import { findCustomersByAccount } from '../customers/customer-by-account.ts';
import type { EmailToSend, Renderer, SlackContent } from '../outbox/content.ts';
import type { Notification } from '../outbox/notification.ts';
import { readService, serviceKey } from '../services/service.ts';
import { parseEach } from '../storage/entity.ts';
import { createOnce } from '../values/create-once.ts';
import { advanceNotifiedStage } from './advance-stage.ts';
import { approvalLinks, emailStage, selectAddresses } from './approval-emails.ts';
import { type AwaitingRecord, escalationGroup, hasApprovalRequest, isEscalated } from './awaiting-record.ts';
import { digestWindowSeconds } from './notification.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** The minimum time between two rounds of emails about a digest, in seconds. */
const digestEmailIntervalSeconds = 60;

/** Renders many approval requests of one group, and their outcome, for approvers. */
export function createDigestRenderer(deps: NotifyDeps): Renderer<SlackMessage> {
  return {
    async load(id, received) {
      const digest = await loadDigest(id, deps);
      if (!digest) return undefined;
      const { records } = digest;
      const slack = renderDigestInSlack(digest, received, deps);
      return {
        contentHash: computeDigestHash(records),
        generation: '',
        isOpen: records.some(isAwaitingApproval),
        ...(slack && { slack }),
        emails: renderDigestEmails(digest, received, deps),
        intervalSeconds: { message: digestWindowSeconds, email: digestEmailIntervalSeconds },
      };
    },
  };
}

type LoadedDigest = NonNullable<Awaited<ReturnType<typeof loadDigest>>>;

/**
 * Loads a digest with everything that a notification about it needs, and records the current stage of its requests.
 * @returns undefined if the digest or its group does not exist.
 */
async function loadDigest(id: string, deps: NotifyDeps) {
  const digest = await digestEntity.find(digestKey(id), deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!group) return undefined;
  const members = (await readDigestMembers(digest, deps)).filter(hasApprovalRequest);
  const keys = members.map(({ serviceId }) => serviceKey(serviceId));
  const services = parseEach(await deps.table.get(keys), readService, deps.reportError);
  const nextGroup = await escalationGroup(group, deps);
  const records: AwaitingRecord[] = [];
  for (const before of members) {
    const service = services.find(({ serviceId }) => serviceId === before.serviceId);
    const record = service ? await advanceNotifiedStage(before, service, nextGroup, deps) : before;
    if (record) records.push(record);
  }
  const stage = latestStage(records);
  const escalation = isEscalated(stage) ? nextGroup : undefined;
  return {
    digest,
    id,
    group,
    records,
    services,
    stage,
    escalation,
    /** Reads the customers' names by account id, for the accounts that a notification names. */
    readCustomers: createOnce(() => readCustomerNames(records, deps)),
  };
}

/** Reads the names of the accounts with the most open requests, and of the accounts that an e-mail lists. */
async function readCustomerNames(
  records: readonly AwaitingRecord[],
  deps: NotifyDeps,
): Promise<ReadonlyMap<string, string>> {
  const open = records.filter(isAwaitingApproval);
  const largest = countBy(open, ({ ownerAccountId }) => ownerAccountId).slice(0, maxNamedAccounts);
  const listed = open.slice(0, maxListedInEmail).map(({ ownerAccountId }) => ownerAccountId);
  const accountIds = [...new Set([...largest.map(([accountId]) => accountId), ...listed])];
  const customers = await findCustomersByAccount(accountIds, deps);
  return new Map([...customers].map(([accountId, { name }]) => [accountId, name]));
}

function renderDigestInSlack(
  digest: LoadedDigest,
  { message, repliedTo }: Notification,
  { now }: NotifyDeps,
): SlackContent<SlackMessage> | undefined {
  const { group, records, stage, escalation, readCustomers } = digest;
  const channel = records.length > 0 ? (group.slackChannel ?? message?.channel) : message?.channel;
  if (channel === undefined) return undefined;
  // One reminder for each stage of all members. The id of the reply is the stage.
  const lastStage = escalationStages.find((each) => each === repliedTo) ?? escalationStages[0];
  return {
    group: group.name,
    channel,
    render: async () =>
      records.length === 0
        ? movedToOtherChannelMessage('These requests')
        : digestMessage({ ...digest, customers: await readCustomers() }, now()),
    renderOutdated: (current) => movedToOtherChannelMessage(`${records.length} requests`, current),
    ...(isLaterStage(stage, lastStage) && {
      reply: { id: stage, text: reminderText(digest, escalation, now()) },
    }),
  };
}

/** Renders an e-mail for each address about the open requests that no e-mail of this stage to the address contains. */
function renderDigestEmails(
  digest: LoadedDigest,
  { emailed }: Notification,
  deps: NotifyDeps,
): EmailToSend[] {
  const { group, records, services, stage, escalation, readCustomers } = digest;
  const { endpointIds } = digest.digest;
  const isReminder = emailStage(stage) !== emailStage(escalationStages[0]);
  return selectAddresses(group, escalation).flatMap((address) => {
    const emailedIds = new Set(endpointIds.slice(0, parseEmailedCount(emailed[address], stage)));
    const listed = records.filter(
      (record) => isAwaitingApproval(record) && !emailedIds.has(record.endpointId),
    );
    const send = async () => {
      const links = group.emails.includes(address)
        ? await createDigestLinks(listed, address, digest, deps)
        : new Map<string, EmailLinks>();
      const content = { group, records: listed, services, customers: await readCustomers(), isReminder };
      await deps.emailSender.send(address, digestEmail(content, links));
    };
    return listed.length === 0
      ? []
      : [{ address, version: `${emailStage(stage)}#${endpointIds.length}`, send }];
  });
}

/** @returns the number of requests in the e-mails of a stage to an address. */
function parseEmailedCount(version: string | undefined, stage: EscalationStage): number {
  const [emailedStage, count] = version?.split('#') ?? [];
  return emailedStage === emailStage(stage) ? Number(count) : 0;
}

async function createDigestLinks(
  records: readonly AwaitingRecord[],
  address: string,
  { group }: Pick<LoadedDigest, 'group'>,
  deps: NotifyDeps,
): Promise<Map<string, EmailLinks>> {
  const links = new Map<string, EmailLinks>();
  for (const record of records.slice(0, maxListedInEmail)) {
    const emailLinks = await approvalLinks({ record, group }, address, deps);
    if (emailLinks) links.set(record.endpointId, emailLinks);
  }
  return links;
}
