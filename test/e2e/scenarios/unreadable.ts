import { marshall } from '@aws-sdk/util-dynamodb';
import { itemEntities } from '../../../lib/doctor/item-entities.ts';
import { reasonsToKeepItems } from '../../../lib/storage/item-remedy.ts';
import { type ServiceContext, tableName, withTable } from './harness.ts';

/** Entities with all items in one partition. */
const singlePartitionEntities =
  /^(APPROVERS|NOTIFICATION_THROTTLE|CONTACT_DELIVERY_FAILURE|CUSTOMER|DISCONNECT_QUOTA|DIGEST|EMAIL_RATE|EXPIRY_WARNINGS|LEASE|MODE|OPERATIONS|OPERATIONS_NOTICE|SERVICE|TABLE_IDENTITY)$/;

/** Writes an unreadable item of each removable entity, and removes it as an administrator. */
export async function removeUnreadableItems(context: ServiceContext) {
  const { linkgate } = context;
  await linkgate.linkgate('doctor');
  for (const kind of itemEntities.keys()) {
    if (reasonsToKeepItems.has(kind)) continue;
    const key = { pk: singlePartitionEntities.test(kind) ? kind : `${kind}#unreadable`, sk: 'unreadable' };
    await withTable(context, (client) => client.putItem({ TableName: tableName, Item: marshall(key) }));
    await linkgate.json('item', 'remove', key.pk, key.sk);
  }
  await linkgate.idle();
}
