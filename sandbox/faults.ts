import * as v from 'valibot';
import { AwsError, type Caller, isPerson } from './aws/aws-service.ts';
import { inMemory, type OpenMap } from './persistence.ts';

const rate = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const delayMs = v.optional(v.pipe(v.number(), v.minValue(0)));

const CallFault = v.strictObject({
  service: v.string(),
  action: v.string(),
  rate,
  count,
  error: v.optional(v.string()),
  delayMs,
  afterEffect: v.optional(v.boolean()),
  principal: v.optional(v.string()),
});

const DeliveryFault = v.strictObject({
  delivery: v.picklist(['sns', 'sqs', 'events', 'streams']),
  rate,
  count,
  drop: v.optional(v.boolean()),
  duplicate: v.optional(v.boolean()),
  delayMs,
});

export type CallFault = v.InferOutput<typeof CallFault>;
export type DeliveryFault = v.InferOutput<typeof DeliveryFault>;
export type DeliveryKind = DeliveryFault['delivery'];
type Fault = CallFault | DeliveryFault;

export type Faults = ReturnType<typeof createFaults>;

/** The list of faults is invalid. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
}

/** A fault with its remaining count; no count means unlimited. */
interface FaultEntry {
  readonly fault: Fault;
  readonly remaining?: number | undefined;
}

export function createFaults(random: () => number = Math.random, openMap: OpenMap = inMemory) {
  const faults = openMap<FaultEntry>('faults');

  function takeFault<T extends Fault>(applies: (fault: Fault) => fault is T): T | undefined {
    for (const [index, { fault, remaining }] of faults) {
      if (remaining === 0 || !applies(fault) || random() >= fault.rate) continue;
      if (remaining !== undefined) faults.set(index, { fault, remaining: remaining - 1 });
      return fault;
    }
    return undefined;
  }

  return {
    /** Replaces the list. Throws `FaultError` and changes nothing if one fault is invalid. */
    replace(list: unknown) {
      const parsed = parseFaults(list);
      faults.clear();
      for (const [index, fault] of parsed.entries())
        faults.set(String(index), { fault, remaining: fault.count });
    },
    list: () => [...faults.values()].map(({ fault }) => fault),
    /** Returns the fault for this call, if there is one. */
    findCallFault: (service: string, action: string, caller: Pick<Caller, 'principal'>) =>
      takeFault(
        (fault): fault is CallFault =>
          'service' in fault &&
          fault.service === service &&
          (fault.action === action || fault.action === '*') &&
          matchesCaller(fault, caller),
      ),
    findDeliveryFault: (delivery: DeliveryKind) =>
      takeFault((fault): fault is DeliveryFault => 'delivery' in fault && fault.delivery === delivery),
  };
}

/** The HTTP status of error codes that no SDK schema has. Others have the status of the schema, or 400. */
const statuses: Readonly<Record<string, number>> = {
  RequestLimitExceeded: 503,
  Unavailable: 503,
  ServiceUnavailable: 503,
  InternalError: 500,
  InternalFailure: 500,
  InternalServerError: 500,
  UnauthorizedOperation: 403,
  AccessDenied: 403,
};

export function faultError({ error = 'InternalError' }: CallFault): AwsError {
  return new AwsError(error, `${error}, injected by \`/_sandbox/faults\``, statuses[error]);
}

/** Without a principal, a fault applies to functions and not to people. */
function matchesCaller({ principal }: CallFault, caller: Pick<Caller, 'principal'>): boolean {
  if (principal === undefined) return !isPerson(caller);
  return principal === '*' || principal === caller.principal;
}

/** Parses each fault by the schema of its kind. Throws `FaultError`. */
function parseFaults(list: unknown): Fault[] {
  if (!Array.isArray(list)) throw new FaultError('the faults have to be a list');
  return list.map((fault, index) => {
    const isDelivery = typeof fault === 'object' && fault !== null && 'delivery' in fault;
    const { success, output, issues } = v.safeParse(isDelivery ? DeliveryFault : CallFault, fault);
    if (success) return output;
    throw new FaultError(`fault ${index}: ${v.getDotPath(issues[0]) ?? 'the fault'}: ${issues[0].message}`);
  });
}
