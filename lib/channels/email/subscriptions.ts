import { orReported, type Runtime, settleEach } from '../../runtime/runtime.ts';

/** A subscription to a topic on which each reader is written to alone. */
export interface Subscription {
  readonly address: string;
  /** Absent until its reader confirms it: till then it can be neither examined nor taken away. */
  readonly arn?: string;
  /** Whose messages it gets, and no others; absent where it gets everybody's. */
  readonly filterAddresses?: readonly string[];
}

/** Who is sent what: each address its own messages only. */
export interface Subscriptions {
  list(): Promise<readonly Subscription[]>;
  /** Has an address asked to confirm that it wants its messages; again where it has not answered. */
  subscribe(address: string): Promise<void>;
  /** Has a subscription get nothing but its own address's messages. */
  setAddressFilter(arn: string, address: string): Promise<void>;
  unsubscribe(arn: string): Promise<void>;
}

/** Whether it gets its own address's messages and nobody else's. */
export function isManagedSubscription({ address, filterAddresses }: Subscription): boolean {
  return filterAddresses?.length === 1 && filterAddresses[0] === address.toLowerCase();
}

export function findSubscription(
  address: string,
  subscriptions: readonly Subscription[],
): Subscription | undefined {
  return subscriptions.find((each) => isSameAddress(each.address, address));
}

/** SNS keeps an address as somebody wrote it. */
function isSameAddress(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

interface SubscribeAddressesDeps extends Pick<Runtime, 'reportError'> {
  readonly subscriptions: Subscriptions;
  /** What a person does where it fails. */
  readonly remedy: string;
}

/**
 * Subscribes addresses, and takes away those of linkgate's subscriptions whose address nobody names any more. May be repeated.
 * @param named every address that is written to on the topic; undefined where that is not known, and nobody is unsubscribed
 * @returns what a person should know: what names the addresses stands, whatever comes of it.
 */
export async function subscribeAddresses(
  addresses: readonly string[],
  named: readonly string[] | undefined,
  { subscriptions, reportError, remedy }: SubscribeAddressesDeps,
): Promise<string[]> {
  const existing = await orReported(reportError, () => subscriptions.list());
  if (!existing) return [`who is sent mail could not be looked up: ${remedy}`];
  const unused = named
    ? existing.filter(({ address }) => !named.some((each) => isSameAddress(each, address)))
    : [];

  const changes = await Promise.all([
    settleEach(addresses, async (address) => {
      const subscription = findSubscription(address, existing);
      if (subscription?.arn === undefined) {
        await subscriptions.subscribe(address);
        return `${address} has to confirm the mail that SNS sent it (from AWS Notifications), and is sent nothing else until then`;
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
    reportError(change.error);
    return `the subscription of ${change.input} could not be changed: ${remedy}`;
  });
}
