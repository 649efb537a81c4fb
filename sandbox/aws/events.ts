import type * as Client from '@aws-sdk/client-eventbridge';
import type { Clock } from '../clock.ts';
import { isAllowedByResourcePolicy, type PolicyDocument } from '../iam/policy.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import { AwsError, type AwsService, type Caller, type OperationContext } from './aws-service.ts';
import { compilePattern } from './event-pattern.ts';

/** An event as targets receive it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

export interface Rule {
  readonly arn: string;
  readonly name: string;
  readonly busArn: string;
  readonly description?: string;
  readonly state: 'ENABLED' | 'DISABLED';
  /** The pattern as JSON text. */
  readonly pattern?: string;
  readonly schedule?: string;
  readonly targets: readonly Client.Target[];
}

export interface Events {
  readonly service: AwsService;
  createBus(arn: string, policy?: PolicyDocument): void;
  removeBus(arn: string): void;
  /** Throws if EventBridge refuses the pattern. */
  createRule(rule: Rule): void;
  removeRule(arn: string): void;
  rules(): readonly Rule[];
  /** Puts an event of an AWS service on the default bus. */
  putAwsEvent(accountId: string, region: string, event: AwsEvent): void;
}

export type AwsEvent = Pick<BusEvent, 'detail-type' | 'source' | 'detail'> &
  Partial<Pick<BusEvent, 'time' | 'resources'>>;

interface Bus {
  readonly arn: string;
  readonly policy?: PolicyDocument | undefined;
}

const maxEntries = 10;
const byteLimit = 1024 * 1024;

/** The event buses of all accounts and Regions, by ARN. `deliver` sends the event, or the target's own input, to one target. */
export function createEvents({
  clock,
  id,
  deliver,
  openMap = inMemory,
}: {
  clock: Clock;
  id: () => string;
  deliver: (target: Client.Target, payload: unknown, rule: Rule) => void;
  openMap?: OpenMap;
}): Events {
  const buses = openMap<Bus>('events/buses');
  const rules = openMap<Rule>('events/rules');
  const matchers = new Map<string, (event: unknown) => boolean>();

  /** Each account and Region has a default bus. */
  function findBus(arn: string): Bus | undefined {
    return buses.get(arn) ?? (arn.endsWith(':event-bus/default') ? { arn } : undefined);
  }

  function listBusRules(bus: Bus): Rule[] {
    return [...rules.values()].filter(({ busArn }) => busArn === bus.arn);
  }

  function matches({ pattern }: Rule, event: BusEvent): boolean {
    if (pattern === undefined) return false;
    const matcher = matchers.get(pattern) ?? compilePattern(JSON.parse(pattern));
    matchers.set(pattern, matcher);
    return matcher(event);
  }

  function requireBus(name: string | undefined, caller: Caller): Bus {
    const bus = findBus(busArn(name, caller));
    if (!bus)
      throw new AwsError('ResourceNotFoundException', `Event bus ${name ?? 'default'} does not exist.`);
    return bus;
  }

  function publishEvent(bus: Bus, event: BusEvent) {
    for (const rule of listBusRules(bus)) {
      if (rule.state === 'DISABLED' || !matches(rule, event)) continue;
      for (const target of rule.targets) deliver(target, targetPayload(target, event), rule);
    }
  }

  function putEntry(entry: Client.PutEventsRequestEntry, caller: Caller): Client.PutEventsResultEntry {
    const bus = findBus(busArn(entry.EventBusName, caller));
    // PutEvents accepts events for a bus that does not exist, and drops them.
    const problem = validateEntry(entry, bus, caller);
    if (problem) return problem;
    const event = toBusEvent(entry, caller, id(), clock.now());
    if (bus) publishEvent(bus, event);
    return { EventId: event.id };
  }

  function requireRule(name: string | undefined, busName: string | undefined, caller: Caller): Rule {
    requireBus(busName, caller);
    const rule = rules.get(ruleArn(name ?? '', busName, caller));
    if (!rule)
      throw new AwsError(
        'ResourceNotFoundException',
        `Rule ${name} does not exist on EventBus ${busName ?? 'default'}.`,
      );
    return rule;
  }

  const operations = {
    PutEvents({ Entries = [] }: Client.PutEventsRequest, { caller }) {
      if (Entries.length === 0 || Entries.length > maxEntries)
        throw validation(`entries must have 1 to ${maxEntries} members`);
      if (Entries.reduce((sum, entry) => sum + entrySizeBytes(entry), 0) > byteLimit)
        throw validation('Total size of the entries in the request is over the limit.');
      const results = Entries.map((entry) => putEntry(entry, caller));
      return { FailedEntryCount: results.filter(({ ErrorCode }) => ErrorCode).length, Entries: results };
    },

    PutRule(input: Client.PutRuleRequest, { caller }) {
      const { Name: name = '', EventPattern: pattern, EventBusName, State = 'ENABLED', Description } = input;
      if (pattern === undefined) throw validation('the sandbox supports only rules with an EventPattern');
      const bus = requireBus(EventBusName, caller);
      requirePattern(pattern);
      const arn = ruleArn(name, EventBusName, caller);
      rules.set(arn, {
        arn,
        name,
        busArn: bus.arn,
        state: State === 'DISABLED' ? 'DISABLED' : 'ENABLED',
        pattern,
        ...(Description !== undefined && { description: Description }),
        targets: rules.get(arn)?.targets ?? [],
      });
      return { RuleArn: arn };
    },

    PutTargets({ Rule: name, EventBusName, Targets = [] }: Client.PutTargetsRequest, { caller }) {
      const rule = requireRule(name, EventBusName, caller);
      const otherTargets = rule.targets.filter(({ Id }) => !Targets.some((target) => target.Id === Id));
      rules.set(rule.arn, { ...rule, targets: [...otherTargets, ...Targets] });
      return { FailedEntryCount: 0, FailedEntries: [] };
    },

    ListRules(input: Client.ListRulesRequest, { caller }) {
      const matchingRules = listBusRules(requireBus(input.EventBusName, caller))
        .map(describe)
        .filter(({ Name }) => Name.startsWith(input.NamePrefix ?? ''));
      const start = input.NextToken ? Number(Buffer.from(input.NextToken, 'base64').toString()) : 0;
      const end = start + (input.Limit ?? 100);
      return {
        Rules: matchingRules.slice(start, end),
        NextToken: end < matchingRules.length ? Buffer.from(String(end)).toString('base64') : undefined,
      };
    },

    DescribeRule: (input: Client.DescribeRuleRequest, { caller }) =>
      describe(requireRule(input.Name, input.EventBusName, caller)),

    ListTargetsByRule: (input: Client.ListTargetsByRuleRequest, { caller }) => ({
      Targets: requireRule(input.Rule, input.EventBusName, caller).targets,
    }),
  } satisfies Record<string, (input: never, context: OperationContext) => unknown>;

  return {
    service: {
      signingName: 'events',
      loadClient: () => import('@aws-sdk/client-eventbridge'),
      protocol: 'awsJson1_1',
      operations,
      accesses: eventsAccesses,
    },
    createBus(arn, policy) {
      buses.set(arn, { arn, policy });
    },
    removeBus: (arn) => void buses.delete(arn),
    createRule(rule) {
      if (!findBus(rule.busArn)) throw new Error(`there is no event bus \`${rule.busArn}\``);
      if (rule.pattern !== undefined) compilePattern(JSON.parse(rule.pattern));
      rules.set(rule.arn, rule);
    },
    removeRule: (arn) => void rules.delete(arn),
    rules: () => [...rules.values()],
    putAwsEvent(accountId, region, event) {
      const bus = findBus(`arn:aws:events:${region}:${accountId}:event-bus/default`);
      if (!bus) return;
      const time = event.time ?? withoutMilliseconds(clock.now());
      publishEvent(bus, {
        version: '0',
        id: id(),
        account: accountId,
        region,
        resources: [],
        ...event,
        time,
      });
    },
  };
}

function eventsAccesses(
  operation: string,
  input: {
    Entries?: readonly Client.PutEventsRequestEntry[];
    EventBusName?: string;
    Name?: string;
    Rule?: string;
  },
  { caller }: OperationContext,
) {
  if (operation === 'PutEvents')
    return (input.Entries ?? []).map(({ EventBusName, Source = '', DetailType = '' }) => ({
      action: 'events:PutEvents',
      resource: busArn(EventBusName, caller),
      conditions: { 'events:source': Source, 'events:detail-type': DetailType },
    }));
  const resource = ruleArn(input.Name ?? input.Rule ?? '*', input.EventBusName, caller);
  return [{ action: `events:${operation}`, resource }];
}

function ruleArn(name: string, busName: string | undefined, caller: Caller): string {
  const bus = busArn(busName, caller).split('/')[1] ?? 'default';
  const path = bus === 'default' ? name : `${bus}/${name}`;
  return `arn:aws:events:${caller.region}:${caller.accountId}:rule/${path}`;
}

function requirePattern(pattern: string) {
  try {
    compilePattern(JSON.parse(pattern));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
  }
}

function busArn(name = 'default', { accountId, region }: Caller): string {
  return name.startsWith('arn:') ? name : `arn:aws:events:${region}:${accountId}:event-bus/${name}`;
}

function validateEntry(
  entry: Client.PutEventsRequestEntry,
  bus: Bus | undefined,
  caller: Caller,
): Client.PutEventsResultEntry | undefined {
  for (const member of ['Source', 'DetailType', 'Detail'] as const)
    if (!entry[member])
      return {
        ErrorCode: 'InvalidArgument',
        ErrorMessage: `Parameter ${member} is not valid. Reason: ${member} is a required argument.`,
      };
  if (entry.Source?.startsWith('aws.'))
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  if (!isJsonObject(entry.Detail ?? ''))
    return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  if (bus && !canPutEvents(bus, caller))
    return {
      ErrorCode: 'AccessDeniedException',
      ErrorMessage: `${caller.arn} may not put events on ${bus.arn}.`,
    };
  return undefined;
}

function canPutEvents(bus: Bus, caller: Caller): boolean {
  if (bus.arn.split(':')[4] === caller.accountId) return true;
  const principal = { roleArn: caller.arn, accountId: caller.accountId };
  return (
    bus.policy !== undefined &&
    isAllowedByResourcePolicy(bus.policy, principal, { action: 'events:PutEvents', resource: bus.arn })
  );
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function toBusEvent(
  entry: Client.PutEventsRequestEntry,
  caller: Caller,
  eventId: string,
  now: number,
): BusEvent {
  return {
    version: '0',
    id: eventId,
    'detail-type': entry.DetailType ?? '',
    source: entry.Source ?? '',
    account: caller.accountId,
    time: withoutMilliseconds(entry.Time?.getTime() ?? now),
    region: caller.region,
    resources: entry.Resources ?? [],
    detail: JSON.parse(entry.Detail ?? '{}'),
  };
}

function withoutMilliseconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** EventBridge counts 14 bytes for the time and the UTF-8 bytes of the other fields. */
function entrySizeBytes({
  Time,
  Source = '',
  DetailType = '',
  Detail = '',
  Resources = [],
}: Client.PutEventsRequestEntry) {
  return [Source, DetailType, Detail, ...Resources].reduce(
    (sum, text) => sum + Buffer.byteLength(text),
    Time ? 14 : 0,
  );
}

function targetPayload({ Input, InputPath }: Client.Target, event: BusEvent): unknown {
  if (Input !== undefined) return JSON.parse(Input);
  if (InputPath === undefined || InputPath === '$') return event;
  return InputPath.split('.')
    .slice(1)
    .reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], event);
}

function describe({ arn, name, busArn, state, description, pattern, schedule }: Rule) {
  return {
    Arn: arn,
    Name: name,
    EventBusName: busArn.split('/')[1],
    State: state,
    Description: description,
    EventPattern: pattern,
    ScheduleExpression: schedule,
  };
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
