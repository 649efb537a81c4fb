import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { accepted } from './accepted.ts';
import { cut } from './cut.ts';
import { expiring } from './expiring.ts';
import { putOff } from './put-off.ts';
import { received } from './received.ts';
import { rejected } from './rejected.ts';
import { stays } from './stays.ts';
import { waiting } from './waiting.ts';
import { willBeCut } from './will-be-cut.ts';

/** What the contact of a consumer is told, by what happened. The words are yours to change. */
export const consumerMessages: ConsumerMessages = {
  received,
  waiting,
  accepted,
  rejected,
  'will-be-cut': willBeCut,
  'put-off': putOff,
  stays,
  expiring,
  cut,
};
