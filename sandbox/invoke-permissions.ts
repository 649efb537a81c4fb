import { matchesWildcard } from './iam/wildcard.ts';

export type InvokePermissions = ReturnType<typeof createInvokePermissions>;

/** The resource policies of functions: which service may invoke which function. */
export function createInvokePermissions() {
  const granted: { functionArn: string; service: string; sourceArn: string | undefined }[] = [];
  return {
    allow: (functionArn: string, service: string, sourceArn: string | undefined) =>
      void granted.push({ functionArn, service, sourceArn }),
    allows: (functionArn: string, service: string, sourceArn: string) =>
      granted.some(
        (permission) =>
          permission.functionArn === functionArn &&
          permission.service === service &&
          (permission.sourceArn === undefined || matchesWildcard(permission.sourceArn, sourceArn)),
      ),
  };
}
