import { showMode, switchMode } from '../../operations/switch-mode.ts';
import type { ApiApp } from '../env.ts';
import { ModeInput, readBody, validateInput } from '../input.ts';

export function modeRoutes(app: ApiApp): void {
  app.get('/mode', async (context) => context.json(await showMode(context.get('api'))));
  app.put('/mode', async (context) => {
    const api = context.get('api');
    const { mode, ...why } = validateInput(ModeInput, await readBody(context), 'the mode');
    const { view, warnings } = await switchMode(mode, { ...why, by: api.caller }, api);
    return context.json({ ...view, warnings });
  });
}
