import { auditPartition } from '../../lib/audit/audit.ts';
import { externallyAcceptedRule, type Revocation } from '../../lib/connections/connected-state.ts';
import {
  type ConnectionRecord,
  type PendingEffect,
  readRecord,
  recordPartitions,
} from '../../lib/connections/connection-record.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { formatKey } from '../../lib/storage/entity.ts';
import type { Item, Key, Write } from '../../lib/storage/table.ts';
import { writeKey } from '../doubles/memory-table.ts';
import { addresses, everybody } from './approvers.ts';
import type { Invariant } from './invariants.ts';
import type { Run } from './invocations.ts';
import { isNewerMajor, withoutAddition } from './mixed-versions.ts';
import { readTitle } from './slack.ts';
import type { Mutant, SimulatedDeps } from './wiring.ts';

type Events = Parameters<SimulatedDeps['bus']['publish']>[0];

/** Mutants of linkgate, each with the invariant that it breaks. */
export const mutants: readonly {
  readonly name: string;
  readonly breaks: Invariant;
  readonly mutant: Mutant;
  readonly isObserving?: boolean;
  readonly isLong?: boolean;
  /** The first seed of the search, for mutants that few seeds reveal. */
  readonly from?: number;
}[] = [
  {
    name: 'writes without version conditions',
    breaks: 'audit entries are only ever added, in order',
    mutant: mutateWrites(withoutConditions('')),
  },
  {
    name: 'writes of the endpoint quota without a version condition',
    breaks: 'policy accepts no more endpoints of an account than its entry allows',
    mutant: mutateWrites(withoutConditions('ENDPOINT_QUOTA#')),
    from: 9,
  },
  {
    name: 'deleted endpoints that stay counted',
    breaks: 'the counted endpoints are the connected ones',
    mutant: mutateWrites(withoutItems('ENDPOINT_QUOTA#', ({ functionName }) => functionName !== 'requests')),
    from: 17,
  },
  {
    name: 'no re-evaluation when a counted endpoint is freed',
    breaks: 'no request waits for its endpoint limit while endpoints are free',
    mutant: mutateWrites(changeItems('ENDPOINT_QUOTA#', (item) => ({ ...item, entryVersion: 0 }))),
    from: 19,
  },
  {
    name: 'missing audit entries',
    breaks: 'every audit trail is complete',
    mutant: mutateWrites(withoutItems(auditPartition)),
  },
  {
    name: 'audit entries changed after hashing',
    breaks: 'every audit trail is complete',
    mutant: mutateWrites(changeItems(auditPartition, (item) => ({ ...item, requestId: 'somebody else' }))),
  },
  {
    name: 'an audit entry with another actor',
    breaks: 'each decision in the audit trail was made by its actor',
    mutant: mutateWrites(
      changeItems(auditPartition, (item) =>
        item.action === 'approved' ? { ...item, actor: 'mallory' } : item,
      ),
    ),
  },
  {
    name: 'missing pointers of pending effects',
    breaks: 'each pending effect has a pointer',
    mutant: mutateWrites(withoutItems('PENDING_EFFECT#')),
  },
  {
    name: 'apply-verdicts with a stale policy',
    breaks: 'linkgate calls EC2 only for the current verdict of policy or of a person, as read right before',
    mutant: staleReadsForApply,
    from: 21,
  },
  {
    name: 'a missing pause rule',
    breaks: 'linkgate calls EC2 only for the current verdict of policy or of a person, as read right before',
    mutant: (wired) => ({ rules: wired.rules.filter(({ name }) => name !== 'service-is-paused') }),
  },
  {
    name: 'no re-evaluation after pause and resume',
    breaks: 'a pending connection waits only by policy',
    mutant: mutateWrites(changeItems('SERVICE', (item) => ({ ...item, policyRevision: 1 }))),
  },
  {
    name: 'an ignored mode',
    breaks: 'linkgate changes EC2 only in mode enforce, as read right before',
    mutant: () => ({ mode: async () => 'enforce' }),
  },
  {
    name: 'an ignored mode, beside a script',
    breaks: 'linkgate changes EC2 only in mode enforce, as read right before',
    mutant: () => ({ mode: async () => 'enforce' }),
    isObserving: true,
  },
  {
    name: 'a mode that is read once and not before each call',
    breaks: 'linkgate changes EC2 only in mode enforce, as read right before',
    mutant: (wired) => {
      let mode: ReturnType<SimulatedDeps['mode']> | undefined;
      return {
        mode() {
          mode ??= wired.mode();
          return mode;
        },
      };
    },
  },
  {
    name: 'no re-evaluation after the switch back to enforce',
    breaks: 'every pending connection has a current verdict',
    mutant: mutateReads((item) => (item.pk === 'MODE' ? { ...item, policyRevision: 0 } : item)),
  },
  {
    name: 'external accepts taken for linkgate’s own',
    breaks: 'linkgate disconnects only connections that it accepted, or whose disconnect it scheduled',
    mutant: mutateReads((item) =>
      isToReject(item) ? { ...item, acceptRequestedAt: item.requestedAt } : item,
    ),
  },
  {
    name: 'own accepts taken for external ones',
    breaks: 'linkgate does not report its own accept as an external one',
    mutant: mutateWrites(changeItems('CONNECTION#', asAcceptedElsewhere)),
    from: 4,
  },
  {
    name: 'apply-verdicts that never applies',
    breaks: 'the state becomes final',
    mutant: () => ({ mode: async () => 'observe' }),
  },
  {
    name: 'no decision about connections that a script accepted or rejected',
    breaks: 'every connection newer than its registration has a verdict',
    mutant: mutatePublish((event) => [
      event.connection.state === 'pendingAcceptance' ? event : { ...event, type: 'Connection Changed' },
    ]),
    isObserving: true,
  },
  {
    name: 'undetected changes in EC2',
    breaks: 'every record has the state that EC2 shows',
    mutant: mutatePublish((event) => (event.type === 'Connection Request' ? [event] : [])),
    isObserving: true,
  },
  {
    name: 'an ignored quorum',
    breaks: 'an approval needs its quorum',
    mutant: mutateReads((item) => (item.pk === 'APPROVERS' ? { ...item, quorum: 1 } : item)),
    from: 13,
  },
  {
    name: 'lost decisions of people',
    breaks: 'one decision closes a request',
    mutant: mutateReads(withoutDecision),
  },
  {
    name: 'decisions by people who are no approvers',
    breaks: 'only current approvers decide',
    mutant: mutateReads((item) =>
      item.pk === 'APPROVERS' ? { ...item, slackUsers: everybodyInSlack, emails: addresses } : item,
    ),
  },
  {
    name: 'approvals by owners of the account',
    breaks: 'nobody approves a request of an account that they own',
    mutant: mutateReads(({ owners: _owners, ...item }) => item as Item),
  },
  {
    name: 'no Slack messages about waiting requests',
    breaks: 'approvers are notified of each request that awaits approval',
    mutant: () => ({ notificationQueue: { enqueue: async () => {}, enqueueAfter: async () => {} } }),
  },
  {
    name: 'no emails',
    breaks: 'approvers are notified of each request that awaits approval',
    mutant: () => ({ emailSender: { send: async () => {} } }),
  },
  {
    name: 'duplicate messages of a request',
    breaks: 'a request has one message with buttons',
    mutant: ({ slack }) => ({
      slack: {
        ...slack,
        async post(message) {
          await slack.post(message);
          return slack.post(message);
        },
      },
    }),
  },
  {
    name: 'notifications written without a version condition',
    breaks: 'a request has one message with buttons',
    mutant: mutateWrites(withoutConditions('NOTIFICATION#')),
  },
  {
    name: 'ignored conflicts of notifications',
    breaks: 'a request has one message with buttons',
    mutant: ({ table }, { functionName }) =>
      functionName === 'notificationQueue'
        ? {
            table: {
              ...table,
              async write(writes) {
                await table.write(writes);
                return true;
              },
            },
          }
        : {},
  },
  {
    name: 'buttons on decided requests',
    breaks: 'a request has one message with buttons',
    mutant: ({ slack }) => ({ slack: { ...slack, update: async () => {} } }),
  },
  {
    name: 'a digest that is never updated',
    breaks: 'each message shows the recorded state',
    mutant: ({ slack }) => ({
      slack: {
        ...slack,
        update: async (message) =>
          /wait for approval|^All \d/.test(readTitle(message)) ? undefined : slack.update(message),
      },
    }),
    from: 39,
  },
  {
    name: 'a message that shows connected before EC2 does',
    breaks: 'a message shows a connection as connected only after EC2 shows it',
    mutant: (wired, { functionName }) =>
      functionName === 'notificationQueue'
        ? mutateReads(withConnectedState)(wired, {} as Run, new Map())
        : {},
  },
  {
    name: 'reminders of decided requests',
    breaks: 'approvers are not reminded of a decided request',
    mutant: ({ slack }) => ({
      slack: {
        ...slack,
        async update({ channel, ts, text, blocks }) {
          await slack.update({ channel, ts, text, blocks });
          await slack.post({ channel, threadTs: ts, text });
        },
      },
    }),
  },
  {
    name: 'missing pointers of awaiting requests',
    breaks: 'each request that awaits approval has a pointer',
    mutant: mutateWrites(withoutItems('AWAITING_APPROVAL#')),
  },
  {
    name: 'an ignored deadline',
    breaks: 'no request waits beyond its deadline at a service that rejects on expiry',
    mutant: mutateReads(({ onExpiry: _onExpiry, ...item }) => item as Item),
  },
  {
    name: 'a confirmed decision that is not recorded',
    breaks: 'responses to people match the recorded decisions',
    mutant: (wired) => ({
      table: {
        ...wired.table,
        write: async (writes) => writes.some(isPersonDecision) || wired.table.write(writes),
      },
    }),
  },
  {
    name: 'an entry that does not allow connected connections',
    breaks: 'no allowed connection is disconnected',
    mutant: forRequestsOnly('account-is-allowed'),
    isLong: true,
  },
  {
    name: 'a grace period that ends at once',
    breaks: 'policy disconnects nothing before its grace period has passed in the current table',
    mutant: mutateReads(withoutDelay),
    isLong: true,
    from: 16,
  },
  {
    name: 'an undetected table restore',
    breaks: 'policy disconnects nothing before its grace period has passed in the current table',
    mutant: ({ table }) => ({ table: { ...table, identity: async () => 'the table' } }),
    isLong: true,
    from: 59,
  },
  {
    name: 'a forgotten disconnect quota',
    breaks: 'policy disconnects no more in 24 hours than its quota',
    mutant: mutateWrites(withoutItems('DISCONNECT_QUOTA')),
    isLong: true,
    from: 12,
  },
  {
    name: 'disconnects at a paused service',
    breaks: 'nothing is disconnected at a paused service',
    mutant: forRequestsOnly('service-is-paused'),
    isLong: true,
  },
  {
    name: 'a block taken for an earlier one',
    breaks: 'a blocked connection is disconnected at once',
    mutant: mutateReads((item) => (item.effect === 'block' ? { ...item, changedAt: '' } : item)),
    isLong: true,
  },
  {
    name: 'no decisions about connected connections',
    breaks: 'a connection without permission has a scheduled disconnect or awaits approval',
    mutant: mutatePublish((event) => (isReview(event) ? [] : [event])),
    isLong: true,
  },
  {
    name: 'scheduled disconnects of allowed connections',
    breaks: 'an allowed connection has no scheduled disconnect',
    mutant: forRequestsOnly('account-is-allowed'),
    isLong: true,
  },
  {
    name: 'missing pointers of scheduled re-evaluations',
    breaks: 'each scheduled re-evaluation has a pointer',
    mutant: mutateWrites(withoutItems('REEVALUATE_AT#')),
    isLong: true,
  },
  {
    name: 'a rolled back version that drops unknown attributes',
    breaks: 'attributes of a newer version are kept',
    mutant: mutateReads((item, { version }) => (version === 'deployed' ? withoutAddition(item) : item)),
  },
  {
    name: 'items of a newer major version that are read',
    breaks: 'items of a newer major version are not changed',
    mutant: mutateReads((item) => (isNewerMajor(item) ? { ...item, schemaVersion: '1.0' } : item)),
  },
  {
    name: 'unreported unreadable items',
    breaks: 'unreadable items are reported',
    mutant: () => ({ reportError: () => {} }),
  },
];

/** Wraps the table to change writes. */
function mutateWrites(change: (write: Write, run: Run) => readonly Write[]): Mutant {
  return ({ table }, run) => ({
    table: {
      ...table,
      async write(writes) {
        const changed = writes.flatMap((write) => change(write, run));
        return changed.length === 0 || table.write(changed);
      },
    },
  });
}

/** Wraps the table to change reads. */
function mutateReads(change: (item: Item, run: Run) => Item): Mutant {
  return ({ table }, run) => ({
    table: {
      ...table,
      get: async (keys) => (await table.get(keys)).map((item) => change(item, run)),
      async *query(pk, options) {
        for await (const page of table.query(pk, options)) yield page.map((item) => change(item, run));
      },
    },
  });
}

function mutatePublish(change: (event: Events[number]) => Events): Mutant {
  return ({ bus }) => ({ bus: { publish: (events) => bus.publish(events.flatMap(change)) } });
}

/** Limits a rule to requests. */
function forRequestsOnly(name: string): Mutant {
  return ({ rules }) => ({
    rules: rules.map((rule) => ({
      ...rule,
      evaluate: (connection, ...rest) =>
        rule.name === name && isConnected(connection.state) ? undefined : rule.evaluate(connection, ...rest),
    })),
  });
}

/** Removes the grace period of a scheduled disconnect. */
function withoutDelay(item: Item): Item {
  const { revocation } = item as { readonly revocation?: Revocation };
  return revocation ? { ...item, revocation: { ...revocation, disconnectAt: revocation.since } } : item;
}

function isReview({ type, connection }: Events[number]): boolean {
  return type === 'Connection Request' && isConnected(connection.state);
}

function withoutItems(partitions: string, isMeant: (run: Run) => boolean = () => true) {
  return (write: Write, run: Run) =>
    writeKey(write).pk.startsWith(partitions) && isMeant(run) ? [] : [write];
}

function changeItems(partitions: string, change: (item: Item) => Item) {
  return (write: Write): Write[] => [
    'put' in write && write.put.pk.startsWith(partitions) ? { ...write, put: change(write.put) } : write,
  ];
}

function withoutConditions(partitions: string) {
  return (write: Write): readonly Write[] => {
    if (!writeKey(write).pk.startsWith(partitions)) return [write];
    return ['put' in write ? { put: write.put } : { remove: write.remove }];
  };
}

function isPersonDecision(write: Write): boolean {
  return 'put' in write && (write.put.action === 'approved' || write.put.action === 'denied');
}

function asAcceptedElsewhere(item: Item): Item {
  const { state, verdict, acceptRequestedAt } = item as unknown as ConnectionRecord;
  if (!isConnected(state) || !verdict || acceptRequestedAt === undefined) return item;
  const finding = {
    rule: externallyAcceptedRule,
    outcome: 'ask',
    reason: 'somebody accepted it outside linkgate',
  };
  return { ...item, verdict: { ...verdict, findings: [finding] } };
}

function isToReject({ pendingEffect }: Item): boolean {
  return (pendingEffect as PendingEffect | undefined)?.action === 'reject';
}

function withoutDecision(item: Item): Item {
  if (!recordPartitions.includes(item.pk)) return item;
  const { personDecision: _personDecision, verdict: _verdict, ...rest } = item;
  return rest;
}

const everybodyInSlack = everybody.map((actor) => {
  const [, team = '', user = ''] = actor.split(':');
  return { team, user };
});

function withConnectedState(item: Item): Item {
  if (!recordPartitions.includes(item.pk) || isNewerMajor(item)) return item;
  return readRecord(item).verdict?.outcome === 'accept' ? { ...item, state: 'available' } : item;
}

/** Hides policy changes since the last decision from apply-verdicts. */
function staleReadsForApply(
  ...[{ table }, { functionName }, earlierItems]: Parameters<Mutant>
): Partial<SimulatedDeps> {
  return {
    table: {
      ...table,
      async get(keys) {
        const items = await table.get(keys);
        if (functionName === 'verdicts')
          return items.map((item) => earlierItems.get(formatKey(item)) ?? item);
        const isPolicy = ({ pk }: Key) => pk === 'SERVICE' || pk.startsWith('ALLOWLIST#');
        if (functionName === 'requests')
          for (const item of items.filter(isPolicy)) earlierItems.set(formatKey(item), item);
        return items;
      },
    },
  };
}
