import type { Place } from './model.ts';

interface Bucket {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

const service: Bucket = { capacity: 10, refillPerSecond: 1 };
const endpoint: Bucket = { capacity: 4, refillPerSecond: 0.3 };
const tags: Bucket = { capacity: 100, refillPerSecond: 10 };
const mutating: Bucket = { capacity: 50, refillPerSecond: 5 };
const nonMutating: Bucket = { capacity: 100, refillPerSecond: 20 };

/** As published in the EC2 developer guide, "Request throttling for the Amazon EC2 API". */
const published: Readonly<Record<string, Bucket>> = {
  AcceptVpcEndpointConnections: service,
  RejectVpcEndpointConnections: service,
  CreateVpcEndpointServiceConfiguration: service,
  ModifyVpcEndpointServiceConfiguration: service,
  DeleteVpcEndpointServiceConfigurations: service,
  CreateVpcEndpoint: endpoint,
  ModifyVpcEndpoint: endpoint,
  DeleteVpcEndpoints: endpoint,
  CreateTags: tags,
  DeleteTags: tags,
};

/** Every account has each bucket once per Region and API; they refill continuously. `levels`: how full they are. */
export function tokenBuckets(
  levels: Map<string, { readonly tokens: number; readonly at: number }> = new Map(),
) {
  return {
    /** False where EC2 answers `RequestLimitExceeded`. */
    take({ accountId, region }: Place, operation: string, now: number): boolean {
      const { capacity, refillPerSecond } =
        published[operation] ?? (operation.startsWith('Describe') ? nonMutating : mutating);
      const key = `${accountId} ${region} ${operation}`;
      const level = levels.get(key) ?? { tokens: capacity, at: now };
      const refilled = level.tokens + (Math.max(now - level.at, 0) / 1000) * refillPerSecond;
      const tokens = Math.min(capacity, refilled);
      const taken = tokens >= 1;
      levels.set(key, { tokens: taken ? tokens - 1 : tokens, at: now });
      return taken;
    },
  };
}
