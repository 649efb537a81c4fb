import type * as Client from '@aws-sdk/client-eventbridge';
import { accountIdFromArn } from '../accounts.ts';
import type { Clock } from '../clock.ts';
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
  readonly state: 'ENABLED' | 'DISABLED';
  /** The pattern as JSON text. */
  readonly pattern?: string;
  readonly schedule?: string;
  readonly targets: readonly Client.Target[];
}

export type Events = ReturnType<typeof createEvents>;

export type AwsEvent = Pick<BusEvent, 'detail-type' | 'source' | 'detail'> &
  Partial<Pick<BusEvent, 'time' | 'resources'>>;

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
}) {
  const buses = openMap<{ readonly arn: string }>('events/buses');
  const rules = openMap<Rule>('events/rules');
  const matchers = new Map<string, (event: unknown) => boolean>();

  /** Each account and Region has a default bus. */
  function hasBus(arn: string): boolean {
    return buses.has(arn) || arn.endsWith(':event-bus/default');
  }

  function matches({ pattern }: Rule, event: BusEvent): boolean {
    if (pattern === undefined) return false;
    const matcher = matchers.get(pattern) ?? compilePattern(JSON.parse(pattern));
    matchers.set(pattern, matcher);
    return matcher(event);
  }

  function requireBus(name: string | undefined, caller: Caller): string {
    const arn = busArn(name, caller);
    if (!hasBus(arn))
      throw new AwsError('ResourceNotFoundException', `Event bus ${name ?? 'default'} does not exist.`);
    return arn;
  }

  function publishEvent(arn: string, event: BusEvent) {
    for (const rule of rules.values()) {
      if (rule.busArn !== arn || rule.state === 'DISABLED' || !matches(rule, event)) continue;
      for (const target of rule.targets) deliver(target, targetPayload(target, event), rule);
    }
  }

  function putEntry(entry: Client.PutEventsRequestEntry, caller: Caller): Client.PutEventsResultEntry {
    const problem = validateEntry(entry);
    if (problem) return problem;
    const arn = busArn(entry.EventBusName, caller);
    if (accountIdFromArn(arn) !== caller.accountId)
      return {
        ErrorCode: 'AccessDeniedException',
        ErrorMessage: `${caller.arn} may not put events on ${arn}.`,
      };
    const event = toBusEvent(entry, caller, id(), clock.now());
    // PutEvents accepts events for a bus that does not exist, and drops them.
    publishEvent(arn, event);
    return { EventId: event.id };
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
      const { Name: name = '', EventPattern: pattern, EventBusName, State = 'ENABLED' } = input;
      if (pattern === undefined) throw validation('the sandbox supports only rules with an EventPattern');
      const bus = requireBus(EventBusName, caller);
      requirePattern(pattern);
      const arn = ruleArn(name, EventBusName, caller);
      rules.set(arn, {
        arn,
        name,
        busArn: bus,
        state: State === 'DISABLED' ? 'DISABLED' : 'ENABLED',
        pattern,
        targets: rules.get(arn)?.targets ?? [],
      });
      return { RuleArn: arn };
    },

    PutTargets({ Rule: name, EventBusName, Targets = [] }: Client.PutTargetsRequest, { caller }) {
      requireBus(EventBusName, caller);
      const rule = rules.get(ruleArn(name ?? '', EventBusName, caller));
      if (!rule) throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist.`);
      const otherTargets = rule.targets.filter(({ Id }) => !Targets.some((target) => target.Id === Id));
      rules.set(rule.arn, { ...rule, targets: [...otherTargets, ...Targets] });
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
  } satisfies Record<string, (input: never, context: OperationContext) => unknown>;

  const service: AwsService = {
    signingName: 'events',
    loadClient: () => import('@aws-sdk/client-eventbridge'),
    protocol: 'awsJson1_1',
    operations,
    accesses: eventsAccesses,
  };

  return {
    service,
    createBus: (arn: string) => void buses.set(arn, { arn }),
    removeBus: (arn: string) => void buses.delete(arn),
    /** Throws if EventBridge refuses the pattern. */
    createRule(rule: Rule) {
      if (!hasBus(rule.busArn)) throw new Error(`there is no event bus \`${rule.busArn}\``);
      if (rule.pattern !== undefined) compilePattern(JSON.parse(rule.pattern));
      rules.set(rule.arn, rule);
    },
    removeRule: (arn: string) => void rules.delete(arn),
    rules: () => [...rules.values()],
    /** Puts an event of an AWS service on the default bus. */
    putAwsEvent(accountId: string, region: string, event: AwsEvent) {
      const time = event.time ?? withoutMilliseconds(clock.now());
      publishEvent(`arn:aws:events:${region}:${accountId}:event-bus/default`, {
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

function validateEntry(entry: Client.PutEventsRequestEntry): Client.PutEventsResultEntry | undefined {
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
  return undefined;
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

function targetPayload({ Input }: Client.Target, event: BusEvent): unknown {
  return Input === undefined ? event : JSON.parse(Input);
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
