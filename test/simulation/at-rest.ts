import { countedIn, readCounted } from '../../lib/allowlist/counted-endpoints.ts';
import { isGone, isLive } from '../../lib/connection/connection.ts';
import {
  type ConnectionRecord,
  isCurrent,
  readRecord,
  recordPartitions,
} from '../../lib/connection/connection-record.ts';
import { consult, policyKeys } from '../../lib/policy/consult.ts';
import { serviceKey } from '../../lib/service/service.ts';
import { byKey } from '../../lib/table/item.ts';
import type { Endpoint } from '../../sandbox/privatelink/model.ts';
import type { Items } from '../doubles/memory-table.ts';
import type { Aws } from './aws.ts';
import { permitted, saidOf } from './permission.ts';
import type { Watch } from './watch.ts';

/** What holds once nothing fails any more and everything has had its time, whatever happened before. */
export function checkAtRest({ privateLink, provider }: Aws, items: Items, watch: Watch, now: Date): void {
  const { mustHold } = watch;
  const { endpoints } = privateLink.state;

  const isRegistered = (serviceId: string) => items.read([serviceKey(serviceId)]).length > 0;
  const policyOf = (record: ConnectionRecord) => byKey(items.read(policyKeys(record)));
  const ofItsAccount = (serviceId: string, accountId: string) =>
    Object.values(endpoints).filter((each) => each.serviceId === serviceId && each.accountId === accountId);

  function checkRecord(record: ConnectionRecord): void {
    const { endpointId, serviceId, state, effect, goneAt, audited } = record;
    const endpoint = endpoints[endpointId];
    const isThere = endpoint !== undefined && endpoint.state !== 'deleted';
    mustHold(effect === undefined, `${effect?.action} of ${endpointId} is not left undone`);
    mustHold(
      audited === watch.historyOf(endpointId).length,
      `${endpointId} has the ${audited} audit entries that it counts`,
    );
    if (!isRegistered(serviceId)) return;
    if (!isThere) mustHold(goneAt !== undefined && isGone(state), `${endpointId} is known to be gone`);
    else
      mustHold(
        state === endpoint.state,
        `${endpointId} is remembered as EC2 shows it, ${endpoint.state}, not ${state}`,
      );
  }

  function checkEndpoint({ id, state }: Endpoint): void {
    const record = watch.recordOf(id);
    if (state === 'deleted') return;
    mustHold(record !== undefined, `${id}, which is ${state}, is remembered`);
    if (!record) return;
    const { verdict, approval } = record;
    if (state === 'pendingAcceptance') {
      const found = policyOf(record);
      mustHold(isCurrent(verdict, consult(record, found).consulted, now), `${id} has a current verdict`);
      mustHold(
        verdict?.outcome === 'ask' || verdict?.outcome === 'wait',
        `${id}, still pending, waits by verdict`,
      );
      const said = saidOf(record, found);
      const isCounted = said.entries[0]?.maxEndpoints !== undefined;
      const may = permitted(record, said, approval, now.getTime());
      mustHold(
        may === 'nothing' || (isCounted && may === 'accept'),
        `${id} does not wait where policy says ${may}`,
      );
    }
    const isSaidSo = watch.historyOf(id).at(-1)?.action === 'observed';
    mustHold(
      !isLive(state) || verdict?.outcome !== 'reject' || isSaidSo,
      `${id} is not live against the newest verdict without a word`,
    );
  }

  function checkCounted(): void {
    for (const { serviceId, accountId, endpointIds, entryVersion } of items
      .page(countedIn(provider), {})
      .items.map(readCounted)) {
      const said = saidOf(
        { serviceId, ownerAccountId: accountId, endpointId: '' },
        byKey(items.read(policyKeys({ serviceId, ownerAccountId: accountId }))),
      );
      if (!said.service || said.entries[0]?.version !== entryVersion) continue;
      const live = ofItsAccount(serviceId, accountId).filter(({ state }) => isLive(state));
      const [counted, there] = [endpointIds, live.map(({ id }) => id)].map((ids) =>
        [...ids].sort().join(', '),
      );
      mustHold(
        counted === there,
        `of ${accountId} at ${serviceId} count ${there || 'none'}, not ${counted || 'none'}`,
      );
    }
  }

  for (const partition of recordPartitions)
    items.page(partition, {}).items.map(readRecord).forEach(checkRecord);
  Object.values(endpoints)
    .filter(({ serviceId }) => isRegistered(serviceId))
    .forEach(checkEndpoint);
  checkCounted();
}
