import { SetupResponse } from '../api-views.ts';
import type { Session } from '../session.ts';

export async function setUp({ api, output }: Session) {
  const { done } = await api.call('POST', ['setup'], SetupResponse);
  output.result({ done }, done.join('\n'));
}
