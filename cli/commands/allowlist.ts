import { Command } from 'commander';
import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/expiry.ts';
import { shellWord } from '../../lib/values/shell-word.ts';
import { everyPage } from '../api-client.ts';
import { type Connection, Entry, EntryPage, ServicePage, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { connectionsOf, isLive, namesOf, plural } from '../connections.ts';
import { expiresAt } from '../expiry.ts';
import * as take from '../options.ts';
import { color, keyValues, type Output, table, time } from '../output.ts';
import type { OpenSession, Session } from '../session.ts';

const Cuts = v.nullish(
  v.array(v.looseObject({ endpointId: v.string(), service: v.string(), at: v.string() })),
);
const Accepts = v.nullish(
  v.array(v.looseObject({ endpointId: v.string(), serviceId: v.string(), service: v.string() })),
);
const Answer = v.looseObject({ entry: Entry, disconnects: Cuts, accepts: Accepts, warnings: Warnings });
/** Without what it was, where an earlier try removed it. */
const Removed = v.looseObject({ entry: v.optional(Entry), disconnects: Cuts, warnings: Warnings });

interface EntryOptions extends take.CommonOptions {
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

export function allowlistCommands(open: OpenSession): readonly Command[] {
  return [allowCommand(open), blockCommand(open), allowlistCommand(open)];
}

function allowCommand(open: OpenSession): Command {
  return entryCommand('allow', 'let an account connect; replaces what the allowlist says of it there')
    .addOption(take.endpointOption())
    .addOption(take.consumerRegionOption())
    .addOption(take.maxEndpointsOption())
    .addOption(take.expiresOption())
    .addOption(take.roleOption())
    .addOption(take.ownerOption())
    .addOption(take.noteOption())
    .action(async (accountId: string, options: AllowOptions) => {
      const { api, output } = await open(options);
      const { service, endpoint, consumerRegion, maxEndpoints, expires, role, owner, note } = options;
      const answer = await api.call('PUT', ['allowlist', service, accountId], Answer, {
        body: {
          effect: 'allow',
          endpointIds: endpoint,
          consumerRegions: consumerRegion,
          maxEndpoints,
          expiresAt: expires && expiresAt(expires, await api.now()),
          roles: role,
          owners: owner,
          note,
        },
      });
      const { entry, disconnects, accepts, warnings } = answer;
      const told = toldOf(`account ${accountId} is allowed at ${nameOf(service)}`, entry, output);
      output.result({ entry, disconnects, accepts }, accepts ? `${told}\n${letIn(accepts)}` : told);
      output.warn(warnings);
    });
}

function letIn(accepts: Parameters<typeof namesOf>[0]): string {
  return accepts.length === 0
    ? 'nothing that waits is let in by this now'
    : `this lets in ${plural(accepts.length)} now:\n${namesOf(accepts)}`;
}

function blockCommand(open: OpenSession): Command {
  return entryCommand(
    'block',
    'reject an account whoever approves it; replaces what the allowlist says of it there',
  )
    .addOption(take.ownerOption())
    .addOption(take.noteOption())
    .addHelpText(
      'after',
      '\nWhat lives of the account there is cut at once. `linkgate lockdown` asks first, and sees it done everywhere.',
    )
    .action(async (accountId: string, { service, owner, note, ...common }: BlockOptions) => {
      const session = await open(common);
      const { api, output } = session;
      await foretell({ account: accountId, service }, session);
      const { entry, disconnects, warnings } = await api.call(
        'PUT',
        ['allowlist', service, accountId],
        Answer,
        {
          body: { effect: 'block', owners: owner, note },
        },
      );
      output.result(
        { entry, disconnects },
        toldOf(`account ${accountId} is blocked at ${nameOf(service)}`, entry, output),
      );
      output.warn(warnings);
    });
}

/** A block asks nobody, and says what it cuts before it does. It waits for nothing that fails. */
async function foretell(whose: { readonly account: string; readonly service: string }, session: Session) {
  const service = whose.service === '*' ? undefined : whose.service;
  const [theirs = [], paused = []] = await Promise.all([
    connectionsOf({ ...whose, service }, session).catch(() => undefined),
    pausedServices(session).catch(() => undefined),
  ]);
  const live = theirs.filter(isLive);
  const isKept = ({ serviceId }: Connection) => paused.includes(serviceId);
  const cut = live.filter((each) => !isKept(each));
  const kept = live.filter(isKept);
  if (cut.length > 0) session.output.say(`this cuts ${plural(cut.length)}:\n${namesOf(cut)}`);
  if (kept.length > 0)
    session.output.say(
      `this cuts ${plural(kept.length)} once the service is resumed, which is paused:\n${namesOf(kept)}`,
    );
}

async function pausedServices({ api }: Session): Promise<string[]> {
  const services = await everyPage(api, ['services'], ServicePage, (page) => page.services);
  return services.filter(({ pausedAt }) => pausedAt).map(({ serviceId }) => serviceId);
}

function removeCommand(open: OpenSession): Command {
  return entryCommand('remove', 'remove the entry of an account').action(
    async (accountId: string, { service, ...common }: EntryOptions) => {
      const { api, output } = await open(common);
      const { entry, disconnects, warnings } = await api.call(
        'DELETE',
        ['allowlist', service, accountId],
        Removed,
      );
      const before = entry ? `\nit said: ${entry.effect}` : '';
      output.result(
        { entry, disconnects },
        `the allowlist says nothing of account ${accountId} at ${nameOf(service)} any more${before}`,
      );
      output.warn(warnings);
    },
  );
}

function allowlistCommand(open: OpenSession): Command {
  return new Command('allowlist')
    .description('who is allowed and who is blocked')
    .addCommand(listCommand(open), { isDefault: true })
    .addCommand(showCommand(open))
    .addCommand(removeCommand(open));
}

function listCommand(open: OpenSession): Command {
  return take
    .command('list', 'list the entries')
    .addOption(take.serviceOption())
    .action(async ({ service, ...common }: take.CommonOptions & { readonly service?: string }) => {
      const { api, output } = await open(common);
      const entries = await everyPage(api, ['allowlist'], EntryPage, (page) => page.entries, { service });
      output.result(
        { entries },
        entries.length === 0
          ? `the allowlist ${service ? `of ${nameOf(service)} ` : ''}is empty: add an account with \`linkgate allow <accountId> --service ${service ? shellWord(service) : '<service>'}\``
          : listed(entries, output),
      );
    });
}

function showCommand(open: OpenSession): Command {
  return take
    .command('show', 'the entries of one account, at every service')
    .addArgument(take.accountArgument())
    .addOption(take.serviceOption())
    .action(
      async (account: string, { service, ...common }: take.CommonOptions & { readonly service?: string }) => {
        const { api, output } = await open(common);
        const query = { account, service };
        const entries = await everyPage(api, ['allowlist'], EntryPage, (page) => page.entries, query);
        if (entries.length === 0)
          throw new CommandError(
            'failed',
            `the allowlist has no entry of account ${account}; \`linkgate allow ${account} --service ${service ? shellWord(service) : '<service>'}\` adds one`,
          );
        output.result({ entries }, listed(entries, output));
      },
    );
}

function entryCommand(name: string, description: string): Command {
  return take
    .command(name, description)
    .addArgument(take.accountArgument())
    .addOption(take.requiredServiceOption());
}

function nameOf(service: string): string {
  return service === '*' ? 'every service' : service;
}

function toldOf(sentence: string, entry: Entry, output: Output): string {
  return [sentence, keyValues(limits(entry), output)].filter(Boolean).join('\n');
}

function listed(entries: readonly Entry[], output: Output): string {
  const rows = entries.map((entry) => ({
    cells: [nameOf(entry.service ?? entry.serviceId), entry.accountId, color(entry.effect, output.paint)],
    below: limits(entry)
      .flatMap(([label, value]) => (value ? output.paint('dim', `${label} ${value}`) : []))
      .join('; '),
  }));
  return table(['SERVICE', 'ACCOUNT', 'EFFECT'], rows, output);
}

/** A person manages what nothing else is said of. */
const managers: Readonly<Record<string, string | undefined>> = {
  file: 'the policy file',
  api: 'another system',
};

function limits({
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
