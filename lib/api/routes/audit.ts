import { RecordCursor } from '../../connections/list-records.ts';
import { type Verification, verifyTrail, verifyTrailPage } from '../../inspection/verify-audit.ts';
import { decodeCursor, encodePageToken } from '../../storage/cursor.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { AuditQuery, validateInput } from '../input.ts';
import { requireService } from '../lookup.ts';

const verificationListName = 'audit verification';

export function auditRoutes(app: ApiApp): void {
  app.get('/audit/verification', async (context) => {
    const api = context.get('api');
    const { endpoint, service, nextToken } = validateInput(AuditQuery, context.req.query(), 'the query');
    if (endpoint !== undefined) return context.json(await requireVerification(endpoint, api));
    const start =
      nextToken === undefined
        ? { partition: 0 }
        : decodeCursor(verificationListName, nextToken, RecordCursor);
    const serviceId = service === undefined ? undefined : (await requireService(service, api)).serviceId;
    const { next, ...verification } = await verifyTrailPage(start, api.table, serviceId);
    return context.json({
      ...verification,
      ...(next && { nextToken: encodePageToken(verificationListName, next) }),
    });
  });
}

async function requireVerification(endpointId: string, { table }: ApiDeps): Promise<Verification> {
  const verification = await verifyTrail(endpointId, table);
  if (!verification)
    throw new ApiError(404, 'UnknownEndpoint', `linkgate has no record of \`${endpointId}\``);
  return verification;
}
