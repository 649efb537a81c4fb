import type { ReadMode } from '../mode/mode.ts';
import type { ImpactEffect, PredictedImpact } from '../policy-as-code/predict-impact.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { disconnectQuota, remainingQuota } from '../reconcile/disconnect-quota.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import { countConnected } from '../reconcile/reserve-disconnects.ts';
import type { Service } from '../services/service.ts';
import { shellWord } from '../values/shell-word.ts';
import { isPaused } from '../verdicts/verdict.ts';

export interface SummarizeDeps {
  readonly connectionsClient: FindDeps['connectionsClient'];
  readonly mode: ReadMode;
  readonly now: () => Date;
  readonly isDryRun?: boolean;
}

/** A pending request that linkgate accepts or rejects. */
interface PredictedAnswer {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly service: string;
}

/** A connection that linkgate disconnects now or later. */
interface PredictedDisconnect extends PredictedAnswer {
  /** ISO 8601 */
  readonly at: string;
}

/** The predicted impact of a change on connections. Each list has at most `maxListedConnections`, but in a dry run. */
export interface ChangePrediction {
  readonly accepts: readonly PredictedAnswer[];
  readonly rejects: readonly PredictedAnswer[];
  readonly disconnects: readonly PredictedDisconnect[];
  readonly warnings: readonly string[];
}

/** DynamoDB limits the size of an item, and the idempotency item stores the response for replay. */
const maxListedConnections = 100;
const maxNamedEndpoints = 20;

interface ConnectionOfService {
  readonly connection: Connection;
  readonly service: Service;
}

type ImpactOfService = PredictedImpact & ConnectionOfService;

/** A connection that a warning names. */
interface NamedOutcome extends ConnectionOfService {
  readonly kind: keyof typeof outcomeTexts;
  /** ISO 8601: the time of its disconnect. */
  readonly at?: string;
}

interface ImpactsToSummarize {
  readonly impacts: readonly PredictedImpact[];
  /** The connections that stay rejected although their account is allowed. */
  readonly rejected: readonly ConnectionOfService[];
  /** The number of connections for which the time was too short. */
  readonly omitted: number;
}

/** Summarizes impacts on the connections of registered services. */
export async function summarizeImpacts(
  { impacts, rejected, omitted }: ImpactsToSummarize,
  deps: SummarizeDeps,
): Promise<ChangePrediction> {
  const ofServices = impacts.filter((each): each is ImpactOfService => each.service !== undefined);
  const named: NamedOutcome[] = [
    ...ofServices.flatMap((each) => nameOutcome(each, deps.now())),
    ...rejected.map((each): NamedOutcome => ({ ...each, kind: 'rejected' })),
  ];
  const disconnects = named.filter(({ at }) => at !== undefined).map(predictedDisconnect);
  const pending = ofServices.filter(({ connection }) => !isConnected(connection.state));
  const [accepts = [], rejects = []] = ['accept', 'reject'].map((effect) =>
    pending.filter(({ after }) => after.effect === effect).map(predictedConnection),
  );
  const isObserving =
    disconnects.length + accepts.length + rejects.length > 0 && (await deps.mode()) === 'observe';
  const limit = isObserving ? 0 : deps.isDryRun ? Infinity : maxListedConnections;
  const listed = <Each>(all: readonly Each[]) => all.slice(0, limit);
  return {
    disconnects: listed(disconnects),
    accepts: listed(accepts),
    rejects: listed(rejects),
    warnings: [
      ...(isObserving && disconnects.length > 0 ? [observeModeWarning] : []),
      ...formatOutcomes(named.filter(({ kind }) => isObserving || !deps.isDryRun || kind !== 'disconnect')),
      ...(await warnOverQuota(ofServices.filter(isDisconnectByPolicy), deps)),
      ...Object.entries({ accept: accepts, reject: rejects }).flatMap(([verb, answers]) =>
        isObserving && answers.length > 0
          ? `linkgate's mode is observe, so it ${verb}s nothing; in the mode enforce it would ${verb}: ${formatEndpointIds(answers)}`
          : [],
      ),
      ...(omitted > 0
        ? [`the time was too short to predict the impact on ${omitted.toLocaleString('en')} connections`]
        : []),
    ],
  };
}

const observeModeWarning =
  "linkgate's mode is observe, so it disconnects nothing until `linkgate mode enforce`, which decides everything again; in the mode enforce:";

function isDisconnect(effect: ImpactEffect): effect is 'disconnect' | 'disconnect-later' {
  return effect === 'disconnect' || effect === 'disconnect-later';
}

function isDisconnectByPolicy({ after: { effect, record } }: PredictedImpact): boolean {
  return isDisconnect(effect) && record?.revocation?.cause === 'policy';
}

/** @returns no outcome for a connection that simply stays, and for a pending request. */
function nameOutcome({ connection, service, stored, after }: ImpactOfService, now: Date): NamedOutcome[] {
  const { effect, record } = after;
  if (!record || !isConnected(connection.state)) return [];
  if (isDisconnect(effect)) {
    const at = after.at ?? record.revocation?.disconnectAt ?? now.toISOString();
    return [{ kind: effect, connection, service, at }];
  }
  if (effect === 'ask') return [{ kind: effect, connection, service }];
  if (record.verdict && isPaused(record.verdict)) return [{ kind: 'paused', connection, service }];
  return effect === 'stays' && stored?.revocation ? [{ kind: 'cancelled', connection, service }] : [];
}

const outcomeTexts = {
  disconnect: () => 'disconnected now',
  'disconnect-later': ({ at = '' }: NamedOutcome) =>
    `disconnected at ${formatUtcSecond(at)}, unless the account is allowed again or somebody extends it (\`linkgate extend\`) before`,
  cancelled: () => 'stays connected; its scheduled disconnect is cancelled',
  ask: () => 'stays connected until an approver decides',
  paused: ({ service: { name } }: NamedOutcome) =>
    `stays connected while ${name} is paused, and is decided after that: \`linkgate service show ${shellWord(name)}\``,
  rejected: () => 'stays rejected; the consumer has to delete it and create a new endpoint',
} as const satisfies Record<string, (outcome: NamedOutcome) => string>;

/** `2027-01-31 12:00:00 UTC` */
function formatUtcSecond(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** Formats one warning for all connections of a service with the same outcome in the same second. */
function formatOutcomes(outcomes: readonly NamedOutcome[]): string[] {
  const groups = Map.groupBy(
    outcomes,
    (each) => `${each.service.serviceId} ${outcomeTexts[each.kind](each)}`,
  );
  return [...groups.values()].flatMap((group) =>
    group.slice(0, 1).map((first) => {
      const ids = formatEndpointIds(group.map(({ connection }) => connection));
      return `${ids} at ${first.service.name}: ${outcomeTexts[first.kind](first)}`;
    }),
  );
}

function formatEndpointIds(connections: readonly { readonly endpointId: string }[]): string {
  const ids = connections.slice(0, maxNamedEndpoints).map(({ endpointId }) => endpointId);
  const unnamedCount = connections.length - ids.length;
  return ids.join(', ') + (unnamedCount === 0 ? '' : ` and ${unnamedCount.toLocaleString('en')} more`);
}

function predictedConnection({ connection, service }: ConnectionOfService): PredictedAnswer {
  const { endpointId, serviceId } = connection;
  return { endpointId, serviceId, service: service.name };
}

function predictedDisconnect(outcome: NamedOutcome): PredictedDisconnect {
  return { ...predictedConnection(outcome), at: outcome.at ?? '' };
}

/** Warns of disconnects beyond the disconnect quota, which need approval. Concurrent disconnects may use up the quota first. */
async function warnOverQuota(
  disconnects: readonly ImpactOfService[],
  { connectionsClient, now }: SummarizeDeps,
): Promise<string[]> {
  const time = now();
  const reservations: Parameters<typeof remainingQuota>[2][number][] = [];
  const warnings: string[] = [];
  for (const [{ serviceId, name, location }, ofService] of Map.groupBy(disconnects, (each) => each.service)) {
    const count = ofService.length;
    const connectedCount =
      count > disconnectQuota.atService
        ? await countConnected(serviceId, connectionsClient(location))
        : count;
    const granted = Math.min(count, remainingQuota(serviceId, connectedCount, reservations, time));
    const at = time.toISOString();
    reservations.push(
      ...ofService
        .slice(0, granted)
        .map(({ connection: { endpointId } }) => ({ endpointId, serviceId, since: at, at })),
    );
    if (granted < count)
      warnings.push(
        `linkgate disconnects at most ${granted} of these ${count.toLocaleString('en')} at ${name} in 24 hours (disconnect quota); approvers decide on the others`,
      );
  }
  return warnings;
}
