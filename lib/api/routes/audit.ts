import { RecordCursor } from '../../connections/list-records.ts';
import { type Verification, verifyTrail, verifyTrailPage } from '../../inspection/verify-audit.ts';
import { decodeCursor, nextPageFields } from '../../storage/cursor.ts';
import { ApiError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { AuditQuery } from '../input.ts';
import { requireService } from '../lookup.ts';
import type { Routes } from '../request.ts';

const verificationListName = 'audit verification';

export const auditRoutes: Routes = {
  'GET /audit/verification': async (request, api) => {
    const { endpoint, service, nextToken } = request.query(AuditQuery);
    if (endpoint !== undefined) return requireVerification(endpoint, api);
    const start = decodeCursor(verificationListName, nextToken, RecordCursor, { partition: 0 });
    const serviceId = service === undefined ? undefined : (await requireService(service, api)).serviceId;
    const { next, ...verification } = await verifyTrailPage(start, api.table, serviceId);
    return { ...verification, ...nextPageFields(verificationListName, next) };
  },
};

async function requireVerification(endpointId: string, { table }: ApiDeps): Promise<Verification> {
  const verification = await verifyTrail(endpointId, table);
  if (!verification)
    throw new ApiError(404, 'UnknownEndpoint', `linkgate has no record of \`${endpointId}\``);
  return verification;
}
