import { SetupResponse } from '../api-views.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';

export function setUp({ open }: HandlerDeps) {
  return async (options: CommonOptions) => {
    const { api, output } = await open(options);
    const { done } = await api.call('POST', ['setup'], SetupResponse);
    output.result({ done }, done.join('\n'));
  };
}
