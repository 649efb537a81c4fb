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
import { readService, type Service, serviceItem, serviceKey } from '../services/service.ts';
import { formatKey } from '../storage/entity.ts';
import type { Item } from '../storage/table.ts';
import { type ChangePrediction, type SummarizeDeps, summarizeImpacts } from './summarize-impacts.ts';

type PredictChangeDeps = PredictImpactDeps & SummarizeDeps;

const noImpact: ChangePrediction = { accepts: [], disconnects: [], warnings: [] };

/** Replaces a failed prediction of a stored change by a warning, because the failure does not undo the change. */
export async function orPredictionWarning(
  { reportError }: Pick<PredictChangeDeps, 'reportError'>,
  predict: () => Promise<ChangePrediction>,
): Promise<ChangePrediction> {
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
  const storedChange = new Map([[formatKey(entryKey(serviceId, accountId)), (stored?: Item) => stored]]);
  const prediction = await predictOldestFirst(connections, storedChange, deps);
  const stayRejected = isAllowed ? connections.filter(({ state }) => state === 'rejected') : [];
  const rejected = stayRejected.flatMap((connection) => {
    const service = services.find((each) => each.serviceId === connection.serviceId);
    return service ? [{ connection, service }] : [];
  });
  return summarizeImpacts({ ...prediction, rejected }, deps);
}

/**
 * Predicts the disconnects when a paused service resumes: those that became due during the pause, and those that somebody
 * requested.
 */
export async function predictResumption(
  { serviceId, location, pausedAt }: Service,
  deps: PredictChangeDeps,
): Promise<ChangePrediction> {
  if (pausedAt === undefined) return noImpact;
  const connections = await listAllConnections(deps.connectionsClient(location), { serviceIds: [serviceId] });
  const connected = connections.filter(({ state }) => isConnected(state));
  const resumed = new Map([[formatKey(serviceKey(serviceId)), resumeItem]]);
  const { impacts, omitted } = await predictOldestFirst(connected, resumed, deps);
  const due = impacts.filter(({ after }) => after.effect === 'disconnect');
  return summarizeImpacts({ impacts: due, omitted, rejected: [] }, deps);
}

function resumeItem(stored: Item | undefined): Item | undefined {
  if (!stored) return undefined;
  const { pausedAt: _pausedAt, ...resumed } = readService(stored);
  return serviceItem(resumed);
}

/** Predicts in the order of the requests, because the endpoint quota depends on it. */
async function predictOldestFirst(
  connections: readonly Connection[],
  overlay: Parameters<typeof predictImpact>[1],
  deps: PredictChangeDeps,
): Promise<{ readonly impacts: readonly PredictedImpact[]; readonly omitted: number }> {
  const oldestFirst = connections.toSorted((a, b) => a.requestedAt.localeCompare(b.requestedAt));
  const { impacts, looked } = await predictImpact(oldestFirst, overlay, deps);
  return { impacts, omitted: connections.length - looked };
}
