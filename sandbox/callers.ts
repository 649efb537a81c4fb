import type { Access, Caller } from './aws/aws-service.ts';
import type { PolicyDocument } from './iam/policy.ts';

/** The access key, Region and service of a signature. */
export interface Signature {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

/** The identity by which a function calls AWS. */
export interface FunctionIdentity {
  /** The file name of the function. */
  readonly principal: string;
  readonly functionName: string;
  readonly roleArn: string;
}

export interface Role {
  readonly arn: string;
  readonly policies: PolicyDocument[];
  /** Lambda itself uses this role too: to poll queues and streams, and to send failures to destinations. */
  readonly usedByLambda: Access[];
}

export type Callers = ReturnType<typeof createCallers>;

/** Reads the credential scope of a Signature Version 4. The sandbox does not verify signatures. */
export function parseSignature(authorization: string | undefined): Signature | undefined {
  const scope = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    authorization ?? '',
  );
  if (!scope) return undefined;
  const [, accessKeyId = '', region = '', service = ''] = scope;
  return { accessKeyId, region, service };
}

/** Maps access keys to callers. */
export function createCallers() {
  const functions = new Map<string, FunctionIdentity>();

  return {
    /** Creates the access key of a function. */
    createAccessKey(identity: FunctionIdentity): string {
      const key = `ASIALINKGATE${String(functions.size + 1).padStart(8, '0')}`;
      functions.set(key, identity);
      return key;
    },
    identify({ accessKeyId, region }: Signature): (Caller & { readonly roleArn?: string }) | undefined {
      const [, accountId, user] = /^(\d{12})(?:\.([\w-]+))?$/.exec(accessKeyId) ?? [];
      if (accountId !== undefined) {
        const principal = user === undefined ? 'root' : `user/${user}`;
        return { accountId, region, principal, arn: `arn:aws:iam::${accountId}:${principal}` };
      }
      const identity = functions.get(accessKeyId);
      if (!identity) return undefined;
      const { principal, functionName, roleArn } = identity;
      const [, , , , owner = ''] = roleArn.split(':');
      const roleName = roleArn.split('/').at(-1);
      const arn = `arn:aws:sts::${owner}:assumed-role/${roleName}/${functionName}`;
      return { accountId: owner, region, principal, arn, roleArn };
    },
  };
}
