import * as v from 'valibot';
import type { Session } from '../session.ts';

const ItemResponse = v.looseObject({ item: v.looseObject({ pk: v.string(), sk: v.string() }) });

export async function removeItem({ api, output }: Session, pk: string, sk: string) {
  const response = await api.call('DELETE', ['items'], ItemResponse, { query: { pk, sk } });
  output.result(response, `removed the item ${pk} ${sk}`);
}
