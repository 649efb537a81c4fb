import { type Bucket, type Level, takeToken } from '../token-bucket.ts';
import type { ResourceLocation } from './model.ts';

const service: Bucket = { capacity: 10, refillPerSecond: 1 };
const endpoint: Bucket = { capacity: 4, refillPerSecond: 0.3 };
const tags: Bucket = { capacity: 100, refillPerSecond: 10 };
const mutating: Bucket = { capacity: 50, refillPerSecond: 5 };
const nonMutating: Bucket = { capacity: 100, refillPerSecond: 20 };

/** From the EC2 developer guide, "Request throttling for the Amazon EC2 API". */
const documentedBuckets: Readonly<Record<string, Bucket>> = {
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

/** Each account has one bucket per Region and API, refilled continuously. `levels`: the current tokens. */
export function createTokenBuckets(levels: Map<string, Level> = new Map()) {
  return {
    /** Returns false if EC2 returns `RequestLimitExceeded`. */
    take({ accountId, region }: ResourceLocation, operation: string, now: number): boolean {
      const bucket =
        documentedBuckets[operation] ?? (operation.startsWith('Describe') ? nonMutating : mutating);
      return takeToken(levels, `${accountId} ${region} ${operation}`, bucket, now) === 0;
    },
  };
}
