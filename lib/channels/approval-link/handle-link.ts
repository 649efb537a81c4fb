import { approvalView } from '../../approvals/approval-view.ts';
import { extendAsRecorded } from '../../approvals/decide-connected-by-person.ts';
import { type SubmittedDecision, submitStoredDecision } from '../../approvals/submit-decision.ts';
import { emailActor } from '../../approvers/actor.ts';
import { UnknownGroupError } from '../../approvers/approver-group.ts';
import type { Mode } from '../../mode/mode.ts';
import { NotAuthorizedError } from '../../policy/authorize.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { type Secret, verifiedBy } from '../../runtime/secret.ts';
import { OptimisticLockError } from '../../storage/optimistic-lock.ts';
import { type FormValues, readForm } from './form.ts';
import { type Link, type LinkClaims, readLink } from './link.ts';
import { linkRejection, notOpenPage } from './link-rejection.ts';
import type { PageResult } from './page-result.ts';
import { requestPage } from './request-page.ts';
import * as pages from './result-pages.ts';

export interface LinkDeps extends DecideDeps {
  /** `links/signing-key` */
  readonly signingKey: Secret;
}

/**
 * Shows whoever follows a link the request as it is, or writes their word down.
 * @param entered what they sent with the form; absent where they only look, which changes nothing.
 */
export async function handleLink(
  token: string,
  entered: FormValues | undefined,
  deps: LinkDeps,
): Promise<PageResult> {
  const link = await verified(token, deps);
  if (link.status === 'tampered') return { outcome: 'tampered', page: pages.invalidSignaturePage() };
  const { claims } = link;
  const answer =
    link.status === 'expired'
      ? ({ outcome: 'expired', page: pages.linkExpiredPage(claims) } as const)
      : await answerClaims(claims, entered, deps);
  return { ...answer, claims };
}

async function verified(token: string, { signingKey, now }: LinkDeps): Promise<Link> {
  const link = await verifiedBy(signingKey, (keys) => {
    const read = readLink(token, keys, now());
    return read.status === 'tampered' ? undefined : read;
  });
  return link ?? { status: 'tampered' };
}

async function answerClaims(
  claims: LinkClaims,
  entered: FormValues | undefined,
  deps: LinkDeps,
): Promise<PageResult> {
  const view = await approvalView(claims.endpointId, deps);
  if (!view) return { outcome: 'unknown', page: pages.unknownRequestPage(claims) };
  const refusal = linkRejection(view, claims);
  if (refusal) return refusal;
  const now = deps.now();
  if (!entered) return { outcome: 'shown', page: requestPage(view, claims, now) };

  const { purpose, address } = claims;
  const form = readForm(entered, purpose, view.service, now);
  if ('problems' in form)
    return { outcome: 'incomplete', page: requestPage(view, claims, now, { entered, ...form }) };
  const by = emailActor(address);
  return unlessOvertaken(() =>
    purpose === 'extend'
      ? extend(claims, { by, reason: form.word.reason }, deps)
      : decide(claims, { ...form.word, decision: purpose, by }, view.mode, deps),
  );
}

async function unlessOvertaken(answer: () => Promise<PageResult>): Promise<PageResult> {
  try {
    return await answer();
  } catch (error) {
    if (overtakes.some((kind) => error instanceof kind))
      return { outcome: 'overtaken', page: pages.decidedConcurrentlyPage() };
    throw error;
  }
}

async function extend(
  claims: LinkClaims,
  { by, reason }: { readonly by: string; readonly reason: string | undefined },
  deps: LinkDeps,
): Promise<PageResult> {
  const { endpointId, disconnectAt: from = '' } = claims;
  const answer = await extendAsRecorded(
    endpointId,
    { by, from, ...(reason !== undefined && { reason }) },
    deps,
  );
  if (answer.status === 'done') return { outcome: 'decided', page: pages.extended(answer.record) };
  return answer.status === 'not-revoking'
    ? { outcome: 'superseded', page: pages.notExtended(answer.record) }
    : { outcome: 'unknown', page: pages.unknownRequestPage(claims) };
}

async function decide(
  claims: LinkClaims,
  word: SubmittedDecision,
  mode: Mode,
  deps: LinkDeps,
): Promise<PageResult> {
  const decision = await submitStoredDecision(claims.endpointId, word, deps);
  if (decision.status === 'decided')
    return {
      outcome: 'decided',
      page: pages.decisionRecordedPage(decision, { isObserving: mode === 'observe' }),
    };
  const record = decision.status === 'not-open' ? decision.record : undefined;
  return (
    (record && notOpenPage(record, claims)) ?? { outcome: 'unknown', page: pages.unknownRequestPage(claims) }
  );
}

/** What changed since the request was looked at: who looks again is told. */
const overtakes = [OptimisticLockError, NotAuthorizedError, UnknownGroupError];
