import { RecordCursor } from '../../connections/record-pages.ts';
import { type Verification, verifyOne, verifyPage } from '../../inspection/verify-audit.ts';
import { decodeCursor, pageToken } from '../../storage/cursor.ts';
import { ApiError } from '../api-error.ts';
import type { Api, ApiApp } from '../env.ts';
import { AuditQuery, validated } from '../input.ts';
import { requireService } from '../lookup.ts';

const list = 'audit verification';

export function auditRoutes(app: ApiApp): void {
  app.get('/audit/verification', async (context) => {
    const api = context.get('api');
    const { endpoint, service, nextToken } = validated(AuditQuery, context.req.query(), 'the query');
    if (endpoint !== undefined) return context.json(await verificationOf(endpoint, api));
    const start = nextToken === undefined ? { partition: 0 } : decodeCursor(list, nextToken, RecordCursor);
    const serviceId = service === undefined ? undefined : (await requireService(service, api)).serviceId;
    const { next, ...verification } = await verifyPage(start, api.table, serviceId);
    return context.json({ ...verification, ...(next && { nextToken: pageToken(list, next) }) });
  });
}

async function verificationOf(endpointId: string, { table }: Api): Promise<Verification> {
  const verification = await verifyOne(endpointId, table);
  if (!verification)
    throw new ApiError(404, 'UnknownEndpoint', `linkgate remembers nothing of \`${endpointId}\``);
  return verification;
}
