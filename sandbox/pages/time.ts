/** `30 November 2026, 07:50 UTC` */
export function formatTime(time: number): string {
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `${day.format(time).replace(' at ', ', ')} UTC`;
}
