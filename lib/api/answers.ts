import { entriesFor } from '../allowlist/entries.ts';
import { type AllowlistEntry, everyService } from '../allowlist/entry.ts';
import type { PersonsDecision } from '../approval/decide-by-person.ts';
import { type Connection, isLive } from '../connection/connection.ts';
import { everyOne } from '../connection/connections.ts';
import type { Looking } from '../connection/find-connection.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { agrees, reasonOf } from '../policy/decide.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import type { Service } from '../service/service.ts';
import type { Table } from '../table/table.ts';
import { ApiError } from './api-error.ts';

/** Why a request can no longer be decided: who, when and what. */
interface Closed {
  readonly state: string;
  readonly by?: string;
  readonly at?: string;
  readonly decision?: string;
  readonly reason?: string;
  readonly ticket?: string;
}

export function closedBy({ record, connection }: Extract<PersonsDecision, { status: 'not-open' }>): Closed {
  // What EC2 no longer lists is gone, whatever is remembered of it.
  const state = connection?.state ?? 'deleted';
  const { approval, verdict } = record ?? {};
  const isDecided = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  if (approval && (!isDecided || agrees(verdict, approval))) {
    const { allow: _allow, block: _block, ...word } = approval;
    return { state, ...word };
  }
  if (!isDecided) return { state };
  const { outcome: decision, decidedBy: by, decidedAt: at } = verdict;
  return { state, by, at, decision, reason: reasonOf(verdict) };
}

const did: Readonly<Record<string, string>> = {
  approve: 'approved it',
  deny: 'denied it',
  accept: 'decided to accept it',
  reject: 'decided to reject it',
};

export function notOpen(endpointId: string, closed: Closed): ApiError {
  const { by, at, decision, reason, state } = closed;
  const who =
    decision === undefined
      ? `EC2 shows it \`${state}\``
      : `${by} ${did[decision]} at ${at}${reason ? ` (${reason})` : ''}`;
  return new ApiError(409, 'NotOpen', `${endpointId} is not open: ${who}`, { details: { ...closed } });
}

/** What a change of the allowlist does not do, which people expect it to. The change stands when this cannot be told. */
export async function consequencesOf(
  change: Change,
  whose: Whose,
  deps: Looking & Pick<Invocation, 'report'>,
): Promise<string[]> {
  const told = await orReport(deps.report, () => consequences(change, whose, deps));
  return (
    told ?? [
      'it is done; which connections stay as they are could not be looked up: see `linkgate connections`',
    ]
  );
}

type Change = 'allow' | 'block' | 'forget';
type Whose = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;

async function consequences(
  change: Change,
  { serviceId, accountId }: Whose,
  { table, connectionsIn }: Looking,
) {
  const services = await registeredServices(table);
  const isMeant = (each: Connection) => serviceId === everyService || each.serviceId === serviceId;
  const pages = await Promise.all(
    placesIn(services).map((place) => everyOne(connectionsIn(place), { ownerAccountId: accountId })),
  );
  const byService = Map.groupBy(pages.flat().filter(isMeant), (each) => each.serviceId);
  return services.flatMap((service) =>
    consequencesAt(service, change, byService.get(service.serviceId) ?? []),
  );
}

/** At one service: an answer has to fit into the table, to be given again. */
const namedAtMost = 20;

function consequencesAt(
  { serviceId, name, place: { region } }: Service,
  change: Change,
  theirs: readonly Connection[],
): string[] {
  const stay = theirs.filter(({ state }) => (change === 'allow' ? state === 'rejected' : isLive(state)));
  if (stay.length === 0) return [];
  const named = stay.slice(0, namedAtMost).map(({ endpointId }) => endpointId);
  const others = stay.length - named.length;
  const ids = named.join(', ') + (others === 0 ? '' : ` and ${others.toLocaleString('en')} more`);
  return change === 'allow'
    ? [`${ids} at ${name}: stays rejected; the consumer has to delete it and create a new endpoint`]
    : [
        `${ids} at ${name}: stays connected, since a change of the allowlist cuts nothing. To cut ${others === 0 ? 'it' : 'those named'}: aws ec2 reject-vpc-endpoint-connections --region ${region} --service-id ${serviceId} --vpc-endpoint-ids ${named.join(' ')}`,
      ];
}

/** What a service that is taken out leaves in the table. */
export async function leftBehind({ serviceId }: Service, table: Table): Promise<string[]> {
  const entries = await entriesFor([serviceId], table);
  if (entries.length === 0) return [];
  return [
    `the allowlist keeps what it says of ${serviceId} (accounts: ${entries.length}), and it holds again if the service is registered again: see linkgate allowlist --service ${serviceId}; linkgate forget takes one away`,
  ];
}
