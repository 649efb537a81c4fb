import { showMode, switchMode } from '../../mode/switch-mode.ts';
import type { ApiApp } from '../env.ts';
import { bodyOf, ModeInput, valid } from '../input.ts';

export function modeRoutes(app: ApiApp): void {
  app.get('/mode', async (context) => context.json(await showMode(context.get('api'))));
  app.put('/mode', async (context) => {
    const api = context.get('api');
    const { mode, ...why } = valid(ModeInput, await bodyOf(context), 'the mode');
    const { view, warnings } = await switchMode(mode, { ...why, by: api.caller }, api);
    return context.json({ ...view, warnings });
  });
}
