import { emailActor, slackActor } from '../../lib/approvers/actor.ts';
import { handleLink } from '../../lib/channels/approval-link/handle-link.ts';
import { verifyToken } from '../../lib/channels/approval-link/link.ts';
import { actionIds, parseButtonEndpointId } from '../../lib/channels/slack/actions.ts';
import type { Block, ModalView } from '../../lib/channels/slack/blocks.ts';
import { handleDigestAction, handleDigestSubmission } from '../../lib/channels/slack/digest-actions.ts';
import type { BlockAction, ViewSubmission } from '../../lib/channels/slack/interaction.ts';
import { handleRequestAction, handleRequestSubmission } from '../../lib/channels/slack/request-actions.ts';
import { requestModalCallbackId } from '../../lib/channels/slack/request-modal.ts';
import { extractTokens, linkKey } from './fake-mail.ts';
import type { AttemptedDecision, PersonResponse } from './invariant-checks/decisions.ts';
import type { Watch } from './invariant-checks/index.ts';
import type { Run } from './invocations.ts';
import type { LinkgateUnderTest, SimulationDeps } from './linkgate.ts';
import { type Button, listButtons, type SlackMessage } from './slack.ts';

const team = 'T01LOCAL';
export const slackApprovers = [
  { team, user: 'U01ALICE' },
  { team, user: 'U01BOB' },
];
export const addresses = ['alice@example.com', 'bob@example.com', 'carol@example.com'];
const [alice, bob] = slackApprovers.map(slackActor) as [string, string];
const carol = slackActor({ team, user: 'U01CAROL' });
/** A guest of another team with Alice's user id. */
const mallory = slackActor({ team: 'T02OTHER', user: 'U01ALICE' });
/** All people in the channel. */
export const everybody = [alice, bob, carol, mallory];
/** All possible approvers in Slack and by email. */
export const outsideTheApi = [alice, bob, ...addresses.map(emailActor)];

const formInput = { reason: 'because', ticket: 'CHG-1' };

/** The steps of approvers in Slack and by email links. */
export function createApproverSteps(deps: SimulationDeps, linkgate: LinkgateUnderTest, watch: Watch) {
  const { random, scheduler, invocations, note, slack, mailbox, faults } = deps;
  let triggers = 0;

  /** @param work returns the response to the person. */
  async function runAttempt(
    functionName: 'on-slack-interaction' | 'on-approval-link',
    description: string,
    attempt: AttemptedDecision,
    work: (deps: ReturnType<typeof createReceiverDeps>) => Promise<PersonResponse>,
  ): Promise<void> {
    note(attempt.by, description);
    const since = scheduler.now();
    let attemptRun: Run | undefined;
    const result = await invocations.invoke(functionName, 10, (run) => {
      attemptRun = run;
      watch.recordAttempt(run, attempt);
      return work(createReceiverDeps(run));
    });
    if (attemptRun && result.status === 'done')
      watch.checkPersonResponse(attemptRun, attempt, since, result.output);
  }

  /** The dependencies of a receiver, which has no access to EC2. */
  function createReceiverDeps(run: Run) {
    const { connectionsClient: _connectionsIn, ...deps } = linkgate.wire(run);
    return { ...deps, slack: slack.createApi(run), signingKey: mailbox.signingKey };
  }

  /** @param thinksFor the milliseconds to fill in the form, if one opens. */
  async function click(
    by: string,
    { channel, ts }: SlackMessage,
    { actionId, value }: Button,
    thinksFor = random.below(20_000),
  ): Promise<void> {
    const triggerId = String(++triggers);
    const clicked: BlockAction = {
      kind: 'click',
      actor: by,
      actionId,
      value,
      triggerId,
      responseUrl: undefined,
      message: { channel, ts },
      fieldValues: new Map([[actionIds.expiry, random.pick(['permanent', '7'])]]),
    };
    const isDigest = actionId.startsWith(actionIds.digestPrefix);
    const onClick = isDigest ? handleDigestAction : handleRequestAction;
    const attempt = isDigest ? { by } : { by, endpointId: parseButtonEndpointId(value), ts };
    await runAttempt(
      'on-slack-interaction',
      `clicks ${actionId} of ${value} in ${ts}`,
      attempt,
      async (deps) => {
        const { markup: text = '' } = (await onClick(clicked, deps)) ?? {};
        if (isDigest) return countDecisions(text);
        return {
          decidedCount: /^You (approved|denied|kept|disconnected) the /.test(text) ? 1 : 0,
          isTooLate: text.startsWith('This request is no longer open'),
        };
      },
    );
    const view = slack.findView(triggerId);
    if (!view) return;
    await scheduler.sleep(thinksFor);
    await submit(attempt, view);
  }

  function submit(attempt: AttemptedDecision, view: ModalView): Promise<void> {
    const isRequestForm = view.callback_id === requestModalCallbackId;
    const submission: ViewSubmission = {
      kind: 'submission',
      actor: attempt.by,
      callbackId: String(view.callback_id),
      metadata: String(view.private_metadata),
      fieldNames: new Set(listInputElements(view).map(({ action_id: field }) => String(field))),
      fieldValues: new Map([...Object.entries(formInput), ...pickOptions(view, isRequestForm ? 0.2 : 0.5)]),
    };
    const onSubmission = isRequestForm ? handleRequestSubmission : handleDigestSubmission;
    return runAttempt('on-slack-interaction', 'submits a form', attempt, async (deps) => {
      const response = await onSubmission(submission, deps);
      const text = JSON.stringify(response) ?? '';
      const isConfirmed = response === undefined || text.includes('"Decision recorded"');
      return isConfirmed
        ? { decidedCount: 1, isTooLate: false }
        : {
            ...countDecisions(text),
            isTooLate: isRequestForm && text.includes('This request is no longer open'),
          };
    });
  }

  /** Counts the decisions of a digest's result. */
  function countDecisions(text: string): PersonResponse {
    const sum = (pattern: RegExp, count: (match: string[]) => number) =>
      [...text.matchAll(pattern)].reduce((total, match) => total + count(match), 0);
    return {
      decidedCount: sum(/\*(\d+) of \d+ decided|recorded your decision for (\d+)\./g, ([, all, some]) =>
        Number(all ?? some),
      ),
      unknownCount: sum(
        /(?: and (\d+) more)?: linkgate failed\. Your decision may be recorded/g,
        ([, more]) => 1 + Number(more ?? 0),
      ),
      isTooLate: false,
    };
  }

  function listInputElements(view: ModalView): Block[] {
    return (view.blocks as readonly Block[]).flatMap(({ element }) => (element ? [element as Block] : []));
  }

  /** Chooses options of selects, each with the probability of `rate`. */
  function pickOptions(view: ModalView, rate: number): [string, string][] {
    return listInputElements(view)
      .filter(({ options }) => options !== undefined && random.chance(rate))
      .map(({ action_id: field, options }) => [
        String(field),
        random.pick(options as readonly { value: string }[]).value,
      ]);
  }

  return {
    click,
    steps: {
      'person clicks'() {
        const clickable = slack.messages().filter((message) => listButtons(message).length > 0);
        const newest = clickable.at(-1);
        if (!newest) return;
        const message = random.chance(0.5) ? newest : random.pick(clickable);
        const people = random.chance(0.4) ? [alice, bob] : [random.pick(everybody)];
        if (people.length > 1) faults.count('two deciders at once');
        for (const by of people) void click(by, message, random.pick(listButtons(message)));
      },
      'email link opened'() {
        const withLinks = mailbox.received().filter((mail) => extractTokens(mail).length > 0);
        if (withLinks.length === 0) return;
        const mail = random.pick(withLinks);
        const token = random.pick(extractTokens(mail));
        const link = verifyToken(token, [linkKey], new Date(scheduler.now()));
        if (link.status === 'invalid-signature') return;
        const { endpointId } = link.claims;
        const input = random.chance(0.8) ? formInput : undefined;
        const attempt = { by: emailActor(mail.address), endpointId };
        const description = `${input ? 'answers' : 'looks at'} the mail about ${endpointId}`;
        void runAttempt('on-approval-link', description, attempt, async (deps) => {
          const { outcome } = await handleLink(token, input, deps);
          const isDecision = outcome === 'decided' && link.claims.purpose !== 'extend';
          return { decidedCount: isDecision ? 1 : 0, isTooLate: outcome === 'already-decided' };
        });
      },
      'Slack unavailable'() {
        const minutes = random.pick([1, 10, 60]);
        note('Slack', `is away for ${minutes} min`);
        slack.goAway(minutes * 60_000);
      },
    },
  };
}
