import { mailActor } from '../approval/actor.ts';
import { UnknownGroupError } from '../approval/approver-group.ts';
import { decideAsRecorded, type Word } from '../approval/decide-by-person.ts';
import { MayNotDecideError } from '../approval/may-decide.ts';
import { requestView } from '../approval/request-view.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import type { Mode } from '../mode/mode.ts';
import { extendAsRecorded } from '../revocation/by-person.ts';
import { provenBy, type Secret } from '../secret.ts';
import { ContendedError } from '../table/contention.ts';
import type { Answer } from './answer.ts';
import { type Entered, readForm } from './form.ts';
import { type Link, type LinkClaims, readLink } from './link.ts';
import * as pages from './outcome-pages.ts';
import { notOpen, refusalOf } from './refusal.ts';
import { requestPage } from './request-page.ts';

export interface Answering extends Deciding {
  /** `links/signing-key` */
  readonly signingKey: Secret;
}

/**
 * Shows whoever follows a link the request as it is, or writes their word down.
 * @param entered what they sent with the form; absent where they only look, which changes nothing.
 */
export async function answerLink(
  token: string,
  entered: Entered | undefined,
  deps: Answering,
): Promise<Answer> {
  const link = await verified(token, deps);
  if (link.status === 'tampered') return { outcome: 'tampered', page: pages.tampered() };
  const { claims } = link;
  const answer =
    link.status === 'expired'
      ? ({ outcome: 'expired', page: pages.expired(claims) } as const)
      : await answerClaims(claims, entered, deps);
  return { ...answer, claims };
}

async function verified(token: string, { signingKey, now }: Answering): Promise<Link> {
  const link = await provenBy(signingKey, (keys) => {
    const read = readLink(token, keys, now());
    return read.status === 'tampered' ? undefined : read;
  });
  return link ?? { status: 'tampered' };
}

async function answerClaims(
  claims: LinkClaims,
  entered: Entered | undefined,
  deps: Answering,
): Promise<Answer> {
  const view = await requestView(claims.endpointId, deps);
  if (!view) return { outcome: 'unknown', page: pages.unknown(claims) };
  const refusal = refusalOf(view, claims);
  if (refusal) return refusal;
  const now = deps.now();
  if (!entered) return { outcome: 'shown', page: requestPage(view, claims, now) };

  const { purpose, address } = claims;
  const form = readForm(entered, purpose, view.service, now);
  if ('problems' in form)
    return { outcome: 'incomplete', page: requestPage(view, claims, now, { entered, ...form }) };
  const by = mailActor(address);
  return unlessOvertaken(() =>
    purpose === 'extend'
      ? extend(claims, { by, reason: form.word.reason }, deps)
      : decide(claims, { ...form.word, decision: purpose, by }, view.mode, deps),
  );
}

async function unlessOvertaken(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (overtakes.some((kind) => error instanceof kind))
      return { outcome: 'overtaken', page: pages.overtaken() };
    throw error;
  }
}

async function extend(
  claims: LinkClaims,
  { by, reason }: { readonly by: string; readonly reason: string | undefined },
  deps: Answering,
): Promise<Answer> {
  const { endpointId, cutAt: from = '' } = claims;
  const answer = await extendAsRecorded(
    endpointId,
    { by, from, ...(reason !== undefined && { reason }) },
    deps,
  );
  if (answer.status === 'done') return { outcome: 'decided', page: pages.extended(answer.record) };
  return answer.status === 'not-revoking'
    ? { outcome: 'superseded', page: pages.notExtended(answer.record) }
    : { outcome: 'unknown', page: pages.unknown(claims) };
}

async function decide(claims: LinkClaims, word: Word, mode: Mode, deps: Answering): Promise<Answer> {
  const decision = await decideAsRecorded(claims.endpointId, word, deps);
  if (decision.status === 'decided')
    return { outcome: 'decided', page: pages.decided(decision, { isObserving: mode === 'observe' }) };
  const record = decision.status === 'not-open' ? decision.record : undefined;
  return (record && notOpen(record, claims)) ?? { outcome: 'unknown', page: pages.unknown(claims) };
}

/** What changed since the request was looked at: who looks again is told. */
const overtakes = [ContendedError, MayNotDecideError, UnknownGroupError];
