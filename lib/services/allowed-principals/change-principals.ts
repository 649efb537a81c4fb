import type { Mode } from '../../mode/mode.ts';
import { ThrottledError } from '../../privatelink/connections.ts';
import { type AllowedPrincipals, PrincipalsRefusedError } from './allowed-principals.ts';
import type { PendingChanges } from './pending-changes.ts';

export interface ChangePrincipalsDeps {
  /** Reads the mode directly before a call that changes EC2. It counts as `observe` if it changed after `since`. */
  readonly mode: (since?: Date) => Promise<Mode>;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
  /** Milliseconds until Lambda stops this invocation. */
  readonly remainingMs: () => number;
}

export interface PrincipalRefusal {
  readonly principal: string;
  readonly code: string;
  readonly message: string;
}

export interface PrincipalsChange {
  /** The principals that EC2 refuses, each in a separate call. */
  readonly refused: readonly PrincipalRefusal[];
  /** The reason for an early stop: time, throttling, mode, or the error code by which EC2 refused the service. */
  readonly stopped?: 'time' | 'throttled' | 'mode' | { readonly code: string };
}

/** AWS publishes no maximum for one call. */
const maxPrincipalsPerCall = 50;
/** EC2's token bucket for this call holds 50 tokens and refills with five a second. All services of a location share it. */
const burstCalls = 40;
const paceMs = 250;
/** A call starts only if at least this much time remains. */
const minRemainingToChangeMs = 8_000;

/** Adds and then removes allowed principals in EC2, in batches. One invalid principal does not stop the others. */
export async function changePrincipals(
  serviceId: string,
  { allow, disallow }: PendingChanges,
  lookedAt: Date,
  ec2: AllowedPrincipals,
  deps: ChangePrincipalsDeps,
): Promise<PrincipalsChange> {
  let calls = 0;
  let size = maxPrincipalsPerCall;
  let stopped: PrincipalsChange['stopped'];
  const refused: PrincipalRefusal[] = [];

  async function reasonToStop(): Promise<PrincipalsChange['stopped']> {
    if (deps.remainingMs() < minRemainingToChangeMs) return 'time';
    return (await deps.mode(lookedAt)) === 'observe' ? 'mode' : undefined;
  }

  /** @returns whether EC2 changed all of them. */
  async function change(verb: 'allow' | 'disallow', principals: readonly string[]): Promise<boolean> {
    stopped ??= await reasonToStop();
    if (stopped) return false;
    if (calls++ >= burstCalls) await deps.sleep(paceMs);
    try {
      await ec2[verb](serviceId, principals);
      return true;
    } catch (error) {
      if (error instanceof ThrottledError) {
        stopped = 'throttled';
        return false;
      }
      if (!(error instanceof PrincipalsRefusedError)) throw error;
      if (error.reason === 'service') stopped = { code: error.code };
      else if (principals.length > 1) await changeInHalves(verb, principals);
      else refused.push(...principals.map((principal) => toPrincipalRefusal(principal, error)));
      return false;
    }
  }

  async function changeInHalves(verb: 'allow' | 'disallow', principals: readonly string[]): Promise<void> {
    const half = Math.ceil(principals.length / 2);
    const first = await change(verb, principals.slice(0, half));
    const second = await change(verb, principals.slice(half));
    // EC2 refused only the size of the batch.
    if (first && second) size = Math.min(size, half);
  }

  for (const [verb, principals] of [
    ['allow', allow],
    ['disallow', disallow],
  ] as const)
    for (let start = 0; start < principals.length && !stopped; ) {
      const batch = principals.slice(start, start + size);
      start += batch.length;
      await change(verb, batch);
    }
  return { refused, ...(stopped && { stopped }) };
}

function toPrincipalRefusal(principal: string, { code, message }: PrincipalsRefusedError): PrincipalRefusal {
  return { principal, code, message };
}
