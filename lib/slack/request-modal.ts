import * as v from 'valibot';
import { needed, OptionalReason } from '../approval/approval.ts';
import type { RequestView } from '../approval/request-view.ts';
import { type Matter, matterOf } from '../approval/standing.ts';
import { type Block, checkbox, input, modal, section, textInput, type View } from './blocks.ts';
import { type Markup, markup } from './boundary.ts';
import { expiryChoices } from './buttons.ts';
import type { Typed } from './interaction.ts';

export const requestModal = 'request';

/** What a modal about one request is bound to: the click that opened it. */
const Metadata = v.object({
  decision: v.picklist(['approve', 'deny']),
  /** For how long the account is to be allowed, where it is. */
  allow: v.exactOptional(v.picklist(expiryChoices)),
  value: v.string(),
  channel: v.string(),
  ts: v.string(),
});
export type Metadata = v.InferOutput<typeof Metadata>;

export function readMetadata(sent: unknown): Metadata | undefined {
  const result = v.safeParse(Metadata, sent);
  return result.success ? result.output : undefined;
}

export function reasonInput(label: string, isOptional: boolean): Block {
  return input(label, textInput('reason', { isLong: true }), { isOptional });
}

export function ticketInput(): Block {
  return input('Ticket', textInput('ticket'));
}

/** Asks for what a decision needs beside the click. */
export function askInModal({ record, service }: RequestView, metadata: Metadata): View {
  const isDenial = metadata.decision === 'deny';
  const { title, meaning } = words[matterOf(record)][metadata.decision];
  const blocks: Block[] = [
    section(
      markup`*${isDenial ? 'Deny' : 'Approve'}* ${record.endpointId} of account ${record.ownerAccountId} at ${service.name}${meaning}`,
    ),
    ...(service.requireTicket ? [ticketInput()] : []),
    reasonInput('Reason', !isDenial),
  ];
  if (isDenial)
    blocks.push(
      input('Account', checkbox('block', `Block account ${record.ownerAccountId} at ${service.name}`), {
        isOptional: true,
      }),
      section(
        markup`A rejected endpoint stays rejected. The consumer pays for it until they delete it, so tell them; AWS does not tell them why.`,
      ),
    );
  const submit = isDenial ? 'Deny' : 'Approve';
  return modal({ title, submit, blocks, callbackId: requestModal, metadata });
}

type Words = Readonly<Record<Metadata['decision'], { readonly title: string; readonly meaning: string }>>;

const ofLive: Words = {
  approve: { title: 'Let it stay connected', meaning: ': it stays connected.' },
  deny: { title: 'Cut the connection', meaning: ': it is connected, and is cut now.' },
};

const words: Readonly<Record<Matter, Words>> = {
  request: {
    approve: { title: 'Approve the request', meaning: '' },
    deny: { title: 'Deny the request', meaning: '' },
  },
  ending: ofLive,
  doubted: ofLive,
};

const DeniedBecause = needed('reason', 'A denial needs a reason');
const Ticket = needed('ticket', 'The service wants a ticket id with each decision');

/** What is missing in a modal or too long, by the block to say it at. */
export function missingIn(
  typed: Typed,
  { needsReason, needsTicket }: { needsReason: boolean; needsTicket: boolean },
): Record<string, string> {
  const reason = v.safeParse(needsReason ? DeniedBecause : OptionalReason, typed.get('reason') ?? '');
  const ticket = v.safeParse(Ticket, typed.get('ticket') ?? '');
  return {
    ...(!reason.success && { reason: reason.issues[0].message }),
    ...((needsTicket || typed.has('ticket')) && !ticket.success && { ticket: ticket.issues[0].message }),
  };
}

/** A modal that tells what happened, in place of the one that was submitted. */
export function told(title: string, text: Markup): View {
  return modal({ title, blocks: [section(text)] });
}
