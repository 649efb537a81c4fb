import { Option } from 'commander';
import { parseDeadlineOption } from './expiry.ts';

export const onUnlistedOption = () =>
  new Option(
    '--on-unlisted <what>',
    'what to do with accounts that are not on the allowlist (default: ask)',
  ).choices(['ask', 'hold', 'reject']);

export const deadlineOption = () =>
  new Option(
    '--deadline <time>',
    'how long people have for a request, such as 7d or 36h (default: 7d)',
  ).argParser(parseDeadlineOption);

export const onExpiryOption = () =>
  new Option(
    '--on-expiry <what>',
    'what becomes of a request that nobody decided in time (default: escalate, and it stays open)',
  ).choices(['escalate', 'reject']);

export const graceOption = () =>
  new Option(
    '--grace <time>',
    'how long a connection stays after its permission has gone, such as 72h or 14d (default: 72h)',
  ).argParser(parseDeadlineOption);

export const onExternalAcceptOption = () =>
  new Option(
    '--on-external-accept <what>',
    'what to do with connections that somebody else accepted and nothing endorses (default: ask)',
  ).choices(['ask', 'disconnect', 'adopt']);

export const principalsOption = () =>
  new Option(
    '--principals <how>',
    "managed: keep AWS's allowed principals as the allowlist implies; observed: only compare (default)",
  ).choices(['observed', 'managed']);

export const otherPrincipalOption = () =>
  new Option(
    '--other-principal <principal>',
    'a principal that is allowed beside those of the allowlist; may be repeated, and replaces all that were named before',
  ).argParser((text: string, before: readonly string[] = []): readonly string[] => [...before, text]);
