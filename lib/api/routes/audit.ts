import { type Verification, verifyOne, verifyPage } from '../../audit/verify.ts';
import { RecordPosition } from '../../connection/record-pages.ts';
import { pageToken, positionIn } from '../../page-token.ts';
import { ApiError } from '../api-error.ts';
import type { Api, ApiApp } from '../env.ts';
import { AuditQuery, valid } from '../input.ts';
import { serviceNamed } from '../named.ts';

const list = 'audit verification';

export function auditRoutes(app: ApiApp): void {
  app.get('/audit/verification', async (context) => {
    const api = context.get('api');
    const { endpoint, service, nextToken } = valid(AuditQuery, context.req.query(), 'the query');
    if (endpoint !== undefined) return context.json(await verificationOf(endpoint, api));
    const start = nextToken === undefined ? { partition: 0 } : positionIn(list, nextToken, RecordPosition);
    const serviceId = service === undefined ? undefined : (await serviceNamed(service, api)).serviceId;
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
