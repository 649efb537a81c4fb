import {
  type AllowedPrincipals,
  PrincipalsRefusedError,
} from '../../../lib/services/allowed-principals/allowed-principals.ts';
import { principalKey } from '../../../lib/services/allowed-principals/principal.ts';

/** The allowed principals of one service in EC2, and the calls that changed them. */
export function fakeAllowedPrincipals(
  initialPrincipals: readonly string[] = [],
  { bad = [], perCall = 1_000 }: { readonly bad?: readonly string[]; readonly perCall?: number } = {},
) {
  const principals = new Map(initialPrincipals.map((principal) => [principalKey(principal), principal]));
  const calls: string[] = [];

  function check(verb: string, changed: readonly string[]) {
    calls.push(`${verb} ${changed.length}`);
    if (changed.length > perCall)
      throw new PrincipalsRefusedError('principals', 'InvalidParameterValue', 'too many');
    const invalidPrincipal = changed.find((principal) => bad.includes(principal));
    if (invalidPrincipal !== undefined)
      throw new PrincipalsRefusedError(
        'principals',
        'InvalidPrincipal',
        `Invalid Principal: '${invalidPrincipal}'`,
      );
  }

  const ec2: AllowedPrincipals = {
    list: async () => [...principals.values()],
    async allow(_serviceId, added) {
      check('allow', added);
      for (const principal of added) principals.set(principalKey(principal), principal);
    },
    async disallow(_serviceId, removed) {
      check('disallow', removed);
      for (const principal of removed) principals.delete(principalKey(principal));
    },
  };
  return Object.assign(ec2, {
    calls,
    add: (principal: string) => principals.set(principalKey(principal), principal),
    now: () => [...principals.values()],
  });
}
