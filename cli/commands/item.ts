import * as v from 'valibot';
import { Warnings } from '../api-views.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';

const ItemResponse = v.looseObject({
  item: v.looseObject({ pk: v.string(), sk: v.string() }),
  warnings: Warnings,
});

export function removeItem({ open }: HandlerDeps) {
  return async (pk: string, sk: string, common: CommonOptions) => {
    const { api, output } = await open(common);
    const response = await api.call('DELETE', ['items'], ItemResponse, { query: { pk, sk } });
    output.result(response, `removed the item ${pk} ${sk}`);
    output.warn(response.warnings);
  };
}
