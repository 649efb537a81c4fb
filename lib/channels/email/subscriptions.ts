import { orReported, type Runtime, settleEach } from '../../runtime/runtime.ts';

/** A subscription to a topic on which each e-mail is for one address. */
export interface Subscription {
  readonly address: string;
  /** Absent until the owner of the address confirms: until then SNS neither describes nor removes the subscription. */
  readonly arn?: string;
  /** The addresses in its filter policy; absent without one, when it receives the e-mails of every address. */
  readonly filterAddresses?: readonly string[];
}

/** The subscriptions of one topic. */
export interface Subscriptions {
  list(): Promise<readonly Subscription[]>;
  /** Calls SNS `Subscribe`, which sends the address a confirmation e-mail, and again while it is not confirmed. */
  subscribe(address: string): Promise<void>;
  /** Sets the filter policy so that the subscription receives only the e-mails of its own address. */
  setAddressFilter(arn: string, address: string): Promise<void>;
  unsubscribe(arn: string): Promise<void>;
}

/** True if the filter policy names its own address and no other. */
export function isManagedSubscription({ address, filterAddresses }: Subscription): boolean {
  return filterAddresses?.length === 1 && filterAddresses[0] === address.toLowerCase();
}

export function findSubscription(
  address: string,
  subscriptions: readonly Subscription[],
): Subscription | undefined {
  return subscriptions.find((each) => isSameAddress(each.address, address));
}

/** SNS keeps the upper and lower case of an address. */
function isSameAddress(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

interface SubscribeAddressesDeps extends Pick<Runtime, 'reportError'> {
  readonly subscriptions: Subscriptions;
  /** The next step for the caller if a call fails. */
  readonly remedy: string;
}

/**
 * Subscribes addresses, and unsubscribes those managed subscriptions whose address is not in use any more. Idempotent.
 * @param addressesInUse every address that the topic serves; undefined if unknown, and then nothing is unsubscribed
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
