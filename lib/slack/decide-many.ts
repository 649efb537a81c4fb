import type { RequestView } from '../approval/request-view.ts';
import { standingOf } from '../approval/standing.ts';
import { counted } from '../approval/tally.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import { orReport } from '../invocation.ts';
import { type Place, placeName } from '../place.ts';
import { reasonOf } from '../policy/decide.ts';
import { joined, type Markup, markup } from './boundary.ts';
import { carryOut, type Outcome, type Saying, unreadableIn } from './outcome.ts';
import { leftAlone, nameOf } from './words.ts';

type Sayings = readonly (readonly [RequestView, Saying])[];
type Outcomes = ReadonlyMap<RequestView, Outcome>;

/**
 * Decides one request after another, as far as the time reaches, and rings once for each place in the end: a ring for each
 * request would cost much of that time.
 * @param until in milliseconds since 1970
 */
export async function decideMany(sayings: Sayings, until: number, deps: Deciding): Promise<Outcomes> {
  const places = new Map<string, Place>();
  const bell = {
    async ring(place: Place) {
      places.set(placeName(place), place);
    },
  };
  const outcomes = new Map<RequestView, Outcome>();
  for (const [view, saying] of sayings) {
    if (deps.now().getTime() > until) break;
    outcomes.set(view, await decideOne(view, saying, { ...deps, bell }));
  }
  // The decisions stand, whatever becomes of the rings: the sweep rings too.
  const rings = [...places.values()].map((place) => orReport(deps.report, () => deps.bell.ring(place)));
  await Promise.all(rings);
  return outcomes;
}

/** What breaks for one request is told, and the others go on. */
async function decideOne(view: RequestView, saying: Saying, deps: Deciding): Promise<Outcome> {
  try {
    return await carryOut(view, saying, deps);
  } catch (error) {
    deps.report(error);
    return {
      isAsSaid: false,
      answer:
        unreadableIn(error) ??
        markup`It broke on its way, and your word may be recorded all the same; look at it, or say it again.`,
    };
  }
}

/**
 * What became of what somebody said of many.
 * @param passed how many others were no longer open
 */
export function happenedIn(outcomes: Outcomes, sayings: Sayings, passed: number): Markup {
  const failed = [...outcomes].filter(([, { decided, extended }]) => !decided && !extended);
  const extended = [...outcomes.values()].filter((outcome) => outcome.extended).length;
  const extensions = sayings.filter(([, { decision }]) => decision === 'extend').length;
  const decisions = sayings.length - extensions;
  const otherwise = [...outcomes.values()].flatMap(({ decided, isAsSaid }) =>
    decided && !isAsSaid ? [decided] : [],
  );
  const decided = outcomes.size - failed.length - otherwise.length - extended;
  const left = sayings.length - outcomes.size;
  const observes = [...outcomes].some(([{ mode }, { isAsSaid }]) => mode === 'observe' && isAsSaid);
  return joined([
    ...(decisions > 0 ? [markup`*${decided} of ${decisions} decided.*`] : []),
    ...(extensions > 0 ? [markup`*${extended} of ${extensions} extended by 14 days.*`] : []),
    ...(observes ? [leftAlone] : []),
    ...counted(otherwise, howItStands).map(
      ([standing, count]) => markup`• Of ${count} your word is recorded, and they stand so: ${standing}`,
    ),
    ...(passed > 0 ? [markup`${passed} were decided meanwhile by others.`] : []),
    ...(left > 0 ? [markup`${left} were not reached in time and are as they were: submit them again.`] : []),
    ...failed.map(([{ record }, { answer }]) => markup`• ${record.endpointId}: ${answer}`),
  ]);
}

/** Where a word alone did not decide it: what else it takes, or what comes before it. */
function howItStands(record: ConnectionRecord): string {
  const { status, approvals } = standingOf(record);
  if (approvals && isOpen(record)) return `${approvals.words.length} of ${approvals.quorum} approvals`;
  return record.verdict ? `${nameOf[status]}, since ${reasonOf(record.verdict)}` : nameOf[status];
}
