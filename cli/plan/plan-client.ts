import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import type { ExportedPolicy } from '../../lib/policy-as-code/export.ts';
import { CommandError } from '../command-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Session } from '../session.ts';
import {
  type Apply,
  ApplyResponse,
  Change,
  type ChangedVerdict,
  EffectPage,
  type Plan,
  PlanResponse,
  PolicyPage,
  SimulationPage,
} from './plan-views.ts';
import { listUnmanagedChanges, type PlanReport } from './report.ts';

/** The options of a plan that only a person can set. */
interface PlanOptions {
  readonly takeOwnership?: true | undefined;
  readonly allowRemovals?: true | undefined;
}

/** Creates a plan, and reads its changes and its impact on the current connections. */
export async function createPlanReport(
  document: PolicyDocument,
  { file, ...options }: PlanOptions & { readonly file: string },
  session: Session,
): Promise<PlanReport> {
  const { api, progress } = session;
  progress.report('comparing the policy with the table');
  const { plan, warnings } = await createPlan(document, options, session);
  const path = ['plans', plan.planId];
  const changes = await api.list([...path, 'changes'], 'changes', Change);
  const pages = await api.readPages([...path, 'impact'], EffectPage, {
    onPage: (read) =>
      progress.report(`looking what it would do to connections: ${countLooked(read)} looked at`),
  });
  const customers = mapPlannedCustomers(changes);
  return {
    file,
    plan,
    warnings: warnings ?? [],
    changes: changes.map((change) =>
      change.kind === 'entry' ? withCustomer(change, change.name, customers) : change,
    ),
    effects: pages
      .flatMap(({ effects }) => effects)
      .map((effect) => withCustomer(effect, effect.ownerAccountId, customers)),
  };
}

function countLooked(pages: readonly { readonly looked: number }[]): number {
  return pages.reduce((sum, { looked }) => sum + looked, 0);
}

/** Maps the customers that the plan adds or changes by account, because the API returns only stored ones. */
function mapPlannedCustomers(changes: readonly Change[]): ReadonlyMap<string, string> {
  const listAccounts = ({ after }: Change) =>
    Array.isArray(after?.accounts) ? after.accounts.map(String) : [];
  return new Map(
    changes
      .filter(({ kind }) => kind === 'customer')
      .flatMap((change) => listAccounts(change).map((accountId) => [accountId, change.name] as const)),
  );
}

function withCustomer<Row extends { readonly customer?: string | null | undefined }>(
  row: Row,
  accountId: string,
  customers: ReadonlyMap<string, string>,
): Row {
  const customer = row.customer ?? customers.get(accountId);
  return customer === undefined ? row : { ...row, customer };
}

async function createPlan(
  document: PolicyDocument,
  { takeOwnership, allowRemovals }: PlanOptions,
  { api }: Session,
) {
  try {
    const body = { document, takeOwnership, allowRemovals };
    return await api.call('POST', ['plans'], PlanResponse, { body });
  } catch (error) {
    // The arguments are valid, so the file is wrong.
    if (error instanceof CommandError && error.exitCode === exitCodes.usageError)
      throw new CommandError('failed', error.message, { code: error.code, cause: error });
    throw error;
  }
}

/** Applies a plan, in as many calls as it needs. */
export async function applyPlan({ planId }: Plan, { api, progress, output }: Session): Promise<Apply> {
  for (;;) {
    const { apply } = await api.call('POST', ['plans', planId, 'apply'], ApplyResponse);
    output.printWarnings();
    if (apply.status === 'done') return apply;
    progress.report(`${apply.done} of ${apply.of} changes are made`);
  }
}

export interface Simulation {
  /** The changes of the file, all of which the simulation applies. */
  readonly changes: readonly Change[];
  readonly requests: readonly ChangedVerdict[];
  readonly looked: number;
}

/** Lists the requests of the last 90 days that the policy would decide differently. */
export async function simulate(document: PolicyDocument, session: Session): Promise<Simulation> {
  const { api, progress } = session;
  // The simulation never applies this plan, so any number of removals is safe.
  const { plan } = await createPlan(document, { allowRemovals: true }, session);
  const path = ['plans', plan.planId];
  const changes = await api.list([...path, 'changes'], 'changes', Change);
  printUnmanagedChanges(changes, session);
  const pages = await api.readPages([...path, 'simulation'], SimulationPage, {
    onPage: (read) =>
      progress.report(`running the policy over recorded requests: ${countLooked(read)} looked at`),
  });
  const requests = pages.flatMap((page) => page.requests);
  return {
    changes,
    requests: requests.toSorted((a, b) => compareText(a.requestedAt, b.requestedAt)),
    looked: countLooked(pages),
  };
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

const longestList = 10;

function printUnmanagedChanges(changes: readonly Change[], { output }: Session): void {
  const names = listUnmanagedChanges(changes);
  if (names.length === 0) return;
  const more = names.length - longestList;
  output.printWarnings();
  output.say(
    [
      'Managed by somebody else, and simulated as they are, not as the file has them:',
      ...names.slice(0, longestList).map((name) => `    ${name}`),
      ...(more > 0 ? [`    … and ${more} more: \`linkgate plan\` shows them all`] : []),
      '',
    ].join('\n'),
  );
}

/** Reads the whole policy of the table. */
export async function readStoredPolicy({ api }: Session): Promise<ExportedPolicy> {
  const documents = (await api.readPages(['policy'], PolicyPage)).map(({ document }) => document);
  return {
    groups: documents.flatMap(({ groups }) => groups),
    services: documents.flatMap(({ services }) => services),
    customers: documents.flatMap(({ customers }) => customers),
    entries: documents.flatMap(({ entries }) => entries),
  };
}
