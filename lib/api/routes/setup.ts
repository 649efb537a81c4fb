import { setUp } from '../../operations/setup.ts';
import type { ApiApp } from '../env.ts';

export function setupRoutes(app: ApiApp): void {
  app.post('/setup', async (context) => context.json({ done: await setUp(context.get('api')) }));
}
