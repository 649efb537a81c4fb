import { changeEntry, removeEntry } from '../../lib/allowlist/entries.ts';
import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import { decideByPerson, type Word } from '../../lib/approval/decide-by-person.ts';
import { registerService, unregisterService } from '../../lib/service/register-service.ts';
import { readService, serviceKey } from '../../lib/service/service.ts';
import type { Endpoint, EndpointService } from '../../sandbox/privatelink/model.ts';
import type { Linkgate, World } from './linkgate.ts';
import type { Watch } from './watch.ts';

const accounts = ['000000000042', '222222222222', '333333333333'];
const regions = ['us-east-1', 'us-east-1', 'eu-west-1'];
const people = ['arn:aws:iam::111111111111:user/alice', 'arn:aws:iam::111111111111:user/bob'];
export const topicArn = 'arn:aws:sns:us-east-1:111111111111:connections';
/** How long after one thing the next may happen, in milliseconds. */
const gaps = [50, 500, 5_000, 60_000];

/** How often what happens, beside the others. */
const weights = {
  'endpoint created': 30,
  'endpoint modified': 6,
  'endpoint deleted': 8,
  'account allowed': 18,
  'account blocked': 6,
  'entry forgotten': 5,
  'person decides': 16,
  'service registered': 5,
  'service removed': 1,
  'service changed': 4,
  'connection changed by hand': 3,
  'mode changed': 3,
  'pass requested': 3,
} as const;

/** What consumers and provider do, at random times: the part of the world that nobody controls. */
export function createStory(
  { random, scheduler, invocations, aws, note, mode, faults }: World,
  linkgate: Linkgate,
  watch: Watch,
) {
  const { privateLink, provider } = aws;
  const services = ['first', 'second'].map(aService);
  const asked = new Set<string>();

  function aService(): EndpointService {
    const service = privateLink.createService(provider, {
      acceptanceRequired: true,
      networkLoadBalancerArns: ['arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/svc/0'],
      supportedIpAddressTypes: ['ipv4'],
      supportedRegions: ['eu-west-1'],
    });
    privateLink.modifyPermissions(provider, service.id, { add: ['*'], remove: [] });
    return service;
  }

  function endpointIn(...states: Endpoint['state'][]): Endpoint | undefined {
    const found = Object.values(privateLink.state.endpoints).filter(({ state }) => states.includes(state));
    return found.length > 0 ? random.pick(found) : undefined;
  }

  const placeOf = ({ accountId, region }: Endpoint) => ({ accountId, region });
  const whose = () => ({
    serviceId: random.pick([...services.map(({ id }) => id), '*']),
    accountId: random.pick(accounts),
  });

  function create(service: EndpointService, accountId: string): void {
    const consumer = { accountId, region: random.pick(regions), arn: `arn:aws:iam::${accountId}:root` };
    const spec = {
      serviceName: service.name,
      serviceRegion: service.region,
      vpcId: 'vpc-0123456789abcdef0',
      ipAddressType: 'ipv4',
      subnetIds: [],
      securityGroupIds: [],
      policyDocument: undefined,
      privateDnsEnabled: false,
    };
    const { id } = privateLink.createEndpoint(consumer, spec, scheduler.now());
    note(`account ${accountId}`, `creates ${id} at ${service.id} in ${consumer.region}`);
  }

  /** Minds change most about those who wait. */
  function whoseIsPending() {
    const endpoint = endpointIn('pendingAcceptance');
    return endpoint ? { serviceId: endpoint.serviceId, accountId: endpoint.accountId } : whose();
  }

  const anybody = () => (random.chance(0.5) ? whoseIsPending() : whose());

  function api<T>(what: string, work: Parameters<typeof invocations.invoke<T>>[2]) {
    note('provider', what);
    return invocations.invoke('on-api-request', 29, work);
  }

  function change(effect: AllowlistEntry['effect'], { serviceId, accountId } = anybody()) {
    const soon = new Date(scheduler.now() + random.below(300_000)).toISOString();
    const theirs = Object.values(privateLink.state.endpoints).filter(
      (endpoint) => endpoint.accountId === accountId,
    );
    const narrowed = {
      ...(random.chance(0.4) && { maxEndpoints: 1 + random.below(2) }),
      ...(random.chance(0.15) && { expiresAt: soon }),
      ...(random.chance(0.15) && theirs.length > 0 && { endpointIds: [random.pick(theirs).id] }),
      ...(random.chance(0.1) && { consumerRegions: ['us-east-1'] }),
    };
    const entry = { serviceId, accountId, effect, ...(effect === 'allow' && narrowed) };
    return api(`${effect}s ${JSON.stringify(entry)}`, (run) =>
      changeEntry(entry, random.pick(people), linkgate.wire(run)),
    );
  }

  function forget(entry = anybody()) {
    return api(`forgets ${entry.accountId} at ${entry.serviceId}`, (run) =>
      removeEntry(entry, linkgate.wire(run)),
    );
  }

  async function decide(endpointId: string, word: Word): Promise<void> {
    watch.speaks(endpointId, word);
    if (asked.has(endpointId)) faults.count('two deciders at once');
    asked.add(endpointId);
    const ending = await api(`${word.by.slice(-5)} will ${word.decision} ${endpointId}`, (run) =>
      decideByPerson(endpointId, word, linkgate.wire(run)),
    );
    asked.delete(endpointId);
    if (ending.status === 'done') watch.told(endpointId, word, ending.output);
  }

  const happenings: Readonly<Record<keyof typeof weights, () => void>> = {
    'endpoint created'() {
      const service = random.pick(services);
      const accountId = random.pick(accounts);
      for (let left = random.pick([1, 1, 1, 4]); left > 0; left--) create(service, accountId);
    },
    'endpoint modified'() {
      const endpoint = endpointIn('available', 'pending', 'pendingAcceptance');
      if (!endpoint) return;
      note(`account ${endpoint.accountId}`, `modifies ${endpoint.id}`);
      privateLink.modifyEndpoint(placeOf(endpoint), endpoint.id, { subnetIds: [] }, scheduler.now());
    },
    'endpoint deleted'() {
      const endpoint = endpointIn('pendingAcceptance', 'pending', 'available', 'rejected');
      if (!endpoint) return;
      note(`account ${endpoint.accountId}`, `deletes ${endpoint.id}`);
      privateLink.deleteEndpoints(placeOf(endpoint), [endpoint.id], scheduler.now());
    },
    'account allowed': () => void change('allow'),
    'account blocked': () => void change('block'),
    'entry forgotten': () => void forget(),
    'person decides'() {
      const endpoint = endpointIn('pendingAcceptance') ?? endpointIn('available', 'rejected');
      if (!endpoint) return;
      for (const by of random.chance(0.5) ? people : people.slice(1))
        void decide(endpoint.id, { by, decision: random.pick(['approve', 'deny']) });
    },
    'service registered': () => void register(random.below(services.length)),
    'service removed'() {
      const { id } = random.pick(services);
      void api(`removes ${id}`, async (run) => {
        const wired = { ...linkgate.wire(run), hub: provider, topicArn };
        const [item] = await wired.table.get([serviceKey(id)]);
        if (item) await unregisterService(readService(item), wired);
      });
    },
    'service changed'() {
      const service = random.pick(services);
      const acceptanceRequired = random.chance(0.8);
      note('provider', `sets acceptance of ${service.id} to ${acceptanceRequired}`);
      privateLink.modifyService(provider, service.id, { acceptanceRequired });
      linkgate.queues.serviceChanges.send(service.id);
    },
    'connection changed by hand'() {
      const endpoint = endpointIn('pendingAcceptance', 'pending', 'available');
      if (!endpoint) return;
      const action = random.pick(['accept', 'reject'] as const);
      note('provider', `${action}s ${endpoint.id} by hand`);
      privateLink[action](provider, endpoint.serviceId, [endpoint.id], scheduler.now());
    },
    'mode changed'() {
      mode.current = random.pick(['act', 'observe']);
      note('provider', `sets the mode to ${mode.current}`);
    },
    'pass requested': () => void linkgate.schedule('full'),
  };

  async function register(index: number): Promise<void> {
    const service = services[index];
    if (!service) return;
    const onUnlisted = random.pick(['ask', 'ask', 'hold', 'reject'] as const);
    const registration = { serviceId: service.id, name: `service ${index}`, onUnlisted };
    const ending = await api(`registers ${service.id}, ${onUnlisted}`, (run) =>
      registerService(registration, people[0] ?? '', { ...linkgate.wire(run), hub: provider, topicArn }),
    );
    if (ending.status !== 'done') scheduler.at(scheduler.now() + 5_000, () => void register(index));
  }

  return {
    changeMind(): Promise<unknown> {
      const about = whoseIsPending();
      return random.chance(0.3) ? forget(about) : change(random.pick(['allow', 'block']), about);
    },
    /** Registers a service and lets things happen; `done` when no more will. */
    tell(length: number, done: () => void): void {
      void register(0);
      let left = length;
      const next = () => {
        if (left-- === 0) {
          // A place without a service is not looked after.
          void register(0);
          return done();
        }
        happenings[random.weighted(weights)]();
        aws.wakeUp();
        scheduler.at(scheduler.now() + random.below(random.pick(gaps)), next);
      };
      scheduler.at(scheduler.now() + random.below(5_000), next);
    },
  };
}
