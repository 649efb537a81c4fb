import { closedBy } from '../../lib/api/answers.ts';
import { type Approval, heardIn } from '../../lib/approval/approval.ts';
import type { PersonsDecision, Word } from '../../lib/approval/decide-by-person.ts';
import type { ConnectionRecord } from '../../lib/connection/connection-record.ts';
import { agrees } from '../../lib/policy/decide.ts';
import type { MustHold } from './promises.ts';

/** Who said what of a request. */
export interface Spoken extends Pick<Word, 'by' | 'decision'> {
  readonly endpointId: string;
}

/** Watches what people say and what they are told. */
export function watchPeople(mustHold: MustHold) {
  const spoken: Spoken[] = [];

  function toldToHaveDecided(
    record: ConnectionRecord | undefined,
    { endpointId, by, decision }: Spoken,
  ): void {
    const { approval, approvals } = heardIn(record);
    const words: readonly Approval[] = [...(approvals?.words ?? []), ...(approval ? [approval] : [])];
    mustHold(
      'people are told what is so',
      words.some((word) => word.by === by && word.decision === decision),
      `${by} is told to have decided ${endpointId}, where ${approval?.by} has`,
    );
  }

  function toldWhyNotOpen(
    record: ConnectionRecord | undefined,
    { endpointId, by }: Spoken,
    result: Extract<PersonsDecision, { status: 'not-open' }>,
  ): void {
    const { approval, verdict } = record ?? {};
    const isSettled = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
    const isOverruled = approval && isSettled && !agrees(verdict, approval);
    const closed = closedBy(result);
    mustHold(
      'people are told what is so',
      closed.by !== undefined || closed.state !== 'pendingAcceptance',
      `${by} is told why ${endpointId} is not open`,
    );
    mustHold(
      'people are told what is so',
      approval === undefined || closed.by === (isOverruled ? 'linkgate' : approval.by),
      `${by} is told that ${approval?.by} decided ${endpointId}, and not that ${closed.by ?? closed.state} did`,
    );
  }

  return {
    speaks(word: Spoken): void {
      spoken.push(word);
    },
    wasSaid: ({ endpointId, by, decision }: Spoken): boolean =>
      spoken.some((word) => word.endpointId === endpointId && word.by === by && word.decision === decision),
    told(word: Spoken, result: PersonsDecision, record: ConnectionRecord | undefined): void {
      if (result.status === 'decided') toldToHaveDecided(record, word);
      if (result.status === 'not-open') toldWhyNotOpen(record, word, result);
    },
  };
}
