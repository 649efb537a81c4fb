import { CheckCursor, runDoctorPage } from '../../doctor/doctor.ts';
import { decodeCursor, encodePageToken } from '../../storage/cursor.ts';
import type { ApiApp } from '../env.ts';

const doctorListName = 'doctor';

export function doctorRoutes(app: ApiApp): void {
  app.get('/doctor', async (context) => {
    const token = context.req.query('nextToken');
    const position = token === undefined ? undefined : decodeCursor(doctorListName, token, CheckCursor);
    const { checks, next } = await runDoctorPage(position, context.get('api'));
    return context.json({ checks, ...(next && { nextToken: encodePageToken(doctorListName, next) }) });
  });
}
