import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { shellWord } from '../../lib/values/shell-word.ts';
import { Entry } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import { resolveExpiresAt } from '../expiry.ts';
import { Endpoints, formatImpact, Impact } from '../impact.ts';
import { accountLabel, color, keyValues, type Output, table, time } from '../output.ts';
import type { Session } from '../session.ts';

const EntryResponse = v.looseObject({ entry: Entry, accepts: Endpoints, ...Impact.entries });
/** `entry` is absent if an earlier try removed it. */
const RemovalResponse = v.partial(EntryResponse, ['entry']);

interface EntryOptions {
  readonly service: string;
}

interface BlockOptions extends EntryOptions {
  readonly owner?: readonly string[];
  readonly note?: string;
}

interface AllowOptions extends BlockOptions {
  readonly endpoint?: readonly string[];
  readonly consumerRegion?: readonly string[];
  readonly maxEndpoints?: number;
  readonly expires?: Expiry;
  readonly role?: readonly string[];
}

export async function allowAccount({ api, output }: Session, accountId: string, options: AllowOptions) {
  const { service, endpoint, consumerRegion, maxEndpoints, expires, role, owner, note } = options;
  const body = {
    effect: 'allow',
    endpointIds: endpoint,
    consumerRegions: consumerRegion,
    maxEndpoints,
    expiresAt: expires && resolveExpiresAt(expires, await api.now()),
    roles: role,
    owners: owner,
    note,
  };
  const { entry, disconnects, accepts } = await api.call(
    'PUT',
    ['allowlist', service, accountId],
    EntryResponse,
    { body },
  );
  const text = formatEntry(`account ${accountId} is allowed`, entry, options, output);
  output.result({ entry, disconnects, accepts }, accepts ? `${text}\n${formatAccepts(accepts)}` : text);
}

function formatAccepts(accepts: Parameters<typeof formatEndpoints>[0]): string {
  return accepts.length === 0
    ? 'this accepts no request now'
    : `this accepts ${pluralize(accepts.length)} now:\n${formatEndpoints(accepts)}`;
}

export async function blockAccount({ api, output }: Session, accountId: string, options: BlockOptions) {
  const { service, owner, note } = options;
  const path = ['allowlist', service, accountId];
  const body = { effect: 'block', owners: owner, note };
  // A failed prediction does not stop the block.
  const impact = await api.call('PUT', path, Impact, { body, isDryRun: true }).catch(() => undefined);
  if (impact?.disconnects?.length) output.say(formatImpact({ disconnects: impact.disconnects }));
  const { entry, disconnects } = await api.call('PUT', path, EntryResponse, { body });
  output.result(
    { entry, disconnects },
    formatEntry(`account ${accountId} is blocked`, entry, options, output),
  );
}

export async function removeEntry({ api, output }: Session, accountId: string, { service }: EntryOptions) {
  const path = ['allowlist', service, accountId];
  const { entry, disconnects } = await api.call('DELETE', path, RemovalResponse);
  const before = entry ? `\nit said: ${entry.effect}` : '';
  output.result(
    { entry, disconnects },
    `the allowlist says nothing of account ${accountId} at ${formatServiceScope(service)} any more${before}`,
  );
}

export async function listEntries({ api, output }: Session, { service }: Partial<EntryOptions>) {
  const entries = await api.list(['allowlist'], 'entries', Entry, { service });
  const scope = service ? `of ${formatServiceScope(service)} ` : '';
  output.result(
    { entries },
    entries.length === 0
      ? `the allowlist ${scope}is empty: add an account with \`${formatAllowCommand('<accountId>', service)}\``
      : formatEntryTable(entries, output),
  );
}

export async function showEntries(
  { api, output }: Session,
  account: string,
  { service }: Partial<EntryOptions>,
) {
  const entries = await api.list(['allowlist'], 'entries', Entry, { account, service });
  if (entries.length === 0)
    throw new CommandError(
      'failed',
      `the allowlist has no entry of account ${account}; \`${formatAllowCommand(account, service)}\` adds one`,
      { code: 'UnknownEntry' },
    );
  output.result({ entries }, formatEntryTable(entries, output));
}

function formatAllowCommand(account: string, service: string | undefined): string {
  return `linkgate allow ${account} --service ${service ? shellWord(service) : '<service>'}`;
}

function formatServiceScope(service: string): string {
  return service === '*' ? 'every service' : service;
}

function formatEntry(sentence: string, entry: Entry, { service }: EntryOptions, output: Output): string {
  const limits = keyValues(formatLimits(entry), output);
  return [`${sentence} at ${formatServiceScope(service)}`, limits].filter(Boolean).join('\n');
}

function formatEntryTable(entries: readonly Entry[], output: Output): string {
  const rows = entries.map((entry) => ({
    cells: [
      formatServiceScope(entry.service ?? entry.serviceId),
      accountLabel(entry.accountId, entry.customer),
      color(entry.effect, output.paint),
    ],
    below: formatLimits({ ...entry, customer: undefined })
      .flatMap(([label, value]) => (value ? output.paint('dim', `${label} ${value}`) : []))
      .join('; '),
  }));
  return table(['SERVICE', 'ACCOUNT', 'EFFECT'], rows, output);
}

/** Every other manager is a person. */
const managers: Readonly<Record<string, string | undefined>> = {
  file: 'the policy file',
  api: 'another system',
};

function formatLimits(entry: Entry) {
  const { maxEndpoints, expiresAt, managedBy } = entry;
  return [
    ['only', entry.endpointIds?.join(', ')],
    ['from', entry.consumerRegions?.join(', ')],
    ['at most', maxEndpoints ? `${maxEndpoints} endpoint${maxEndpoints === 1 ? '' : 's'}` : undefined],
    ['until', expiresAt && time(expiresAt)],
    ['by', entry.roles?.join(', ')],
    ['owned by', entry.owners?.join(', ')],
    ['customer', entry.customer],
    ['managed by', managedBy && managers[managedBy]],
    ['note:', entry.note],
  ] as const;
}
