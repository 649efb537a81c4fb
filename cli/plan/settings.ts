import { formatDuration } from '../policy-file/duration.ts';
import { formatActor, formatDate } from '../policy-file/values.ts';
import type { Change } from './plan-views.ts';

/**
 * Formats the changed settings, by their names in the file: `expires: 2027-01-31 → 2027-06-30`. An added or removed item shows
 * all settings except its name.
 */
export function formatSettings({
  before,
  after,
  action,
}: Pick<Change, 'before' | 'after' | 'action'>): string[] {
  const only = action === 'remove' ? before : action === 'add' ? after : undefined;
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names.flatMap((name) => {
    const [was, is] = [formatValue(name, before?.[name]), formatValue(name, after?.[name])];
    if (only)
      return only[name] === undefined || name === 'name'
        ? []
        : `${formatSettingName(name)}: ${formatValue(name, only[name])}`;
    return was === is ? [] : `${formatSettingName(name)}: ${was} → ${is}`;
  });
}

const names: Readonly<Record<string, string>> = {
  deadlineSeconds: 'deadline',
  graceSeconds: 'grace',
  endpointIds: 'endpoints',
  expiresAt: 'expires',
  contractEndsAt: 'contractEnds',
  slackChannel: 'slack.channel',
  slackUsers: 'slack.users',
};

function formatSettingName(name: string): string {
  return names[name] ?? name;
}

/** A longer text would hide the other settings. */
const longestList = 10;

function formatValue(name: string, value: unknown): string {
  if (value === undefined || value === null) return '(nothing)';
  if (Array.isArray(value)) return formatList(value.map((each) => formatValue('', each)).sort());
  if (typeof value === 'object') return Object.values(value).join(':');
  if (typeof value === 'number' && name.endsWith('Seconds')) return formatDuration(value);
  return name.endsWith('At') ? formatDate(String(value)) : formatActor(String(value));
}

function formatList(values: readonly string[]): string {
  if (values.length === 0) return '(none)';
  const more = values.length - longestList;
  return values.slice(0, longestList).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
