import { type AllowlistEntry, allServicesScope } from '../allowlist/entry.ts';
import { shellWord } from '../values/shell-word.ts';
import { formatTime } from '../values/styled-text.ts';

/** Describes an allowlist entry, even an expired one. */
export function entryText(entry: AllowlistEntry): string {
  const scopeText = entry.serviceId === allServicesScope ? 'at every service' : 'at this service';
  return `Its allowlist entry ${scopeText}: ${entryTermsText(entry)}${entry.note ? ` (“${entry.note}”)` : ''}.`;
}

/** Describes the entry that an approval of the account at the service replaces. An approval does not replace a block. */
export function replacedEntryText(entries: readonly AllowlistEntry[]): string[] {
  const entry = entries.find(({ serviceId }) => serviceId !== allServicesScope) ?? entries[0];
  if (entry?.effect !== 'allow') return [];
  return entry.serviceId === allServicesScope
    ? [`At this service it replaces the entry at every service: ${entryTermsText(entry)}.`]
    : [`It replaces the current entry: ${entryTermsText(entry)}.`];
}

/** Describes the effect and the limits of an entry. */
function entryTermsText({
  effect,
  endpointIds,
  consumerRegions,
  maxEndpoints,
  expiresAt,
}: AllowlistEntry): string {
  return [
    effect,
    ...(endpointIds ? [`for ${endpointCountText(endpointIds.length)} alone`] : []),
    ...(consumerRegions ? [`only in ${consumerRegions.join(', ')}`] : []),
    ...(maxEndpoints !== undefined ? [`at most ${endpointCountText(maxEndpoints)}`] : []),
    ...(expiresAt !== undefined ? [`until ${formatTime(expiresAt)}`] : []),
  ].join(', ');
}

/** Selects the attributes of an entry by the options of `linkgate allow`. */
function selectAllowOptions(entry: AllowlistEntry) {
  const { endpointIds, consumerRegions, maxEndpoints, expiresAt, roles, owners, note } = entry;
  return {
    endpoint: endpointIds ?? [],
    'consumer-region': consumerRegions ?? [],
    'max-endpoints': maxEndpoints === undefined ? [] : [String(maxEndpoints)],
    expires: expiresAt === undefined ? [] : [expiresAt],
    role: roles ?? [],
    owner: owners ?? [],
    note: note === undefined ? [] : [note],
  };
}

type AllowCommandOptions = Readonly<Record<keyof ReturnType<typeof selectAllowOptions>, readonly string[]>>;

/**
 * Builds the command that writes an entry with changed options. It repeats all other options, because `allow` replaces the whole
 * entry.
 */
export function allowCommand(
  entry: AllowlistEntry,
  serviceName: string,
  changed: Partial<AllowCommandOptions>,
): string {
  const options = Object.entries<readonly string[]>({ ...selectAllowOptions(entry), ...changed });
  const optionArguments = options.flatMap(([name, values]) =>
    values.map((value) => `--${name} ${shellWord(value)}`),
  );
  const at = shellWord(entry.serviceId === allServicesScope ? allServicesScope : serviceName);
  return ['linkgate allow', entry.accountId, `--service ${at}`, ...optionArguments].join(' ');
}

function endpointCountText(count: number): string {
  return count === 1 ? '1 endpoint' : `${count} endpoints`;
}
