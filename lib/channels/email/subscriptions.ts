import { orReported, type Runtime, settleEach } from '../../runtime/runtime.ts';

/** A subscription to a topic whose e-mails are each for one address. */
export interface Subscription {
  readonly address: string;
  /** Absent until the owner of the address confirms. Until then SNS neither describes nor removes the subscription. */
  readonly arn?: string;
  /** The addresses in its filter policy; absent without a policy, so that it receives the e-mails of every address. */
  readonly filterAddresses?: readonly string[];
}

/** The subscriptions of one topic. */
export interface Subscriptions {
  list(): Promise<readonly Subscription[]>;
  /** Calls SNS `Subscribe`, which sends a confirmation e-mail. A repeated call sends it again until the owner confirms. */
  subscribe(address: string): Promise<void>;
  /** Sets the filter policy to the subscription's own address. */
  setAddressFilter(arn: string, address: string): Promise<void>;
  unsubscribe(arn: string): Promise<void>;
}

/** Whether the filter policy names only the subscription's own address. */
export function isManagedSubscription({ address, filterAddresses }: Subscription): boolean {
  return filterAddresses?.length === 1 && filterAddresses[0] === address.toLowerCase();
}

export function findSubscription(
  address: string,
  subscriptions: readonly Subscription[],
): Subscription | undefined {
  return subscriptions.find((each) => isSameAddress(each.address, address));
}

/** SNS preserves the case of an address. */
function isSameAddress(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

interface SubscribeAddressesDeps extends Pick<Runtime, 'reportError'> {
  readonly subscriptions: Subscriptions;
  /** The next step for the caller after a failed call. */
  readonly remedy: string;
}

/**
 * Subscribes addresses, and unsubscribes managed subscriptions whose address is no longer in use. Idempotent.
 * @param addressesInUse every address that the topic serves; if undefined, the function unsubscribes nothing
 * @returns warnings for the caller: the stored addresses stay valid even if an SNS call fails
 */
export async function subscribeAddresses(
  addresses: readonly string[],
  addressesInUse: readonly string[] | undefined,
  { subscriptions, reportError, remedy }: SubscribeAddressesDeps,
): Promise<string[]> {
  const existing = await orReported(reportError, 'list subscriptions', () => subscriptions.list());
  if (!existing) return [`the e-mail subscriptions cannot be listed: ${remedy}`];
  const unused = addressesInUse
    ? existing.filter(({ address }) => !addressesInUse.some((each) => isSameAddress(each, address)))
    : [];

  const changes = await Promise.all([
    settleEach(addresses, async (address) => {
      const subscription = findSubscription(address, existing);
      if (subscription?.arn === undefined) {
        await subscriptions.subscribe(address);
        return `${address} has to confirm the subscription e-mail of SNS (from AWS Notifications); linkgate sends it nothing until then`;
      }
      if (!isManagedSubscription(subscription))
        await subscriptions.setAddressFilter(subscription.arn, address);
      return undefined;
    }),
    settleEach(
      unused.flatMap((each) => (isManagedSubscription(each) && each.arn !== undefined ? each.arn : [])),
      async (arn) => {
        await subscriptions.unsubscribe(arn);
        return undefined;
      },
    ),
  ]);
  return changes.flat().flatMap((change) => {
    if ('output' in change) return change.output ?? [];
    reportError(change.error, 'change subscription');
    return `the subscription of ${change.input} cannot be changed: ${remedy}`;
  });
}
