import { putEntry, removeEntry } from '../../lib/allowlist/entries.ts';
import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import {
  type ConnectedDecisionInput,
  decideConnectedByPerson,
} from '../../lib/approvals/decide-connected-by-person.ts';
import { type SubmittedDecision, submitDecision } from '../../lib/approvals/submit-decision.ts';
import { createDefaultGroup, defaultGroup, setGroup } from '../../lib/approvers/approver-group.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import { switchMode } from '../../lib/operations/switch-mode.ts';
import { pauseService, resumeService } from '../../lib/services/pause.ts';
import { registerService, removeService } from '../../lib/services/register-service.ts';
import { readService, serviceKey } from '../../lib/services/service.ts';
import { trackIdentity } from '../../lib/storage/table-identity.ts';
import { addresses, outsideTheApi, slackApprovers } from './approvers.ts';
import type { Watch } from './invariant-checks/index.ts';
import type { InvocationResult, Run } from './invocations.ts';
import type { LinkgateUnderTest, SimulationDeps } from './linkgate.ts';
import type { Topology } from './topology.ts';
import type { SimulatedDeps } from './wiring.ts';

const people = ['alice', 'bob', 'carol'].map((name) => `arn:aws:iam::111111111111:user/${name}`);
const slackChannel = 'C01APPROVALS';
/** The shortest grace period in seconds. */
export const shortestGrace = 3_600;
/** The wait before a person retries a failed command, in milliseconds. */
const retryAfterMs = 5_000;

/**
 * The steps of the provider's people through linkgate's API.
 * @param lastsFor the maximum lifetime of expiring entries, in milliseconds.
 */
export function createProviderSteps(
  { random, scheduler, invocations, note, faults }: SimulationDeps,
  inventory: Topology,
  linkgate: LinkgateUnderTest,
  watch: Watch,
  lastsFor: number,
) {
  const endpointsBeingDecided = new Set<string>();
  const anybody = () => random.pick(people);

  function api<T>(
    description: string,
    work: (wired: SimulatedDeps, run: Run) => Promise<T>,
  ): Promise<InvocationResult<T>> {
    note('provider', description);
    return invocations.invoke('on-api-request', 29, (run: Run) => work(linkgate.wire(run), run));
  }

  async function untilDone(
    description: string,
    work: (wired: SimulatedDeps) => Promise<unknown>,
  ): Promise<void> {
    const result = await api(description, work);
    if (result.status !== 'done')
      scheduler.at(scheduler.now() + retryAfterMs, () => void untilDone(description, work));
  }

  function change(effect: AllowlistEntry['effect'], { serviceId, accountId } = inventory.anybody()) {
    const soon = new Date(scheduler.now() + random.below(random.pick([300_000, lastsFor]))).toISOString();
    const accountEndpoints = inventory.listEndpoints(accountId);
    const narrowed = {
      ...(random.chance(0.4) && { maxEndpoints: 1 + random.below(2) }),
      ...(random.chance(0.15) && { expiresAt: soon }),
      ...(random.chance(0.15) &&
        accountEndpoints.length > 0 && { endpointIds: [random.pick(accountEndpoints).id] }),
      ...(random.chance(0.1) && { consumerRegions: ['us-east-1'] }),
    };
    const anyOwner = () => random.pick([...people, ...outsideTheApi]);
    const owners = random.chance(0.4) && { owners: [...new Set([anyOwner(), anyOwner(), anyOwner()])] };
    const entry = { serviceId, accountId, effect, ...(effect === 'allow' && narrowed), ...owners };
    return api(`${effect}s ${JSON.stringify(entry)}`, async (wired) => {
      if (effect === 'block') await trackIdentity(wired);
      return putEntry(entry, anybody(), wired);
    });
  }

  /** Allows an account permanently and without a count. */
  function allow(scope: ReturnType<typeof inventory.anybody>): Promise<void> {
    const entry = { ...scope, effect: 'allow' as const };
    return untilDone(`allows ${entry.accountId} at ${entry.serviceId}`, (wired) =>
      putEntry(entry, anybody(), wired),
    );
  }

  function removeAccountEntry(entry: ReturnType<typeof inventory.anybody>) {
    return api(`forgets ${entry.accountId} at ${entry.serviceId}`, (wired) => removeEntry(entry, wired));
  }

  async function decide(endpointId: string, input: SubmittedDecision): Promise<void> {
    const attempt = { endpointId, ...input };
    if (endpointsBeingDecided.has(endpointId)) faults.count('two deciders at once');
    endpointsBeingDecided.add(endpointId);
    const result = await api(
      `${input.by.split('/')[1]} will ${input.decision} ${endpointId}`,
      (wired, run) => {
        watch.recordAttempt(run, attempt);
        return submitDecision(endpointId, input, wired);
      },
    );
    endpointsBeingDecided.delete(endpointId);
    if (result.status === 'done' && !watch.isUnreadable(endpointId))
      watch.checkApiResponse(attempt, result.output, watch.findRecord(endpointId));
  }

  function decideConnected(input: ConnectedDecisionInput): void {
    const endpoint = inventory.anyEndpoint('pending', 'available');
    if (!endpoint) return;
    watch.recordConnectedDecision(endpoint.id, input);
    void api(`${input.by.split('/')[1]} says of ${endpoint.id}: ${JSON.stringify(input)}`, async (wired) => {
      await trackIdentity(wired);
      return decideConnectedByPerson(endpoint.id, input, wired);
    });
  }

  /** Changes the approvers but not the Slack channel. */
  function setApprovers(quorum: number, wired: SimulatedDeps) {
    const group = {
      quorum,
      slackChannel,
      slackUsers: random.chance(0.8) ? slackApprovers : slackApprovers.slice(1),
      emails: random.chance(0.8) ? addresses : addresses.slice(1),
    };
    return setGroup(defaultGroup, group, anybody(), wired);
  }

  function pause(serviceId = inventory.anyService().id) {
    const why = { by: anybody(), reason: 'a deploy' };
    return api(`pauses ${serviceId}`, (wired) => pauseService(serviceId, why, wired));
  }

  function register({ id } = inventory.anyService()): Promise<void> {
    const onUnlisted = random.pick(['ask', 'ask', 'hold', 'reject'] as const);
    const registration = {
      serviceId: id,
      name: `service ${id.slice(-1)}`,
      onUnlisted,
      onExpiry: random.pick(['escalate', 'reject'] as const),
      deadlineSeconds: random.pick([undefined, 60, 60, 600, 3_600]),
      requireTicket: random.chance(0.1),
      graceSeconds: shortestGrace * random.pick([1, 6, 72]),
      onExternalAccept: random.pick(['ask', 'disconnect', 'adopt'] as const),
    };
    return untilDone(`registers ${id}, ${onUnlisted}`, (wired) =>
      registerService(registration, anybody(), wired),
    );
  }

  /** Handles an incident: sets the mode `observe`, then pauses only the service. An earlier EC2 call may take effect between. */
  function blockAndPause(scope: ReturnType<typeof inventory.anybody>) {
    const soon = random.pick([50, 500, 5_000]);
    scheduler.at(scheduler.now() + random.below(soon), () => void api('brakes', switchTo('observe')));
    scheduler.at(scheduler.now() + random.below(soon * 10), () => void pause(scope.serviceId));
    return change('block', scope);
  }

  const switchTo = (mode: Mode) => (wired: SimulatedDeps) => switchMode(mode, { by: anybody() }, wired);

  return {
    setUp: () =>
      untilDone('sets linkgate up', async (wired) => {
        await trackIdentity(wired);
        await createDefaultGroup(wired.table);
        await setApprovers(1, wired);
      }),
    /** Registers the first service, so that sweeps cover its location. */
    begin: () => register(inventory.services[0]),
    allow,
    /** Resumes all services. */
    resume() {
      for (const { id } of inventory.services)
        void untilDone(`resumes ${id}`, (wired) => resumeService(id, anybody(), wired));
    },
    /** Leaves the mode in `enforce`. */
    enforce: () => untilDone('switches the mode to enforce', switchTo('enforce')),

    changePolicy(scope = inventory.anyWaitingAccount()): Promise<unknown> {
      if (random.chance(0.2)) return pause(scope.serviceId);
      if (random.chance(0.3)) return blockAndPause(scope);
      return random.chance(0.3) ? removeAccountEntry(scope) : change(random.pick(['allow', 'block']), scope);
    },

    steps: {
      'account allowed': () => void change('allow'),
      'account blocked': () => void change('block'),
      'entry removed': () =>
        void removeAccountEntry(random.chance(0.5) ? inventory.anyConnectedAccount() : inventory.anybody()),
      'person decides'() {
        const pending = random.chance(0.7) ? inventory.anyEndpoint('pendingAcceptance') : undefined;
        const endpoint = pending ?? inventory.anyEndpoint('available', 'rejected');
        if (!endpoint) return;
        for (const by of random.chance(0.5) ? people.slice(1) : [anybody()])
          void decide(endpoint.id, { by, decision: random.pick(['approve', 'approve', 'deny']) });
      },
      'connection revoked'() {
        const isNow = random.chance(0.5) && { now: true };
        decideConnected({ action: 'revoke', by: anybody(), reason: 'its contract has ended', ...isNow });
      },
      'connection kept'() {
        const until = new Date(scheduler.now() + random.below(5) * 6 * 3_600_000 + 60_000).toISOString();
        decideConnected({ action: 'keep', by: anybody(), reason: 'they are moving', until });
      },
      'approvers set'() {
        const quorum = random.pick([1, 2, 3]);
        void api(`sets a quorum of ${quorum}`, (wired) => setApprovers(quorum, wired));
      },
      'service registered': () => void register(),
      'service removed'() {
        const { id } = inventory.anyService();
        void api(`removes ${id}`, async (wired) => {
          const [item] = await wired.table.get([serviceKey(id)]);
          if (item) await removeService(readService(item), wired);
        });
      },
      'service paused': () => void pause(),
      'service resumed'() {
        const { id } = inventory.anyService();
        void api(`resumes ${id}`, (wired) => resumeService(id, anybody(), wired));
      },
      'mode switched'() {
        const mode = random.pick(['enforce', 'enforce', 'observe'] as const);
        void api(`switches the mode to ${mode}`, switchTo(mode));
      },
      'sweep requested': () => void linkgate.schedule('full'),
    },
  };
}
