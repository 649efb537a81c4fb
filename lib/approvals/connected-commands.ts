import { type ConnectionRecord, canBeExtended } from '../connections/connection-record.ts';
import { effectiveEntry, type Policy } from '../policy/rule.ts';
import { shellWord } from '../values/shell-word.ts';
import { allowCommand, formatTime } from './status-text.ts';

/** What people may say of a connection that is in question, which EC2 shows connected. */
export const connectedActions = ['keep', 'extend', 'disconnect'] as const;
export type ConnectedAction = (typeof connectedActions)[number];

/** As buttons, links and forms are labelled. */
export const connectedLabels: Readonly<Record<ConnectedAction, string>> = {
  keep: 'Keep connected',
  extend: 'Extend 14 days',
  disconnect: 'Disconnect now',
};

/** The answers that a connection can be given: where no time is set to disconnect it, there is none to extend. */
export function selectConnectedActions(record: ConnectionRecord): readonly ConnectedAction[] {
  return connectedActions.filter((answer) => answer !== 'extend' || canBeExtended(record));
}

const extensionMs = 14 * 86_400_000;

/** Until when `extend` keeps a connection: 14 days longer than now is said, or from now on where that time is over. ISO 8601. */
export function computeExtendedUntil({ revocation }: ConnectionRecord, now: Date): string {
  const disconnectAt = revocation ? new Date(revocation.disconnectAt).getTime() : 0;
  return new Date(Math.max(disconnectAt, now.getTime()) + extensionMs).toISOString();
}

/** What an answer does, as people confirm it. */
export function describeConnectedAction(
  answer: ConnectedAction,
  record: ConnectionRecord,
  now: Date,
): string {
  const { endpointId, ownerAccountId, revocation } = record;
  const which = `${endpointId} of account ${ownerAccountId}`;
  const isToCome = revocation !== undefined && new Date(revocation.disconnectAt) > now;
  const until = isToCome ? `until ${formatTime(computeExtendedUntil(record, now))}` : 'for 14 days from now';
  const effects: Readonly<Record<ConnectedAction, string>> = {
    keep: `${which} stays connected for good, and the allowlist stays as it is.`,
    extend: `${which} stays connected ${until}, and is disconnected then unless somebody decides otherwise.`,
    disconnect: `${which} is disconnected at once. The endpoint stays rejected, and its owner pays for it until they delete it and create a new one.`,
  };
  return effects[answer];
}

/** What else a command about a connection rests on. */
interface ConnectedCommandContext extends Pick<Policy, 'entries'> {
  /** Its own name for the service. */
  readonly service: string;
}

/** The commands about a connection that is in question, each with what it does. `approve` and `deny` are about requests alone. */
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
  // A revocation of this very connection is a person's, and only a person takes it back.
  if (revocation?.cause === 'person')
    return `\`linkgate allow ${ownerAccountId} --service ${shellWord(service)}\` lets its account connect anew, and does not take the revocation back, as ${connectedLabels.keep} in Slack or in a mail does`;
  const entry = effectiveEntry({ entries });
  if (entry?.effect !== 'allow')
    return `\`linkgate allow ${ownerAccountId} --service ${shellWord(service)}\` has it stay`;
  if (entry.managedBy === 'file')
    return 'widening the entry of its account in the policy file, as `linkgate allow` would, has it stay';
  const findings = record.verdict?.findings ?? [];
  const wider = Object.assign({}, ...findings.map(({ rule }) => entryWideners[rule]?.(entry, record)));
  return `\`${allowCommand(entry, service, wider)}\` has it stay`;
}

type AllowCommandEntry = Parameters<typeof allowCommand>[0];

/** What an entry has to say otherwise, by the rule that found it too narrow. */
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
