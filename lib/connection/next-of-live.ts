import type { AllowlistEntry } from '../allowlist/entry.ts';
import { allowCommand } from '../approval/words.ts';
import type { Mode } from '../mode/mode.ts';
import { isStopped, reasonOf } from '../policy/decide.ts';
import { isAboutForeign } from '../revocation/revocation.ts';
import type { Service } from '../service/service.ts';
import { shellWord } from '../shell-word.ts';
import type { Connection } from './connection.ts';
import { type ConnectionRecord, isOpen, leftAloneUntil } from './connection-record.ts';

/** What else says what comes next. */
export interface Around {
  readonly isListed: boolean;
  readonly service: Service | undefined;
  /** What the allowlist says of the account, where it says something. */
  readonly entry?: AllowlistEntry | undefined;
  readonly mode: Mode;
  /** EC2 was asked, and would not. */
  readonly isRefused: boolean;
}

/** What comes next of a connection that lives: whether it stays, and if not, until when and what would keep it. */
export function nextOfLive(
  { state, requestedAt }: Connection,
  record: ConnectionRecord | undefined,
  { service, entry, mode, isRefused }: Around,
): string {
  const is = state === 'available' ? 'It is connected' : 'EC2 is connecting it';
  if (!service) return `${is}. Its service is not registered, so that linkgate does not look after it.`;
  const verdict = record?.verdict;
  if (!record || !verdict)
    return requestedAt < service.registeredAt
      ? `${is}, and stays: it is older than the registration of its service.`
      : `${is}. Whether it stays is decided with the next pass.`;
  const why = reasonOf(verdict);
  if (isStopped(verdict)) return `${is}, and nothing is cut for now: ${why}.`;
  switch (verdict.outcome) {
    case 'accept':
      return `${is}, and stays: ${why}.${untilWhen(verdict.until)}`;
    case 'reject':
      return isToCome(record)
        ? `${is} until ${verdict.until}, and is cut then: ${why}. ${unless(record, entry, service.name)}`
        : `${is}. ${cutNow(record, mode, isRefused)}`;
    case 'ask':
    case 'wait':
      if (!isOpen(record)) return `${is}: ${accepted}. Whether it stays is decided within a minute.`;
      return `${is}, and stays until somebody decides${since(record)}: ${why}. ${orElse(record, entry, service.name)}`;
    default:
      throw verdict.outcome satisfies never;
  }
}

const accepted = 'somebody accepted it while linkgate left it to people';

function isToCome({ verdict, effect }: ConnectionRecord): boolean {
  return verdict?.until !== undefined && effect === undefined;
}

function untilWhen(until: string | undefined): string {
  return until === undefined
    ? ''
    : ` That permission expires at ${until}; people are warned 14 days, 7 days and 1 day before.`;
}

/** What keeps it from being cut. A revocation of this very connection is a person's, and only a person takes it back. */
function unless(record: ConnectionRecord, entry: AllowlistEntry | undefined, service: string): string {
  const { endpointId, revocation } = record;
  const allowed = revocation?.cause === 'policy' ? `, as does ${allowing(record, entry, service)}` : '';
  return `\`linkgate approve ${endpointId}\` has it stay${allowed}; \`linkgate keep ${endpointId} --until … --reason "…"\` puts it off; \`linkgate deny ${endpointId} --reason "…"\` cuts it now.`;
}

function cutNow({ verdict, effect }: ConnectionRecord, mode: Around['mode'], isRefused: boolean): string {
  const why = verdict ? reasonOf(verdict) : '';
  if (mode === 'observe')
    return `linkgate would cut it: ${why}. Its mode is observe, so it leaves that to others until \`linkgate mode act\`.`;
  const again = isRefused && effect && leftAloneUntil(effect);
  return again
    ? `EC2 refused to reject it; it is asked again after ${again.toISOString()}.`
    : `It is being cut: ${why}.`;
}

function since({ asking }: ConnectionRecord): string {
  return asking ? `, which people are asked since ${asking.since}` : '';
}

function orElse(record: ConnectionRecord, entry: AllowlistEntry | undefined, service: string): string {
  const { endpointId, verdict } = record;
  const allowed = verdict && isAboutForeign(verdict) ? `, as does ${allowing(record, entry, service)}` : '';
  return `\`linkgate approve ${endpointId}\` has it stay${allowed}; \`linkgate deny ${endpointId} --reason "…"\` cuts it now.`;
}

/** How the allowlist would have it stay: with an entry, or with one that is wider and says all else that it says now. */
function allowing(record: ConnectionRecord, entry: AllowlistEntry | undefined, service: string): string {
  if (entry?.effect !== 'allow')
    return `\`linkgate allow ${record.ownerAccountId} --service ${shellWord(service)}\``;
  if (entry.managedBy === 'file') return 'widening the entry of its account in the policy file';
  const findings = record.verdict?.findings ?? [];
  const wider = Object.assign({}, ...findings.map(({ rule }) => widenings[rule]?.(entry, record)));
  return `\`${allowCommand(entry, service, wider)}\``;
}

/** What an entry has to say otherwise, by the rule that found it too narrow. */
const widenings: Readonly<
  Record<string, (entry: AllowlistEntry, record: ConnectionRecord) => Parameters<typeof allowCommand>[2]>
> = {
  'endpoint-is-not-named': ({ endpointIds = [] }, { endpointId }) => ({
    endpoint: [...endpointIds, endpointId],
  }),
  'consumer-region-is-not-named': ({ consumerRegions = [] }, { endpointRegion = '…' }) => ({
    'consumer-region': [...consumerRegions, endpointRegion],
  }),
  'entry-has-expired': () => ({ expires: ['90d'] }),
  'account-has-its-endpoints': () => ({ 'max-endpoints': ['…'] }),
};
