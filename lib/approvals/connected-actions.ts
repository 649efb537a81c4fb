import { effectiveEntry } from '../allowlist/effective-entry.ts';
import { type ConnectionRecord, canBeExtended } from '../connections/connection-record.ts';
import type { Policy } from '../policy/rule.ts';
import { shellWord } from '../values/shell-word.ts';
import { allowCommand, formatTime } from './status-text.ts';

/** The actions of approvers on a connection that EC2 shows connected. */
export const connectedActions = ['keep', 'extend', 'disconnect'] as const;
export type ConnectedAction = (typeof connectedActions)[number];

/** The labels of the actions in buttons, links and forms. */
export const connectedLabels: Readonly<Record<ConnectedAction, string>> = {
  keep: 'Keep connected',
  extend: 'Extend 14 days',
  disconnect: 'Disconnect now',
};

/** Selects the actions of a connection: `extend` needs a scheduled disconnect. */
export function selectConnectedActions(record: ConnectionRecord): readonly ConnectedAction[] {
  return connectedActions.filter((answer) => answer !== 'extend' || canBeExtended(record));
}

const extensionMs = 14 * 86_400_000;

/**
 * @returns the disconnect time after `extend`: 14 days after the scheduled time, or 14 days from now if that time has passed. ISO
 * 8601.
 */
export function computeExtendedUntil({ revocation }: ConnectionRecord, now: Date): string {
  const disconnectAt = revocation ? new Date(revocation.disconnectAt).getTime() : 0;
  return new Date(Math.max(disconnectAt, now.getTime()) + extensionMs).toISOString();
}

/** Describes the effect of an action, for the confirmation. */
export function describeConnectedAction(
  action: ConnectedAction,
  record: ConnectionRecord,
  now: Date,
): string {
  const { endpointId, ownerAccountId, revocation } = record;
  const endpointText = `${endpointId} of account ${ownerAccountId}`;
  const isToCome = revocation !== undefined && new Date(revocation.disconnectAt) > now;
  const until = isToCome ? `until ${formatTime(computeExtendedUntil(record, now))}` : 'for 14 days from now';
  const effects: Readonly<Record<ConnectedAction, string>> = {
    keep: `linkgate keeps ${endpointText} connected permanently and does not change the allowlist.`,
    extend: `linkgate keeps ${endpointText} connected ${until} and disconnects it then, unless somebody decides otherwise.`,
    disconnect: `linkgate disconnects ${endpointText} at once. The endpoint stays rejected, and its owner pays for it until they delete it and create a new one.`,
  };
  return effects[action];
}

/** The service and the entries that commands about a connection depend on. */
interface ConnectedCommandContext extends Pick<Policy, 'entries'> {
  /** The name of the service in linkgate. */
  readonly service: string;
}

/** Describes the commands for a connection under review. `approve` and `deny` apply to requests only. */
export function connectedCommands(
  record: ConnectionRecord,
  surroundings: ConnectedCommandContext,
): readonly string[] {
  const { endpointId } = record;
  return [
    ...(canBeExtended(record)
      ? [`\`linkgate extend ${endpointId} --until 14d --reason "…"\` extends it`]
      : []),
    describeAllowCommand(record, surroundings),
    `\`linkgate revoke ${endpointId} --now --reason "…"\` disconnects it now`,
  ];
}

function describeAllowCommand(
  record: ConnectionRecord,
  { service, entries }: ConnectedCommandContext,
): string {
  const { ownerAccountId, revocation } = record;
  // Only a person can cancel a person's revocation.
  if (revocation?.cause === 'person')
    return `\`linkgate allow ${ownerAccountId} --service ${shellWord(service)}\` allows new connections of its account; only ${connectedLabels.keep} in Slack or in an email cancels the revocation`;
  const entry = effectiveEntry({ entries });
  if (entry?.effect !== 'allow')
    return `\`linkgate allow ${ownerAccountId} --service ${shellWord(service)}\` keeps it connected`;
  if (entry.managedBy === 'file')
    return 'widening the entry of its account in the policy file keeps it connected';
  const findings = record.verdict?.findings ?? [];
  const wider = Object.assign({}, ...findings.map(({ rule }) => entryWideners[rule]?.(entry, record)));
  return `\`${allowCommand(entry, service, wider)}\` keeps it connected`;
}

type AllowCommandEntry = Parameters<typeof allowCommand>[0];

/** The options that widen an entry, by the rule that found it too narrow. */
const entryWideners: Readonly<
  Record<string, (entry: AllowCommandEntry, record: ConnectionRecord) => Parameters<typeof allowCommand>[2]>
> = {
  'endpoint-is-not-named': ({ endpointIds = [] }, { endpointId }) => ({
    endpoint: [...endpointIds, endpointId],
  }),
  'consumer-region-is-not-named': ({ consumerRegions = [] }, { endpointRegion = '…' }) => ({
    'consumer-region': [...consumerRegions, endpointRegion],
  }),
  'entry-has-expired': () => ({ expires: ['90d'] }),
  'max-endpoints-reached': () => ({ 'max-endpoints': ['…'] }),
};
