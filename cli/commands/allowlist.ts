import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { shellWord } from '../../lib/values/shell-word.ts';
import { readAllPages } from '../api-client.ts';
import { type Connection, Entry, EntryPage, ServicePage, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import { resolveExpiresAt } from '../expiry.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { accountLabel, color, keyValues, type Output, table, time } from '../output.ts';
import { isConnected, readConnections } from '../read-connections.ts';
import type { Session } from '../session.ts';

const Disconnects = v.nullish(
  v.array(v.looseObject({ endpointId: v.string(), service: v.string(), at: v.string() })),
);
const Accepts = v.nullish(
  v.array(v.looseObject({ endpointId: v.string(), serviceId: v.string(), service: v.string() })),
);
const EntryResponse = v.looseObject({
  entry: Entry,
  disconnects: Disconnects,
  accepts: Accepts,
  warnings: Warnings,
});
/** `entry` is absent if an earlier try removed it. */
const RemovalResponse = v.looseObject({
  entry: v.optional(Entry),
  disconnects: Disconnects,
  warnings: Warnings,
});

interface EntryOptions extends CommonOptions {
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

export function allowAccount({ open }: HandlerDeps) {
  return async (accountId: string, options: AllowOptions) => {
    const { api, output } = await open(options);
    const { service, endpoint, consumerRegion, maxEndpoints, expires, role, owner, note } = options;
    const response = await api.call('PUT', ['allowlist', service, accountId], EntryResponse, {
      body: {
        effect: 'allow',
        endpointIds: endpoint,
        consumerRegions: consumerRegion,
        maxEndpoints,
        expiresAt: expires && resolveExpiresAt(expires, await api.now()),
        roles: role,
        owners: owner,
        note,
      },
    });
    const { entry, disconnects, accepts, warnings } = response;
    const text = formatEntry(
      `account ${accountId} is allowed at ${formatServiceScope(service)}`,
      entry,
      output,
    );
    output.result({ entry, disconnects, accepts }, accepts ? `${text}\n${formatAccepts(accepts)}` : text);
    output.warn(warnings);
  };
}

function formatAccepts(accepts: Parameters<typeof formatEndpoints>[0]): string {
  return accepts.length === 0
    ? 'this accepts no request now'
    : `this accepts ${pluralize(accepts.length)} now:\n${formatEndpoints(accepts)}`;
}

export function blockAccount({ open }: HandlerDeps) {
  return async (accountId: string, { service, owner, note, ...common }: BlockOptions) => {
    const session = await open(common);
    const { api, output } = session;
    await printDisconnects({ account: accountId, service }, session);
    const { entry, disconnects, warnings } = await api.call(
      'PUT',
      ['allowlist', service, accountId],
      EntryResponse,
      {
        body: { effect: 'block', owners: owner, note },
      },
    );
    output.result(
      { entry, disconnects },
      formatEntry(`account ${accountId} is blocked at ${formatServiceScope(service)}`, entry, output),
    );
    output.warn(warnings);
  };
}

/** Lists the connections that a block will disconnect. A failed read does not stop the block. */
async function printDisconnects(
  selector: { readonly account: string; readonly service: string },
  session: Session,
) {
  const service = selector.service === '*' ? undefined : selector.service;
  const [connections = [], pausedServiceIds = []] = await Promise.all([
    readConnections({ ...selector, service }, session).catch(() => undefined),
    readPausedServiceIds(session).catch(() => undefined),
  ]);
  const connected = connections.filter(isConnected);
  const isPaused = ({ serviceId }: Connection) => pausedServiceIds.includes(serviceId);
  const disconnectsNow = connected.filter((each) => !isPaused(each));
  const disconnectsLater = connected.filter(isPaused);
  if (disconnectsNow.length > 0)
    session.output.say(
      `this disconnects ${pluralize(disconnectsNow.length)} now:\n${formatEndpoints(disconnectsNow)}`,
    );
  if (disconnectsLater.length > 0)
    session.output.say(
      `this disconnects ${pluralize(disconnectsLater.length)} once the paused service is resumed:\n${formatEndpoints(disconnectsLater)}`,
    );
}

async function readPausedServiceIds({ api }: Session): Promise<string[]> {
  const services = await readAllPages(api, ['services'], ServicePage, (page) => page.services);
  return services.filter(({ pausedAt }) => pausedAt).map(({ serviceId }) => serviceId);
}

export function removeEntry({ open }: HandlerDeps) {
  return async (accountId: string, { service, ...common }: EntryOptions) => {
    const { api, output } = await open(common);
    const { entry, disconnects, warnings } = await api.call(
      'DELETE',
      ['allowlist', service, accountId],
      RemovalResponse,
    );
    const before = entry ? `\nit said: ${entry.effect}` : '';
    output.result(
      { entry, disconnects },
      `the allowlist says nothing of account ${accountId} at ${formatServiceScope(service)} any more${before}`,
    );
    output.warn(warnings);
  };
}

export function listEntries({ open }: HandlerDeps) {
  return async ({ service, ...common }: CommonOptions & { readonly service?: string }) => {
    const { api, output } = await open(common);
    const entries = await readAllPages(api, ['allowlist'], EntryPage, (page) => page.entries, { service });
    output.result(
      { entries },
      entries.length === 0
        ? `the allowlist ${service ? `of ${formatServiceScope(service)} ` : ''}is empty: add an account with \`linkgate allow <accountId> --service ${service ? shellWord(service) : '<service>'}\``
        : formatEntryTable(entries, output),
    );
  };
}

export function showEntries({ open }: HandlerDeps) {
  return async (account: string, { service, ...common }: CommonOptions & { readonly service?: string }) => {
    const { api, output } = await open(common);
    const query = { account, service };
    const entries = await readAllPages(api, ['allowlist'], EntryPage, (page) => page.entries, query);
    if (entries.length === 0)
      throw new CommandError(
        'failed',
        `the allowlist has no entry of account ${account}; \`linkgate allow ${account} --service ${service ? shellWord(service) : '<service>'}\` adds one`,
        { code: 'UnknownEntry' },
      );
    output.result({ entries }, formatEntryTable(entries, output));
  };
}

function formatServiceScope(service: string): string {
  return service === '*' ? 'every service' : service;
}

function formatEntry(sentence: string, entry: Entry, output: Output): string {
  return [sentence, keyValues(formatLimits(entry), output)].filter(Boolean).join('\n');
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

function formatLimits({
  endpointIds,
  consumerRegions,
  maxEndpoints,
  expiresAt,
  owners,
  roles,
  customer,
  managedBy,
  note,
}: Entry) {
  return [
    ['only', endpointIds?.join(', ')],
    ['from', consumerRegions?.join(', ')],
    ['at most', maxEndpoints ? `${maxEndpoints} endpoint${maxEndpoints === 1 ? '' : 's'}` : undefined],
    ['until', expiresAt && time(expiresAt)],
    ['by', roles?.join(', ')],
    ['owned by', owners?.join(', ')],
    ['customer', customer],
    ['managed by', managedBy && managers[managedBy]],
    ['note:', note],
  ] as const;
}
