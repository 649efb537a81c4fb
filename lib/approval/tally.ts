import type { Service } from '../service/service.ts';

/** How many of the accounts that ask most are named where many ask at once. */
export const askersNamed = 5;

/** The most frequent first. */
export function counted<T>(all: readonly T[], nameIn: (one: T) => string): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(nameIn(one), (counts.get(nameIn(one)) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** A service's own name, or its id where it is not among these. */
export function serviceName(serviceId: string, services: readonly Service[]): string {
  return services.find((service) => service.serviceId === serviceId)?.name ?? serviceId;
}
