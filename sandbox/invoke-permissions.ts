import { matchesWildcard } from './iam/wildcard.ts';

/** The resource policies of functions: which service may invoke which function. */
export interface InvokePermissions {
  allow(functionArn: string, service: string, sourceArn: string | undefined): void;
  allows(functionArn: string, service: string, sourceArn: string): boolean;
}

export function createInvokePermissions(): InvokePermissions {
  const granted: { functionArn: string; service: string; sourceArn: string | undefined }[] = [];
  return {
    allow: (functionArn, service, sourceArn) => void granted.push({ functionArn, service, sourceArn }),
    allows: (functionArn, service, sourceArn) =>
      granted.some(
        (permission) =>
          permission.functionArn === functionArn &&
          permission.service === service &&
          (permission.sourceArn === undefined || matchesWildcard(permission.sourceArn, sourceArn)),
      ),
  };
}
