import { recordKey, recordPartitions } from '../../lib/connections/connection-record.ts';
import { pendingEffects, reevaluations } from '../../lib/connections/indexes.ts';
import { serviceKey } from '../../lib/services/service.ts';
import type { Items } from '../doubles/memory-table.ts';
import { createApproverSteps } from './approvers.ts';
import { createConsumerSteps } from './consumers.ts';
import type { Watch } from './invariant-checks/index.ts';
import type { LinkgateUnderTest, SimulationDeps } from './linkgate.ts';
import { isNewerMajor, majorVersion, rejectWhileAccepted } from './mixed-versions.ts';
import { createProviderSteps } from './provider.ts';
import type { SimulationOptions } from './simulate.ts';
import { createTopology } from './topology.ts';

/** The maximum gaps between two steps, in milliseconds. */
const gaps = [50, 500, 5_000, 60_000];
const hour = 3_600_000;
/** The gaps in histories over days. */
const longGaps = [500, 60_000, hour, 12 * hour];

/** The weights of the steps. */
const weights = {
  'endpoint created': 30,
  'endpoint modified': 6,
  'endpoint deleted': 8,
  'account allowed': 18,
  'account blocked': 6,
  'entry removed': 5,
  'many endpoints created': 2,
  'person decides': 12,
  'person clicks': 18,
  'email link opened': 6,
  'Slack unavailable': 1,
  'approvers set': 2,
  'service registered': 5,
  'service removed': 1,
  'service paused': 3,
  'service resumed': 5,
  'service changed': 4,
  'connection changed by hand': 5,
  'mode switched': 4,
  'mode changed by hand': 2,
  'version rolled': 5,
  'rejected while it was accepted by hand': 4,
  'item of a newer major': 1,
  'sweep requested': 3,
  'connection revoked': 3,
  'connection kept': 2,
  'table restored': 0,
  'table emptied': 0,
} as const;
export type Step = keyof typeof weights;
export const workloadSteps = Object.keys(weights) as Step[];

/** The weights over days: connections lose their permission, and tables are restored. */
const longWeights = {
  ...weights,
  'endpoint created': 20,
  'endpoint deleted': 2,
  'many endpoints created': 5,
  'account allowed': 25,
  'account blocked': 8,
  'entry removed': 12,
  'service removed': 0.5,
  'connection changed by hand': 8,
  'mode switched': 2,
  'connection revoked': 6,
  'connection kept': 6,
  'table restored': 4,
  'table emptied': 1,
} as const satisfies Readonly<Record<Step, number>>;

/** The weights in mode `observe`, beside a script that answers requests in EC2. */
const observeWeights = {
  ...weights,
  'connection changed by hand': 20,
  'mode switched': 0,
  'mode changed by hand': 0,
} as const satisfies Readonly<Record<Step, number>>;

/** The workload: steps of consumers, people and deployments at random times. */
export function createWorkload(
  deps: SimulationDeps,
  linkgate: LinkgateUnderTest,
  watch: Watch,
  items: Items,
  { isObserving = false, isLong = false }: Pick<SimulationOptions, 'isObserving' | 'isLong'>,
) {
  const { random, scheduler, aws, note, rollout, invocations } = deps;
  const { privateLink, provider, parameter } = aws;
  const inventory = createTopology(aws, random);
  const consumers = createConsumerSteps(deps, inventory);
  const people = createProviderSteps(deps, inventory, linkgate, watch, isLong ? 24 * hour : 300_000);
  const stepWeights = isLong ? longWeights : isObserving ? observeWeights : weights;
  const backups: ReturnType<Items['backup']>[] = [];
  /** The backups with a scheduled disconnect. linkgate may have cancelled it later. */
  const backupsWithReevaluation: ReturnType<Items['backup']>[] = [];
  const { steps: approverSteps } = createApproverSteps(deps, linkgate, watch);
  const takenSteps = new Set<Step>();

  const stepActions: Readonly<Record<Step, () => void>> = {
    ...consumers.steps,
    ...people.steps,
    ...approverSteps,
    'service changed'() {
      const service = inventory.anyService();
      const acceptanceRequired = random.chance(0.8);
      note('provider', `sets acceptance of ${service.id} to ${acceptanceRequired}`);
      privateLink.modifyService(provider, service.id, { acceptanceRequired });
      linkgate.queues.serviceChanges.send(service.id);
    },
    'connection changed by hand'() {
      const endpoint = inventory.anyEndpoint('pendingAcceptance', 'pending', 'available');
      if (!endpoint) return;
      const action = random.pick(['accept', 'reject'] as const);
      note('provider', `${action}s ${endpoint.id} by hand`);
      if (action === 'accept') watch.recordExternalAccept(endpoint.id);
      privateLink[action](provider, endpoint.serviceId, [endpoint.id], scheduler.now());
    },
    'mode changed by hand'() {
      const mode = random.pick(['enforce', 'observe'] as const);
      Object.assign(parameter, { mode, changedAt: new Date(scheduler.now()).toISOString() });
      note('provider', `sets the parameter to ${mode}`);
    },
    'version rolled'() {
      const next = random.pick([0, 0.5, 0.5, 1]);
      rollout.to(next);
      note('provider', `deploys so that ${next * 100} % run the next version`);
    },
    'rejected while it was accepted by hand'() {
      const endpoint = inventory.anyEndpoint('pendingAcceptance');
      if (!endpoint || items.read([recordKey(endpoint.id)]).length > 0) return;
      if (items.read([serviceKey(endpoint.serviceId)]).length === 0) return;
      note('provider', `accepts ${endpoint.id} by hand, while linkgate rejects it`);
      watch.recordExternalAccept(endpoint.id);
      privateLink.accept(provider, endpoint.serviceId, [endpoint.id], scheduler.now());
      void invocations.invoke('late decision', 30, ({ requestId, ...run }) => {
        const { table } = linkgate.wire({ requestId, ...run });
        return table.write(rejectWhileAccepted(provider, endpoint, requestId, run.now()));
      });
    },
    'table restored'() {
      const candidates =
        backupsWithReevaluation.length > 0 && random.chance(0.7) ? backupsWithReevaluation : backups;
      if (candidates.length > 0)
        replaceTable('restores the table from a backup', random.pick(candidates.slice(-4)));
    },
    'table emptied'() {
      replaceTable('puts an empty table in place', new Map());
      void people.setUp();
    },
    'item of a newer major'() {
      const records = recordPartitions.flatMap((partition) => items.page(partition, {}).items);
      const item = records.length > 0 ? random.pick(records) : undefined;
      if (!item || isNewerMajor(item)) return;
      items.commit([{ put: { ...item, schemaVersion: majorVersion, version: item.version + 1 } }]);
      note('provider', `deploys a newer major version, which writes ${item.sk}, and takes it back`);
    },
  };

  /** Allows and connects all accounts at the first service, for histories over days. */
  function connectAccounts(): void {
    const [service] = inventory.services;
    if (!service) return;
    for (const accountId of inventory.accounts) {
      void people.allow({ serviceId: service.id, accountId });
      consumers.create(service, accountId);
      consumers.create(service, accountId);
    }
  }

  function backUp(): void {
    const backup = items.backup();
    backups.push(backup);
    if (items.page(reevaluations.partition(provider), { limit: 1 }).items.length > 0)
      backupsWithReevaluation.push(backup);
  }

  /** Replaces the table as the runbook says: deploys linkgate with another table and empty queues. */
  function replaceTable(description: string, backup: ReturnType<Items['backup']>): void {
    note('provider', description);
    invocations.killAll();
    for (const queue of Object.values(linkgate.queues)) queue.purge();
    items.restore(backup);
    watch.recordTableReplaced();
  }

  /** Ends the workload: completes or rolls back the deployment, resumes services, and sets the mode `enforce`. */
  function end(onEnd: () => void): void {
    onEnd();
    deps.slack.comeBack();
    rollout.to(random.pick([0, 1]));
    // Sweeps skip a location without a service.
    void people.begin();
    if (random.chance(0.7)) people.resume();
    if (isObserving) return;
    void people.enforce();
    // A concurrent switch to `observe` may take effect later than the first call.
    scheduler.at(scheduler.now() + 60_000, () => void people.enforce());
  }

  return {
    /** Changes the policy right before a call to EC2. */
    changePolicy(): Promise<unknown> {
      const due = items.page(pendingEffects.partition(provider), {}).items.map(pendingEffects.read);
      if (due.length === 0) return people.changePolicy();
      const { serviceId, ownerAccountId: accountId } = random.pick(due);
      return people.changePolicy({ serviceId, accountId });
    },
    takenSteps: (): ReadonlySet<Step> => takenSteps,
    /** Registers a service and runs steps; resolves when all steps are done. */
    run(length: number, onEnd: () => void): void {
      void people.setUp();
      void people.begin();
      if (isLong) connectAccounts();
      let remaining = length;
      const next = () => {
        if (remaining-- === 0) return end(onEnd);
        if (isLong && random.chance(0.2)) backUp();
        const step = random.pickWeighted(stepWeights);
        takenSteps.add(step);
        stepActions[step]();
        aws.wakeUp();
        scheduler.at(scheduler.now() + random.below(random.pick(isLong ? longGaps : gaps)), next);
      };
      scheduler.at(scheduler.now() + random.below(5_000), next);
    },
  };
}
