import type { Impact } from '../../lib/policy-as-code/predict-plan-impact.ts';
import { accountLabel, serviceLabel, shortActor, time } from '../output.ts';
import type { Change, ConnectionEffect, Plan } from './plan-views.ts';
import { formatSettings } from './settings.ts';

/** A plan with its changes and its impact. */
export interface PlanReport {
  /** The file name from the command line. */
  readonly file: string;
  readonly plan: Plan;
  /** Valid settings that are probably a mistake. */
  readonly warnings: readonly string[];
  readonly changes: readonly Change[];
  readonly effects: readonly ConnectionEffect[];
}

/** `+` is added, `-` is removed, `~` is changed. */
export type ChangeSymbol = '+' | '-' | '~' | ' ';

export interface ReportLine {
  readonly sign: ChangeSymbol;
  readonly text: string;
  readonly details: readonly string[];
}

export interface ReportSection {
  readonly title: string;
  readonly lines: readonly ReportLine[];
}

const kinds: Readonly<Record<string, string>> = {
  group: 'Approvers',
  service: 'Services',
  customer: 'Customers',
  entry: 'Allowlist',
  principal: 'Allowed principals in AWS',
};

const signs: Readonly<Record<string, ChangeSymbol>> = { add: '+', remove: '-', change: '~', adopt: '~' };

/** Formats the file, and the deployment that it applies to. */
export function formatHeader({ file, plan: { stage, accountId, region } }: PlanReport): string {
  return `${file} at the stage ${stage}, account ${accountId}, Region ${region}`;
}

/** Lists the changes that an apply writes to the table, by kind. */
export function listChangeSections(changes: readonly Change[]): readonly ReportSection[] {
  const appliedChanges = changes.filter(({ action }) => action in signs);
  const byKind = Map.groupBy(appliedChanges, ({ kind }) => kind);
  return Object.entries(kinds).flatMap(([kind, title]) => {
    const lines = byKind.get(kind)?.map(formatChangeLine) ?? [];
    return lines.length > 0 ? [{ title, lines }] : [];
  });
}

function formatChangeLine(change: Change): ReportLine {
  const { action, managedBy, changedBy, note } = change;
  const previousManager =
    action === 'adopt' ? [`taken over from ${formatManager({ managedBy, changedBy })}`] : [];
  return {
    sign: signs[action] ?? ' ',
    text: formatChangeName(change),
    details: [...formatSettings(change), ...previousManager, ...(note ? [note] : [])],
  };
}

function formatChangeName({ kind, name, service, serviceId, customer }: Change): string {
  if (kind === 'service') return serviceId ? serviceLabel({ service: name, serviceId }) : name;
  if (kind !== 'entry' && kind !== 'principal') return name;
  const account = kind === 'entry' ? accountLabel(name, customer) : name;
  return `${account} at ${service === '*' ? 'every service' : service}`;
}

/** Items of other managers. An apply does not change them. */
export function listUnmanagedSections(changes: readonly Change[]): readonly ReportSection[] {
  const unmanaged = changes.filter(({ action }) => !(action in signs));
  const conflicts = unmanaged.filter(({ action }) => action === 'conflict');
  const leftChanges = unmanaged.filter(({ action, kind }) => action === 'unmanaged' && kind !== 'principal');
  const principals = unmanaged.filter(({ kind }) => kind === 'principal');
  return [
    {
      title: 'Differs from the file, not changed: managed by somebody else (--take-ownership adopts it)',
      lines: conflicts.map(formatUnmanagedLine),
    },
    {
      title: 'Not changed: managed by somebody else',
      lines: leftChanges.map((change) => ({ ...formatUnmanagedLine(change), details: listNotes(change) })),
    },
    {
      title: 'Only reported: how the allowed principals in AWS differ (`principals: managed` corrects them)',
      lines: principals.map((change) => ({
        sign: ' ' as const,
        text: formatChangeName(change),
        details: listNotes(change),
      })),
    },
  ].filter(({ lines }) => lines.length > 0);
}

/** Formats a line for each item of another manager, conflicts with the file first. */
export function listUnmanagedChanges(changes: readonly Change[]): readonly string[] {
  const unmanaged = changes.filter(({ action, kind }) => !(action in signs) && kind !== 'principal');
  return unmanaged.toSorted((a, b) => a.action.localeCompare(b.action)).map(formatUnmanagedName);
}

function formatUnmanagedName(change: Change): string {
  return `${kinds[change.kind] ?? change.kind}: ${formatChangeName(change)} (${formatManager(change)})`;
}

function formatUnmanagedLine(change: Change): ReportLine {
  return {
    sign: ' ',
    text: formatUnmanagedName(change),
    details: [...formatSettings(change), ...listNotes(change)],
  };
}

function listNotes({ note }: Change): readonly string[] {
  return note ? [note] : [];
}

function formatManager({ managedBy, changedBy }: Pick<Change, 'managedBy' | 'changedBy'>): string {
  const managerText = managedBy === 'api' ? 'another system' : managedBy === 'file' ? 'the file' : 'a person';
  return changedBy ? `${managerText}, ${shortActor(changedBy)}` : managerText;
}

interface EffectTexts {
  readonly title: string;
  readonly sum: string;
}

const textsByEffect: Readonly<Record<Impact['effect'], EffectTexts>> = {
  disconnect: { title: 'would be disconnected at once', sum: 'disconnected at once' },
  'disconnect-later': {
    title: 'would be disconnected after their grace period',
    sum: 'disconnected after a grace period',
  },
  reject: { title: 'would be rejected', sum: 'rejected' },
  ask: { title: 'would be left to people', sum: 'left to people' },
  accept: { title: 'would be accepted', sum: 'accepted' },
  hold: { title: 'would be held', sum: 'held' },
  stays: { title: 'would stay after all', sum: 'to stay after all' },
};
const effectTexts: Readonly<Record<string, EffectTexts>> = textsByEffect;

/** Formats the impact on the current connections. */
export function listEffectSections(all: readonly ConnectionEffect[]): readonly ReportSection[] {
  const byEffect = Map.groupBy(all, ({ effect }) => effect);
  return Object.entries(effectTexts).flatMap(([effect, { title }]) => {
    const lines = (byEffect.get(effect) ?? []).map(
      ({ endpointId, ownerAccountId, customer, service, state, reason, at }) => ({
        sign: ' ' as const,
        text: `${endpointId} of ${accountLabel(ownerAccountId, customer)} at ${service}, ${state}${at ? `: at ${time(at)}` : ''}`,
        details: reason === '' ? [] : [reason],
      }),
    );
    return lines.length > 0 ? [{ title: `These ${title}`, lines }] : [];
  });
}

/** `Plan: 3 to add, 1 to change, 2 to remove; connections: 1 disconnected at once` */
export function formatSummary({ plan: { summary }, effects: all }: PlanReport): string {
  const { add, change, remove, conflicts } = summary;
  const counts = [...Map.groupBy(all, ({ effect }) => effect)].map(
    ([effect, each]) => `${each.length} ${effectTexts[effect]?.sum ?? effect}`,
  );
  const changes = hasChanges(summary)
    ? `${add} to add, ${change} to change, ${remove} to remove`
    : 'nothing to change';
  const conflictsText = conflicts > 0 ? `; ${conflicts} not changed, managed by somebody else` : '';
  return `Plan: ${changes}${conflictsText}; connections: ${counts.join(', ') || 'nothing changes for them'}`;
}

export function hasChanges({ add, change, remove }: Plan['summary']): boolean {
  return add + change + remove > 0;
}

/** Formats the state of an apply that runs or was interrupted. */
export function formatInterruption({ plan: { running, interrupted } }: PlanReport): string | undefined {
  if (running) {
    const { by, at, done, of, leaseUntil } = running;
    return `An apply by ${shortActor(by)} runs since ${time(at)}; ${done} of its ${of} changes are made. No other is begun before it is done; if it broke off, after ${time(leaseUntil)}.`;
  }
  if (!interrupted) return undefined;
  const { by, at, done, of } = interrupted;
  return `An apply by ${shortActor(by)} that began on ${time(at)} broke off when ${done} of its ${of} changes were made. What is missing of it is in this plan as far as the file still wants it; applying finishes it.`;
}
