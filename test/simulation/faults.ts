import type { Random } from './random.ts';

const ec2 = ['ec2 read', 'ec2 change'] as const;
const effects = ['ec2 change', 'table write', 'send', 'mode write', 'slack', 'mail'] as const;
const quick = ['ec2 read', 'table read', 'table write', 'send', 'mode', 'mode write'] as const;
const calls = [...quick, 'ec2 change', 'slack', 'mail'] as const;

/** The faults by occasion, with their maximum probability. */
const kinds = {
  'crash before a call': { on: calls, rate: 0.02 },
  'crash after a call': { on: calls, rate: 0.02 },
  'failure without effect': { on: calls, rate: 0.1 },
  'failure after the effect': { on: effects, rate: 0.15 },
  'effect after the failure': { on: ['ec2 change'], rate: 0.3 },
  throttling: { on: ec2, rate: 0.3 },
  'stale describe': { on: ['ec2 read'], rate: 0.4 },
  'stale page token': { on: ['ec2 read'], rate: 0.1 },
  'Slack is busy': { on: ['slack'], rate: 0.3 },
  'transaction conflict': { on: ['table write'], rate: 0.2 },
  // The client of apply-verdicts times out after 5 s, so its calls fail instead.
  'call that takes long': { on: quick, rate: 0.03 },
  // BatchGetItem is no snapshot: other runs write between its parts.
  'read in two parts': { on: ['batch read'], rate: 0.5 },
  'message dropped': { on: ['delivery'], rate: 0.3 },
  'message duplicated': { on: ['delivery'], rate: 0.3 },
  'message delayed': { on: ['delivery'], rate: 0.3 },
  // A person changes the policy between the last read of apply-verdicts and its call. The rate lets some calls succeed.
  'policy changed before the call': { on: ['last mode read'], rate: 0.7 },
  // These are concurrent events, not faults; the simulation counts them.
  'message overtaken': { on: [], rate: 0 },
  'two deciders at once': { on: [], rate: 0 },
  'two versions at once': { on: [], rate: 0 },
} as const satisfies Readonly<Record<string, { readonly on: readonly string[]; readonly rate: number }>>;

export type FaultKind = keyof typeof kinds;
type Occasion = (typeof kinds)[FaultKind]['on'][number];
type KindOn<O extends Occasion> = {
  [Kind in FaultKind]: O extends (typeof kinds)[Kind]['on'][number] ? Kind : never;
}[FaultKind];

/** The kinds of calls; each has its own faults. */
export type CallKind = (typeof calls)[number];

export const faultKinds = Object.keys(kinds) as FaultKind[];

export type Faults = ReturnType<typeof createFaults>;

/** Each history has random kinds of faults, each with a random frequency. */
export function createFaults(random: Random) {
  const rates = new Map(
    faultKinds.map((kind) => [kind, kinds[kind].rate * random.pick([0, 0.1, 0.3, 1])] as const),
  );
  const counts = new Map<FaultKind, number>();
  let areOver = false;

  function count(kind: FaultKind): void {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }

  return {
    count,
    counts: (): ReadonlyMap<FaultKind, number> => counts,
    /** Draws a fault for an occasion. */
    draw<O extends Occasion>(occasion: O): KindOn<O> | undefined {
      if (areOver) return undefined;
      const kind = faultKinds.find(
        (each) =>
          (kinds[each].on as readonly Occasion[]).includes(occasion) && random.chance(rates.get(each) ?? 0),
      );
      if (kind) count(kind);
      return kind as KindOn<O> | undefined;
    },
    /** Ends all faults; calls in progress may still fail. */
    end(): void {
      areOver = true;
    },
  };
}
