import type { Mode } from '../../mode/mode.ts';
import { ThrottledError } from '../../privatelink/connections.ts';
import { type AllowedPrincipals, PrincipalsRefusedError } from './allowed-principals.ts';
import type { PendingChanges } from './pending-changes.ts';

export interface ChangePrincipalsDeps {
  /** Read right before EC2 is changed; counts as `observe` where it was changed after this time. */
  readonly mode: (since?: Date) => Promise<Mode>;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
  /** Milliseconds until this run must have ended. */
  readonly remainingMs: () => number;
}

export interface PrincipalRefusal {
  readonly principal: string;
  readonly code: string;
  readonly message: string;
}

export interface PrincipalsChange {
  /** Those that EC2 does not take, each tried on its own. */
  readonly refused: readonly PrincipalRefusal[];
  /** Why it ended before all was done: for want of time or tokens, by the mode, or the code by which EC2 refused linkgate. */
  readonly stopped?: 'time' | 'throttled' | 'mode' | { readonly code: string };
}

/** No maximum of principals a call is published. */
const maxPrincipalsPerCall = 50;
/** The bucket of this call, which all services of a place share, holds 50 tokens and gains five a second. */
const burstCalls = 40;
const paceMs = 250;
/** What a run keeps free to end well, in milliseconds. */
const minRemainingToChangeMs = 8_000;

/** Allows and disallows in EC2, in batches: one bad principal keeps no other from being changed. Allows first. */
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

  /** @returns whether EC2 took all of them. */
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
    // Nothing was wrong with any of them but that they were so many.
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
