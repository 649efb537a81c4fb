import { auditPartition } from '../../lib/audit/audit.ts';
import { externallyAcceptedRule } from '../../lib/connections/connected-state.ts';
import { type ConnectionRecord, readRecord } from '../../lib/connections/connection-record.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { formatKey } from '../../lib/storage/entity.ts';
import type { Item, Write } from '../../lib/storage/table.ts';
import { writeKey } from '../doubles/memory-table.ts';
import { addresses, everybody } from './approvers.ts';
import type { Invariant } from './invariants.ts';
import type { Run } from './invocations.ts';
import { isNewerMajor, withoutAddition } from './mixed-versions.ts';
import type { SimulationOptions } from './simulate.ts';
import { readTitle } from './slack.ts';
import type { Mutant, SimulatedDeps } from './wiring.ts';

/** The mutants by name, below the invariant that each breaks. */
type MutantTable = Readonly<Partial<Record<Invariant, Readonly<Record<string, Mutant>>>>>;
type Event = Parameters<SimulatedDeps['bus']['publish']>[0][number];

const ignoredMode: Mutant = () => ({ mode: async () => 'enforce' });

const mutantsInEnforce: MutantTable = {
  'audit entries are only ever added, in order': {
    'writes without version conditions': mutateWrites('', withoutCondition),
  },
  'policy accepts no more endpoints of an account than its entry allows': {
    'writes of the endpoint quota without a version condition': mutateWrites(
      'ENDPOINT_QUOTA#',
      withoutCondition,
    ),
  },
  'the counted endpoints are the connected ones': {
    'deleted endpoints that stay counted': (wired, run, memory) =>
      run.functionName === 'requests' ? {} : withoutItems('ENDPOINT_QUOTA#')(wired, run, memory),
  },
  'no request waits for its endpoint limit while endpoints are free': {
    'no re-evaluation when a counted endpoint is freed': mutatePuts('ENDPOINT_QUOTA#', { entryVersion: 0 }),
  },
  'every audit trail is complete': {
    'missing audit entries': withoutItems(auditPartition),
    'audit entries changed after hashing': mutatePuts(auditPartition, { requestId: 'somebody else' }),
  },
  'each decision in the audit trail was made by its actor': {
    'an audit entry with another actor': mutatePuts(auditPartition, { actor: 'mallory' }, isApproved),
  },
  'each pending effect has a pointer': {
    'missing pointers of pending effects': withoutItems('PENDING_EFFECT#'),
  },
  'linkgate calls EC2 only for the current verdict of policy or of a person, as read right before': {
    'apply-verdicts with a stale policy': withStaleReadsOfApply,
    'a missing pause rule': ({ rules }) => ({
      rules: rules.filter(({ name }) => name !== 'service-is-paused'),
    }),
  },
  'a pending connection waits only by policy': {
    'no re-evaluation after pause and resume': mutatePuts('SERVICE', { policyRevision: 1 }),
  },
  'linkgate changes EC2 only in mode enforce, as read right before': {
    'an ignored mode': ignoredMode,
    'a mode that is read once and not before each call'({ mode }) {
      let firstRead: ReturnType<typeof mode> | undefined;
      return { mode: () => (firstRead ??= mode()) };
    },
  },
  'every pending connection has a current verdict': {
    'no re-evaluation after the switch back to enforce': mutateReads('MODE', (item) => ({
      ...item,
      policyRevision: 0,
    })),
  },
  'linkgate disconnects only connections that it accepted, or whose disconnect it scheduled': {
    'external accepts taken for linkgate’s own': mutateReads('CONNECTION#', (item) =>
      asRecord(item).pendingEffect?.action === 'reject'
        ? { ...item, acceptRequestedAt: item.requestedAt }
        : item,
    ),
  },
  'linkgate does not report its own accept as an external one': {
    'own accepts taken for external ones': mutatePuts('CONNECTION#', asAcceptedElsewhere),
  },
  'the state becomes final': {
    'apply-verdicts that never applies': () => ({ mode: async () => 'observe' }),
  },
  'an approval needs its quorum': {
    'an ignored quorum': mutateReads('APPROVERS', (item) => ({ ...item, quorum: 1 })),
  },
  'one decision closes a request': {
    'lost decisions of people': mutateReads(
      'CONNECTION#',
      ({ personDecision: _personDecision, verdict: _verdict, ...item }) => item as Item,
    ),
  },
  'only current approvers decide': {
    'decisions by people who are no approvers': mutateReads('APPROVERS', (item) => ({
      ...item,
      slackUsers: everybody.map((actor) => actor.split(':')).map(([, team, user]) => ({ team, user })),
      emails: addresses,
    })),
  },
  'nobody approves a request of an account that they own': {
    'approvals by owners of the account': mutateReads('', ({ owners: _owners, ...item }) => item as Item),
  },
  'approvers are notified of each request that awaits approval': {
    'no Slack messages about waiting requests': () => ({
      notificationQueue: { enqueue: async () => {}, enqueueAfter: async () => {} },
    }),
    'no emails': () => ({ emailSender: { send: async () => {} } }),
  },
  'a request has one message with buttons': {
    'duplicate messages of a request': ({ slack }) => ({
      slack: {
        ...slack,
        async post(message) {
          await slack.post(message);
          return slack.post(message);
        },
      },
    }),
    'notifications written without a version condition': mutateWrites('NOTIFICATION#', withoutCondition),
    'ignored conflicts of notifications': ({ table }, { functionName }) => ({
      table: {
        ...table,
        write: async (writes) => (await table.write(writes)) || functionName === 'notificationQueue',
      },
    }),
    'buttons on decided requests': ({ slack }) => ({ slack: { ...slack, update: async () => {} } }),
  },
  'each message shows the recorded state': {
    'a digest that is never updated': ({ slack }) => ({
      slack: {
        ...slack,
        update: async (message) =>
          /wait for approval|^All \d/.test(readTitle(message)) ? undefined : slack.update(message),
      },
    }),
  },
  'a message shows a connection as connected only after EC2 shows it': {
    'a message that shows connected before EC2 does': mutateReads('CONNECTION#', (item, { functionName }) =>
      functionName === 'notificationQueue' &&
      !isNewerMajor(item) &&
      readRecord(item).verdict?.outcome === 'accept'
        ? { ...item, state: 'available' }
        : item,
    ),
  },
  'approvers are not reminded of a decided request': {
    'reminders of decided requests': ({ slack }) => ({
      slack: {
        ...slack,
        async update({ channel, ts, text, blocks }) {
          await slack.update({ channel, ts, text, blocks });
          await slack.post({ channel, threadTs: ts, text });
        },
      },
    }),
  },
  'each request that awaits approval has a pointer': {
    'missing pointers of awaiting requests': withoutItems('AWAITING_APPROVAL#'),
  },
  'no request waits beyond its deadline at a service that rejects on expiry': {
    'an ignored deadline': mutateReads('', ({ onExpiry: _onExpiry, ...item }) => item as Item),
  },
  'responses to people match the recorded decisions': {
    'a confirmed decision that is not recorded': ({ table }) => ({
      table: {
        ...table,
        write: async (writes) =>
          writes.some(
            (write) => 'put' in write && (isApproved(write.put) || write.put.action === 'denied'),
          ) || table.write(writes),
      },
    }),
  },
  'attributes of a newer version are kept': {
    'a rolled back version that drops unknown attributes': mutateReads('', (item, { version }) =>
      version === 'deployed' ? withoutAddition(item) : item,
    ),
  },
  'items of a newer major version are not changed': {
    'items of a newer major version that are read': mutateReads('', (item) =>
      isNewerMajor(item) ? { ...item, schemaVersion: '1.0' } : item,
    ),
  },
  'unreadable items are reported': {
    'unreported unreadable items': () => ({ reportError: () => {} }),
  },
};

const mutantsInObserve: MutantTable = {
  'linkgate changes EC2 only in mode enforce, as read right before': {
    'an ignored mode, beside a script': ignoredMode,
  },
  'every connection newer than its registration has a verdict': {
    'no decision about connections that a script accepted or rejected': mutatePublish((event) => [
      event.connection.state === 'pendingAcceptance' ? event : { ...event, type: 'Connection Changed' },
    ]),
  },
  'every record has the state that EC2 shows': {
    'undetected changes in EC2': mutatePublish((event) =>
      event.type === 'Connection Request' ? [event] : [],
    ),
  },
};

const mutantsOverDays: MutantTable = {
  'no allowed connection is disconnected': {
    'an entry that does not allow connected connections': forRequestsOnly('account-is-allowed'),
  },
  'policy disconnects nothing before its grace period has passed in the current table': {
    'a grace period that ends at once': mutateReads('CONNECTION#', (item) => {
      const { revocation } = asRecord(item);
      return revocation ? { ...item, revocation: { ...revocation, disconnectAt: revocation.since } } : item;
    }),
    'an undetected table restore': ({ table }) => ({
      table: { ...table, identity: async () => 'the table' },
    }),
  },
  'policy disconnects no more in 24 hours than its quota': {
    'a forgotten disconnect quota': withoutItems('DISCONNECT_QUOTA'),
  },
  'nothing is disconnected at a paused service': {
    'disconnects at a paused service': forRequestsOnly('service-is-paused'),
  },
  'a blocked connection is disconnected at once': {
    'a block taken for an earlier one': mutateReads('ALLOWLIST#', (item) =>
      item.effect === 'block' ? { ...item, changedAt: '' } : item,
    ),
  },
  'a connection without permission has a scheduled disconnect or awaits approval': {
    'no decisions about connected connections': mutatePublish((event) =>
      event.type === 'Connection Request' && isConnected(event.connection.state) ? [] : [event],
    ),
  },
  'an allowed connection has no scheduled disconnect': {
    'scheduled disconnects of allowed connections': forRequestsOnly('account-is-allowed'),
  },
  'each scheduled re-evaluation has a pointer': {
    'missing pointers of scheduled re-evaluations': withoutItems('REEVALUATE_AT#'),
  },
};

/** The first seeds of the search, for mutants that few seeds reveal. */
const firstSeeds: Readonly<Record<string, number>> = {
  'writes of the endpoint quota without a version condition': 80,
  'deleted endpoints that stay counted': 17,
  'no re-evaluation when a counted endpoint is freed': 73,
  'apply-verdicts with a stale policy': 21,
  'own accepts taken for external ones': 4,
  'an ignored quorum': 13,
  'a digest that is never updated': 39,
  'a grace period that ends at once': 16,
  'an undetected table restore': 59,
  'a forgotten disconnect quota': 12,
};

/** Lists the mutants with the options of the simulation that reveal them. */
function listMutants(table: MutantTable, options: SimulationOptions) {
  return Object.entries(table).flatMap(([invariant, named]) =>
    Object.entries(named).map(([name, mutant]) => ({
      name,
      breaks: invariant,
      from: firstSeeds[name] ?? 1,
      options: { ...options, mutant },
    })),
  );
}

/** The mutants of linkgate that hours reveal. */
export const mutants = [
  ...listMutants(mutantsInEnforce, {}),
  ...listMutants(mutantsInObserve, { isObserving: true }),
];
/** The mutants of linkgate that only days reveal. */
export const longMutants = listMutants(mutantsOverDays, { isLong: true });

/** Changes the writes to the partitions with a prefix. */
function mutateWrites(prefix: string, change: (write: Write) => readonly Write[]): Mutant {
  return ({ table }) => ({
    table: {
      ...table,
      async write(writes) {
        const changed = writes.flatMap((write) =>
          writeKey(write).pk.startsWith(prefix) ? change(write) : write,
        );
        return changed.length === 0 || table.write(changed);
      },
    },
  });
}

function withoutItems(prefix: string): Mutant {
  return mutateWrites(prefix, () => []);
}

function withoutCondition({ expected: _expected, ...write }: Write): Write[] {
  return [write];
}

/** Sets attributes of the written items. */
function mutatePuts(
  prefix: string,
  attributes: object | ((item: Item) => object),
  isMeant: (item: Item) => boolean = () => true,
): Mutant {
  return mutateWrites(prefix, (write) => {
    if (!('put' in write) || !isMeant(write.put)) return [write];
    const changed = typeof attributes === 'function' ? attributes(write.put) : attributes;
    return [{ ...write, put: { ...write.put, ...changed } }];
  });
}

/** Changes the items read from the partitions with a prefix. */
function mutateReads(prefix: string, change: (item: Item, run: Run) => Item): Mutant {
  return ({ table }, run) => {
    const changeAll = (items: readonly Item[]) =>
      items.map((item) => (item.pk.startsWith(prefix) ? change(item, run) : item));
    return {
      table: {
        ...table,
        get: async (keys) => changeAll(await table.get(keys)),
        async *query(pk, options) {
          for await (const page of table.query(pk, options)) yield changeAll(page);
        },
      },
    };
  };
}

function mutatePublish(change: (event: Event) => readonly Event[]): Mutant {
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

/** Hides policy changes since the last decision from apply-verdicts. */
function withStaleReadsOfApply(
  ...[{ table }, { functionName }, earlierItems]: Parameters<Mutant>
): ReturnType<Mutant> {
  const get: typeof table.get = async (keys) => {
    const items = await table.get(keys);
    if (functionName === 'verdicts') return items.map((item) => earlierItems.get(formatKey(item)) ?? item);
    if (functionName === 'requests')
      for (const item of items)
        if (/^(SERVICE$|ALLOWLIST#)/.test(item.pk)) earlierItems.set(formatKey(item), item);
    return items;
  };
  return { table: { ...table, get } };
}

function asRecord(item: Item): Partial<ConnectionRecord> {
  return item as object;
}

function isApproved({ action }: Item): boolean {
  return action === 'approved';
}

function asAcceptedElsewhere(item: Item): object {
  const { state, verdict, acceptRequestedAt } = asRecord(item);
  if (!state || !isConnected(state) || !verdict || acceptRequestedAt === undefined) return {};
  const reason = 'somebody accepted it outside linkgate';
  return { verdict: { ...verdict, findings: [{ rule: externallyAcceptedRule, outcome: 'ask', reason }] } };
}
