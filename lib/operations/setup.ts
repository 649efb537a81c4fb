import {
  createDefaultGroup,
  createGroupCommand,
  defaultGroup,
  groupKey,
} from '../approvers/approver-group.ts';
import type { ModeParameter } from '../mode/mode.ts';
import type { ReadDeps } from '../storage/entity.ts';
import { trackIdentity } from '../storage/table-identity.ts';

/** Where secrets are kept. */
export interface Secrets {
  /** @returns whether it was made now; false when there is one, which is never replaced. */
  createIfMissing(name: string, value: () => string): Promise<boolean>;
  /** The current value and the one before; nothing where there is none. */
  read(name: string): Promise<readonly string[]>;
  /**
   * Makes a value the current one; the one that was current still counts until the next.
   * @returns whether it is new; false when it was current already.
   */
  rotate(name: string, value: string): Promise<boolean>;
  /** The current value alone counts from now on. */
  dropPrevious(name: string): Promise<void>;
}

export interface SetupDeps extends ReadDeps {
  readonly secrets: Secrets;
  readonly modeParameter: ModeParameter;
  /** A new key, unguessable. */
  readonly newSigningKey: () => string;
  now(): Date;
}

/** What a deployment needs once, after it was made. May be repeated: what is there stays. */
export async function setUp(deps: SetupDeps): Promise<string[]> {
  const { table, secrets, modeParameter, newSigningKey } = deps;
  await trackIdentity(deps);
  const isNewKey = await secrets.createIfMissing('links/signing-key', newSigningKey);
  // The group is made last: where it is there linkgate was set up, and a mode that is gone since means observe.
  const isSetUp = (await table.get([groupKey(defaultGroup)])).length > 0;
  const isNewMode = !isSetUp && (await modeParameter.createIfMissing('enforce'));
  const isNewGroup = await createDefaultGroup(table);
  return [
    isNewKey ? 'made the key that signs links' : 'the key that signs links was there',
    ...(isNewMode ? ['set the mode to enforce'] : []),
    isNewGroup
      ? `made the approver group ${defaultGroup}, which names nobody yet: ${createGroupCommand(defaultGroup)}`
      : `the approver group ${defaultGroup} was there`,
    'next: register a service with `linkgate service add vpce-svc-…`, and allow who may connect with `linkgate allow`',
    'to ask people in Slack: `linkgate slack manifest` and `linkgate slack connect`; by mail: `linkgate approvers set` with --email',
  ];
}
