import { type DescribeVpcEndpointConnectionsCommandOutput, EC2Client } from '@aws-sdk/client-ec2';
import { ec2ConnectionChanges } from '../../lib/aws/ec2-connection-changes.ts';
import { ec2Connections } from '../../lib/aws/ec2-connections.ts';
import { ec2EndpointServices } from '../../lib/aws/ec2-endpoint-services.ts';
import type { AccountRegion } from '../../lib/locations/account-region.ts';
import type { Mode, ModeParameter } from '../../lib/mode/mode.ts';
import { type ConnectionState, isConnected } from '../../lib/privatelink/connection.ts';
import type { ChangeableConnections } from '../../lib/privatelink/connections.ts';
import type { EndpointServices } from '../../lib/services/endpoint-services.ts';
import { AwsError } from '../../sandbox/aws/aws-service.ts';
import { createEc2 } from '../../sandbox/aws/ec2.ts';
import type { Assumptions } from '../../sandbox/privatelink/assumptions.ts';
import type { Output, PrivateLinkState } from '../../sandbox/privatelink/model.ts';
import { createPrivateLink } from '../../sandbox/privatelink/privatelink.ts';
import { createTokenBuckets } from '../../sandbox/privatelink/token-buckets.ts';
import type { Items } from '../doubles/memory-table.ts';
import type { Faults } from './faults.ts';
import type { Run } from './invocations.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { createSimulatedTable, type TableObservers } from './table.ts';

/** A call of linkgate that changes EC2. */
export interface ChangingCall {
  readonly run: Run;
  readonly action: 'accept' | 'reject';
  readonly serviceId: string;
  readonly endpointIds: readonly string[];
}

/** Observers of calls: the invariant checks and the delivery of AWS's own events. */
export interface Observers extends TableObservers {
  observeModeRead(run: Run, mode: Mode): void;
  /** Called when EC2 returns connections to a run. The map says by endpoint whether it is connected. */
  observeDescribe(run: Run, isConnectedByEndpoint: ReadonlyMap<string, boolean>): void;
  /** Called when a run requests a change, before its call may fail. */
  observeChangeRequested(call: ChangingCall): void;
  /** Called right before EC2 changes connections. */
  observeChange(call: ChangingCall): void;
  /** Called right before EC2 changes tags or notifications of a service. */
  observeServiceChange(run: Run, operation: string): void;
  observeEffect(effect: Output): void;
}

export type Aws = ReturnType<typeof createAws>;

const provider = { accountId: '111111111111', region: 'us-east-1' };
const root = { ...provider, principal: 'root', arn: `arn:aws:iam::${provider.accountId}:root` };
/** The maximum age of stale Describe results, in milliseconds. */
const maxStalenessMs = 10_000;

/** EC2 (the sandbox's operations and model), the table in memory and the mode parameter. A run reaches them only by its calls. */
export function createAws(
  random: Random,
  scheduler: Scheduler,
  faults: Faults,
  assumptions: Assumptions,
  items: Items,
  observers: Observers,
) {
  let ids = 0;
  let wakesAt: number | undefined;
  const id = () => (++ids).toString(16).padStart(17, '0');
  const privateLink = createPrivateLink({ id, assumptions });
  const { operations } = createEc2(privateLink, settle);
  const buckets = createTokenBuckets();
  const pageSize = random.pick([5, 1_000]);
  const pastStates: { readonly time: number; readonly state: string }[] = [];

  function settle(now: number): void {
    const effects = privateLink.advance(now);
    if (effects.length > 0) pastStates.push({ time: now, state: JSON.stringify(privateLink.state) });
    for (const effect of effects) observers.observeEffect(effect);
  }

  /** Carries out due transitions, and sets a timer for the next one. */
  function wakeUp(): void {
    settle(scheduler.now());
    const due = privateLink.nextDue();
    if (due === undefined || due === wakesAt) return;
    wakesAt = due;
    scheduler.at(due, wakeUp);
  }

  function operate(name: string, input: object, link = operations) {
    const output = link[name]?.(input as never, { caller: root, now: scheduler.now(), origin: '' });
    wakeUp();
    return output;
  }

  /** Returns EC2 with a recent earlier state. */
  function earlierOperations(): typeof operations {
    const recent = pastStates.filter(({ time }, index) => {
      const until = pastStates[index + 1]?.time ?? scheduler.now();
      return time <= scheduler.now() && until >= scheduler.now() - maxStalenessMs;
    });
    if (recent.length === 0) return operations;
    const state = JSON.parse(random.pick(recent).state) as PrivateLinkState;
    return createEc2(createPrivateLink({ id, assumptions, state }), () => {}).operations;
  }

  /** An SDK client for linkgate's adapters: takes commands, returns outputs, and throws errors named by their code. */
  function createEc2Client(run: Run): EC2Client {
    async function send(command: { readonly input: object }) {
      const { input } = command;
      const name = command.constructor.name.replace(/Command$/, '');
      if (name.startsWith('Describe'))
        return run.call('ec2 read', (fault) => {
          const request = { ...input, MaxResults: pageSize };
          if (fault === 'stale token' && 'NextToken' in input)
            throw sdkError('InvalidNextToken', 'The token has expired');
          const output = withSdkErrors(() =>
            operate(name, request, fault === 'stale' ? earlierOperations() : operations),
          );
          observers.observeDescribe(run, connectedByEndpoint(output));
          return output;
        });
      const action = actions[name];
      if (action) observers.observeChangeRequested({ run, action, ...readIds(input) });
      return run.call('ec2 change', (fault) => {
        if (!buckets.take(provider, name, scheduler.now()))
          throw sdkError('RequestLimitExceeded', 'Request limit exceeded.');
        if (fault !== 'late') {
          if (action) observers.observeChange({ run, action, ...readIds(input) });
          else observers.observeServiceChange(run, name);
        }
        return withSdkErrors(() => operate(name, input));
      });
    }
    return Object.create(EC2Client.prototype, { send: { value: send } }) as EC2Client;
  }

  /** The mode parameter in SSM, which people also change outside linkgate. */
  const parameter: { mode: Mode; changedAt: string } = { mode: 'enforce', changedAt: '' };

  function createModeParameter(run: Run): ModeParameter {
    return {
      read: () =>
        run.call('mode', () => {
          observers.observeModeRead(run, parameter.mode);
          return { ...parameter };
        }),
      write: (mode) =>
        run.call('mode write', () => {
          Object.assign(parameter, { mode, changedAt: run.now().toISOString() });
        }),
      createIfMissing: async () => false,
    };
  }

  return {
    privateLink,
    provider,
    wakeUp,
    createSimulatedTable: (run: Run) => createSimulatedTable(run, items, random, faults, observers),
    parameter,
    createModeParameter,
    createConnectionsClient:
      (run: Run) =>
      (location: AccountRegion): ChangeableConnections => ({
        ...ec2Connections(createEc2Client(run), location, fail),
        ...ec2ConnectionChanges(createEc2Client(run)),
      }),
    createServicesClient: (run: Run) => (): EndpointServices =>
      ec2EndpointServices(createEc2Client(run), 'simulated'),
  };
}

/** Connections here are always readable. */
function fail(error: unknown): never {
  throw error;
}

const actions: Readonly<Record<string, ChangingCall['action']>> = {
  AcceptVpcEndpointConnections: 'accept',
  RejectVpcEndpointConnections: 'reject',
};

function readIds(input: object) {
  const { ServiceId: serviceId = '', VpcEndpointIds: endpointIds = [] } = input as {
    ServiceId?: string;
    VpcEndpointIds?: string[];
  };
  return { serviceId, endpointIds };
}

function connectedByEndpoint(output: unknown): Map<string, boolean> {
  const { VpcEndpointConnections: connections = [] } = output as DescribeVpcEndpointConnectionsCommandOutput;
  return new Map(
    connections.map(({ VpcEndpointId, VpcEndpointState }) => [
      VpcEndpointId ?? '',
      isConnected(VpcEndpointState as ConnectionState),
    ]),
  );
}

function withSdkErrors<T>(operate: () => T): T {
  try {
    return operate();
  } catch (error) {
    throw error instanceof AwsError ? sdkError(error.code, error.message) : error;
  }
}

function sdkError(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: code });
}
