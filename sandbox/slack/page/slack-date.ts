type Options = Intl.DateTimeFormatOptions;

const dateStyles: Readonly<Record<string, Options>> = {
  date: { month: 'long', day: 'numeric', year: 'numeric' },
  date_short: { month: 'short', day: 'numeric', year: 'numeric' },
  date_long: { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' },
};

/** Renders a date format such as `{date_short_pretty} at {time}`, as Slack's clients do in the viewer's time zone. */
export function slackDate(time: number, format: string, now: number): string {
  return format.replace(/\{(\w+)\}/g, (whole, name: string, at: number) => {
    const formatted = formatPart(time, name, now) ?? whole;
    return at === 0 ? formatted.charAt(0).toUpperCase() + formatted.slice(1) : formatted;
  });
}

function formatPart(time: number, name: string, now: number): string | undefined {
  if (name === 'time') return formatDate(time, { hour: 'numeric', minute: '2-digit' });
  if (name === 'time_secs')
    return formatDate(time, { hour: 'numeric', minute: '2-digit', second: '2-digit' });
  if (name === 'date_num') return startOfDay(time);
  if (name === 'ago') return relativeTime(time, now);
  const style = dateStyles[name.replace(/_pretty$/, '')];
  if (!style) return undefined;
  return (name.endsWith('_pretty') ? relativeDay(time, now) : undefined) ?? formatDate(time, style);
}

function relativeDay(time: number, now: number): string | undefined {
  const days: Readonly<Record<string, string>> = {
    [startOfDay(now - 86_400_000)]: 'yesterday',
    [startOfDay(now)]: 'today',
    [startOfDay(now + 86_400_000)]: 'tomorrow',
  };
  return days[startOfDay(time)];
}

function relativeTime(time: number, now: number): string {
  const minutes = Math.round((time - now) / 60_000);
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  if (Math.abs(minutes) < 60) return format.format(minutes, 'minute');
  const hours = Math.round(minutes / 60);
  return Math.abs(hours) < 24 ? format.format(hours, 'hour') : format.format(Math.round(hours / 24), 'day');
}

/** `2026-11-21` */
function startOfDay(time: number): string {
  return new Intl.DateTimeFormat('sv').format(new Date(time));
}

function formatDate(time: number, options: Options): string {
  return new Intl.DateTimeFormat('en-US', options).format(new Date(time));
}
