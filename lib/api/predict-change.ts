import { allServicesScope, type EntryTarget, entryKey } from '../allowlist/entry.ts';
import {
  type PredictedImpact,
  type PredictImpactDeps,
  predictImpact,
} from '../policy-as-code/predict-impact.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { listAllConnections } from '../privatelink/connections.ts';
import { orReported } from '../runtime/runtime.ts';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import { type Service, serviceKey } from '../services/service.ts';
import { formatKey } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import { type ChangePrediction, type SummarizeDeps, summarizeImpacts } from './summarize-impacts.ts';

type PredictChangeDeps = PredictImpactDeps & SummarizeDeps;

export const noImpact: ChangePrediction = { accepts: [], disconnects: [], rejects: [], warnings: [] };

/** Replaces a failed prediction of a stored change by a warning, because the failure does not undo the change. */
export async function orPredictionWarning(
  { reportError, isDryRun }: Pick<PredictChangeDeps, 'reportError' | 'isDryRun'>,
  predict: () => Promise<ChangePrediction>,
): Promise<ChangePrediction> {
  if (isDryRun) return predict();
  const warning =
    'the change is done; linkgate could not predict its impact on connections: see `linkgate connections`';
  return (await orReported(reportError, 'predict impact', predict)) ?? { ...noImpact, warnings: [warning] };
}

/**
 * Predicts the impact of a stored change of the allowlist on the connections of its account.
 * @param isAllowed whether the change allows the account. Its rejected connections stay rejected.
 */
export async function predictEntryChange(
  { serviceId, accountId }: EntryTarget,
  isAllowed: boolean,
  deps: PredictChangeDeps,
): Promise<ChangePrediction> {
  const services = await listRegisteredServices(deps);
  const pages = await Promise.all(
    uniqueLocations(services).map((location) =>
      listAllConnections(deps.connectionsClient(location), { ownerAccountId: accountId }),
    ),
  );
  const connections = pages
    .flat()
    .filter((each) => serviceId === allServicesScope || each.serviceId === serviceId);
  const prediction = await predictOldestFirst(connections, entryKey(serviceId, accountId), deps);
  const stayRejected = isAllowed ? connections.filter(({ state }) => state === 'rejected') : [];
  const rejected = stayRejected.flatMap((connection) => {
    const service = services.find((each) => each.serviceId === connection.serviceId);
    return service ? [{ connection, service }] : [];
  });
  return summarizeImpacts({ ...prediction, rejected }, deps);
}

/** Predicts what a stored change of a service does at once: a deregistration also rejects pending requests. */
export async function predictServiceChange(
  { serviceId, location, deregisteringAt }: Service,
  deps: PredictChangeDeps,
): Promise<ChangePrediction> {
  const all = await listAllConnections(deps.connectionsClient(location), { serviceIds: [serviceId] });
  const concerned = all.filter(({ state }) => deregisteringAt !== undefined || isConnected(state));
  const { impacts, omitted } = await predictOldestFirst(concerned, serviceKey(serviceId), deps);
  const atOnce = impacts.filter(({ after }) => after.effect === 'disconnect' || after.effect === 'reject');
  return summarizeImpacts({ impacts: atOnce, omitted, rejected: [] }, deps);
}

/** Predicts the impact of a stored item in the order of the requests, because the endpoint quota depends on it. */
async function predictOldestFirst(
  connections: readonly Connection[],
  changedKey: Key,
  deps: PredictChangeDeps,
): Promise<{ readonly impacts: readonly PredictedImpact[]; readonly omitted: number }> {
  const stored = new Map([[formatKey(changedKey), (item?: Item) => item]]);
  const oldestFirst = connections.toSorted((a, b) => a.requestedAt.localeCompare(b.requestedAt));
  const { impacts, looked } = await predictImpact(oldestFirst, stored, deps);
  return { impacts, omitted: connections.length - looked };
}
