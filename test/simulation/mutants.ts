import { auditPartition } from '../../lib/audit/audit.ts';
import {
  type ConnectionRecord,
  type PendingEffect,
  readRecord,
  recordPartitions,
} from '../../lib/connections/connection-record.ts';
import { externallyAcceptedRule, type Revocation } from '../../lib/connections/revocation.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { formatKey } from '../../lib/storage/entity.ts';
import type { Item, Key, Table, Write } from '../../lib/storage/table.ts';
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
  readonly mutant: () => Mutant;
  readonly isObserving?: boolean;
  readonly isLong?: boolean;
  /** The first seed of the search, for mutants that few seeds reveal. */
  readonly from?: number;
}[] = [
  {
    name: 'when writes ignore which version they expect',
    breaks: 'audit entries are only ever added, in order',
    mutant: () => mutateWrites(withoutConditions('')),
  },
  {
    name: 'when the count of endpoints is not guarded by its version',
    breaks: 'policy accepts no more endpoints of an account than its entry counts',
    mutant: () => mutateWrites(withoutConditions('ENDPOINT_QUOTA#')),
    from: 9,
  },
  {
    name: 'when endpoints that ended go on counting',
    breaks: 'what counts is what lives',
    mutant: () =>
      mutateWrites(withoutItems('ENDPOINT_QUOTA#', ({ functionName }) => functionName !== 'requests')),
    from: 17,
  },
  {
    name: 'when those held back are not decided anew as there is room',
    breaks: 'nobody waits for an endpoint to end where there is room',
    mutant: () => mutateWrites(changeItems('ENDPOINT_QUOTA#', (item) => ({ ...item, entryVersion: 0 }))),
    from: 19,
  },
  {
    name: 'when audit entries are not written',
    breaks: 'every audit trail is whole',
    mutant: () => mutateWrites(withoutItems(auditPartition)),
  },
  {
    name: 'when audit entries are changed after they were hashed',
    breaks: 'every audit trail is whole',
    mutant: () =>
      mutateWrites(changeItems(auditPartition, (item) => ({ ...item, requestId: 'somebody else' }))),
  },
  {
    name: 'when the audit names another person',
    breaks: 'who has decided by the audit has said so',
    mutant: () =>
      mutateWrites(
        changeItems(auditPartition, (item) =>
          item.action === 'approved' ? { ...item, actor: 'mallory' } : item,
        ),
      ),
  },
  {
    name: 'when what is due is not pointed at',
    breaks: 'what is due is pointed at',
    mutant: () => mutateWrites(withoutItems('PENDING_EFFECT#')),
  },
  {
    name: 'when the actor sees the policy that was decided by',
    breaks: 'EC2 is asked only for what policy or a person wants, as read right before',
    mutant: staleReadsForApply,
    from: 21,
  },
  {
    name: 'when a pause is no rule',
    breaks: 'EC2 is asked only for what policy or a person wants, as read right before',
    mutant: () => (wired) => ({ rules: wired.rules.filter(({ name }) => name !== 'service-is-paused') }),
  },
  {
    name: 'when nobody is told that a service was paused or resumed',
    breaks: 'what is pending waits by policy',
    mutant: () => mutateWrites(changeItems('SERVICE', (item) => ({ ...item, policyRevision: 1 }))),
  },
  {
    name: 'when linkgate takes for granted that it may act',
    breaks: 'EC2 is changed only where the mode is act, as read right before',
    mutant: () => () => ({ mode: async () => 'enforce' }),
  },
  {
    name: 'when linkgate takes for granted that it may act, beside a script',
    breaks: 'EC2 is changed only where the mode is act, as read right before',
    mutant: () => () => ({ mode: async () => 'enforce' }),
    isObserving: true,
  },
  {
    name: 'when the actor reads the mode once and not before each call',
    breaks: 'EC2 is changed only where the mode is act, as read right before',
    mutant: () => (wired) => {
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
    name: 'when back in act nothing is decided anew',
    breaks: 'every pending connection has a current verdict',
    mutant: () => mutateReads((item) => (item.pk === 'MODE' ? { ...item, policyRevision: 0 } : item)),
  },
  {
    name: 'when linkgate takes what others accepted for its own',
    breaks: 'nothing is cut that lives, and that linkgate did not ask to accept or announce to cut',
    mutant: () =>
      mutateReads((item) => (isToReject(item) ? { ...item, acceptRequestedAt: item.requestedAt } : item)),
  },
  {
    name: 'when linkgate takes what it accepted for accepted by others',
    breaks: 'nobody else is said to have accepted what linkgate asked for',
    mutant: () => mutateWrites(changeItems('CONNECTION#', asAcceptedElsewhere)),
    from: 4,
  },
  {
    name: 'when the actor never acts',
    breaks: 'it comes to rest',
    mutant: () => () => ({ mode: async () => 'observe' }),
  },
  {
    name: 'when what others answered is not decided',
    breaks: 'every connection newer than its registration has a verdict',
    mutant: () =>
      mutatePublish((event) => [
        event.connection.state === 'pendingAcceptance' ? event : { ...event, type: 'Connection Changed' },
      ]),
    isObserving: true,
  },
  {
    name: 'when nothing is noticed to have changed in EC2',
    breaks: 'every connection is remembered as EC2 shows it',
    mutant: () => mutatePublish((event) => (event.type === 'Connection Request' ? [event] : [])),
    isObserving: true,
  },
  {
    name: 'when the quorum is not looked at',
    breaks: 'it takes a quorum to approve',
    mutant: () => mutateReads((item) => (item.pk === 'APPROVERS' ? { ...item, quorum: 1 } : item)),
    from: 13,
  },
  {
    name: 'when it is forgotten that somebody has decided',
    breaks: 'one decision closes a request',
    mutant: () => mutateReads(withoutDecision),
  },
  {
    name: 'when it is not looked at who is an approver',
    breaks: 'nobody decides who is no approver at that moment',
    mutant: () =>
      mutateReads((item) =>
        item.pk === 'APPROVERS' ? { ...item, slackUsers: everybodyInSlack, emails: addresses } : item,
      ),
  },
  {
    name: 'when it is not looked at who owns the account',
    breaks: 'nobody approves what their own account asks for',
    mutant: () => mutateReads(({ owners: _owners, ...item }) => item as Item),
  },
  {
    name: 'when nobody is told of what waits',
    breaks: 'approvers are told of each request that waits for them',
    mutant: () => () => ({ notificationQueue: { enqueue: async () => {}, enqueueAfter: async () => {} } }),
  },
  {
    name: 'when nobody is mailed',
    breaks: 'approvers are told of each request that waits for them',
    mutant: () => () => ({ emailSender: { send: async () => {} } }),
  },
  {
    name: 'when a request is posted twice',
    breaks: 'a request has one message with buttons',
    mutant:
      () =>
      ({ slack }) => ({
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
    name: 'when whoever tells of a request writes it down whatever happened to it meanwhile',
    breaks: 'what is due is pointed at',
    mutant: () =>
      mutateWrites((write, { functionName }) =>
        functionName === 'notificationQueue' ? withoutConditions('CONNECTION#')(write) : [write],
      ),
  },
  {
    name: 'when whoever tells of a request takes what was not written for written',
    breaks: 'what is due is pointed at',
    mutant:
      () =>
      ({ table }, { functionName }) =>
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
    name: 'when buttons stay once a request is decided',
    breaks: 'a request has one message with buttons',
    mutant:
      () =>
      ({ slack }) => ({ slack: { ...slack, update: async () => {} } }),
  },
  {
    name: 'when the digest of a storm stays as it was first',
    breaks: 'what is shown is what is recorded',
    mutant:
      () =>
      ({ slack }) => ({
        slack: {
          ...slack,
          update: async (message) =>
            /wait for approval|^All of/.test(readTitle(message)) ? undefined : slack.update(message),
        },
      }),
    from: 39,
  },
  {
    name: 'when it is told to be connected once it is decided',
    breaks: 'people are told that it is connected only where EC2 has shown it',
    mutant:
      () =>
      (wired, { functionName }) =>
        functionName === 'notificationQueue' ? mutateReads(withConnectedState)(wired, {} as Run) : {},
  },
  {
    name: 'when people are called upon for what is decided',
    breaks: 'nobody is called upon for what is decided',
    mutant:
      () =>
      ({ slack }) => ({
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
    name: 'when what waits is not pointed at',
    breaks: 'what waits for a group is pointed at',
    mutant: () => mutateWrites(withoutItems('AWAITING_APPROVAL#')),
  },
  {
    name: 'when the deadline is not looked at',
    breaks: 'nothing waits beyond its deadline where its service rejects what expires',
    mutant: () => mutateReads(({ onExpiry: _onExpiry, ...item }) => item as Item),
  },
  {
    name: 'when a decision is confirmed and not written',
    breaks: 'people are told what is so',
    mutant: () => (wired) => ({
      table: {
        ...wired.table,
        write: async (writes) => writes.some(isPersonDecision) || wired.table.write(writes),
      },
    }),
  },
  {
    name: 'when an entry does not allow what lives',
    breaks: 'nothing is cut that is endorsed',
    mutant: () => forRequestsOnly('account-is-allowed'),
    isLong: true,
  },
  {
    name: 'when a grace period is over as soon as it is announced',
    breaks: 'nothing is cut by policy before it was announced in this table for its grace period',
    mutant: () => mutateReads(withoutDelay),
    isLong: true,
    from: 16,
  },
  {
    name: 'when a restored table is taken for the old one',
    breaks: 'nothing is cut by policy before it was announced in this table for its grace period',
    mutant:
      () =>
      ({ table }) => ({ table: { ...table, identity: async () => 'the table' } }),
    isLong: true,
    from: 59,
  },
  {
    name: 'when the budget of cuts is forgotten',
    breaks: 'policy cuts no more in 24 hours than its budget',
    mutant: () => mutateWrites(withoutItems('DISCONNECT_QUOTA')),
    isLong: true,
    from: 12,
  },
  {
    name: 'when a pause keeps nothing from being cut',
    breaks: 'nothing is cut during a pause',
    mutant: () => forRequestsOnly('service-is-paused'),
    isLong: true,
  },
  {
    name: 'when a block is taken for one from before',
    breaks: 'what is blocked is cut at once',
    mutant: () => mutateReads((item) => (item.effect === 'block' ? { ...item, changedAt: '' } : item)),
    isLong: true,
  },
  {
    name: 'when what lives is never decided',
    breaks: 'what lives without permission is announced, asked about or cut',
    mutant: () => mutatePublish((event) => (isReview(event) ? [] : [event])),
    isLong: true,
  },
  {
    name: 'when what lives is announced to be cut whatever its entry says',
    breaks: 'what is endorsed stays',
    mutant: () => forRequestsOnly('account-is-allowed'),
    isLong: true,
  },
  {
    name: 'when what has a time is not pointed at',
    breaks: 'what has a time is pointed at',
    mutant: () => mutateWrites(withoutItems('REEVALUATE_AT#')),
    isLong: true,
  },
  {
    name: 'when a rolled back version drops what it does not know',
    breaks: 'what a newer version added is kept',
    mutant: () => mutateReads((item, { version }) => (version === 'deployed' ? withoutAddition(item) : item)),
  },
  {
    name: 'when items of a newer major version are read as if they were not',
    breaks: 'what only a newer version can read is left alone',
    mutant: () => mutateReads((item) => (isNewerMajor(item) ? { ...item, schemaVersion: '1.0' } : item)),
  },
  {
    name: 'when what cannot be read is passed over in silence',
    breaks: 'what cannot be read is told of',
    mutant: () => () => ({ reportError: () => {} }),
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

/** Makes an announcement look old. */
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
    reason: 'somebody accepted it without linkgate',
  };
  return { ...item, verdict: { ...verdict, findings: [finding] } };
}

function isToReject({ effect }: Item): boolean {
  return (effect as PendingEffect | undefined)?.action === 'reject';
}

function withoutDecision(item: Item): Item {
  if (!recordPartitions.includes(item.pk)) return item;
  const { approval: _approval, verdict: _verdict, ...rest } = item;
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
function staleReadsForApply(): Mutant {
  const remembered = new Map<string, Item>();
  const isPolicy = ({ pk }: Key) => pk === 'SERVICE' || pk.startsWith('ALLOWLIST#');
  const stale = (table: Table, functionName: string): Table => ({
    ...table,
    async get(keys) {
      const found = await table.get(keys);
      if (functionName === 'verdicts') return found.map((item) => remembered.get(formatKey(item)) ?? item);
      if (functionName === 'requests')
        for (const item of found.filter(isPolicy)) remembered.set(formatKey(item), item);
      return found;
    },
  });
  return ({ table }, { functionName }) => ({ table: stale(table, functionName) });
}
