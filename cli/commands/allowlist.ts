import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { shellWord } from '../../lib/values/shell-word.ts';
import { readAllPages } from '../api-client.ts';
import { Entry, EntryPage } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import { resolveExpiresAt } from '../expiry.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import { dryRun, Endpoints, formatImpact, Impact } from '../impact.ts';
import type { CommonOptions } from '../options.ts';
import { accountLabel, color, keyValues, type Output, table, time } from '../output.ts';

const EntryResponse = v.looseObject({ entry: Entry, accepts: Endpoints, ...Impact.entries });
/** `entry` is absent if an earlier try removed it. */
const RemovalResponse = v.looseObject({ ...EntryResponse.entries, entry: v.optional(Entry) });

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
    const { api, output } = await open(common);
    const path = ['allowlist', service, accountId];
    const body = { effect: 'block', owners: owner, note };
    // A failed prediction does not stop the block.
    const impact = await api.call('PUT', path, Impact, { body, query: dryRun }).catch(() => undefined);
    if (impact?.disconnects?.length) output.say(formatImpact({ disconnects: impact.disconnects }));
    const { entry, disconnects, warnings } = await api.call('PUT', path, EntryResponse, { body });
    output.result(
      { entry, disconnects },
      formatEntry(`account ${accountId} is blocked at ${formatServiceScope(service)}`, entry, output),
    );
    output.warn(warnings);
  };
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
