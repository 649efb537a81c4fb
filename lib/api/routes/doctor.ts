import { CheckCursor, doctorPage } from '../../doctor/doctor.ts';
import { decodeCursor, pageToken } from '../../storage/cursor.ts';
import type { ApiApp } from '../env.ts';

const list = 'doctor';

export function doctorRoutes(app: ApiApp): void {
  app.get('/doctor', async (context) => {
    const token = context.req.query('nextToken');
    const position = token === undefined ? undefined : decodeCursor(list, token, CheckCursor);
    const { checks, next } = await doctorPage(position, context.get('api'));
    return context.json({ checks, ...(next && { nextToken: pageToken(list, next) }) });
  });
}
