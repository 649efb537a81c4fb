import {
  createDefaultGroup,
  createGroupCommand,
  defaultGroup,
  groupKey,
} from '../approvers/approver-group.ts';
import type { ModeParameter } from '../mode/mode.ts';
import type { ReadDeps } from '../storage/entity.ts';
import { trackIdentity } from '../storage/table-identity.ts';

/** The store of secrets. */
export interface Secrets {
  /** @returns whether it created the secret; false if the secret exists, which it never replaces. */
  createIfMissing(name: string, value: () => string): Promise<boolean>;
  /** @returns the current value and the previous one, an empty list if there is none. */
  read(name: string): Promise<readonly string[]>;
  /**
   * Stores a new current value. The previous value stays valid until the next rotation.
   * @returns whether the value is new; false if it is already current.
   */
  rotate(name: string, value: string): Promise<boolean>;
  /** Drops the previous value. */
  dropPrevious(name: string): Promise<void>;
}

export interface SetupDeps extends ReadDeps {
  readonly secrets: Secrets;
  readonly modeParameter: ModeParameter;
  /** Creates a random signing key. */
  readonly newSigningKey: () => string;
  now(): Date;
}

/** Creates the items and secrets of a new deployment. Idempotent: it replaces none of them. */
export async function setUp(deps: SetupDeps): Promise<string[]> {
  const { table, secrets, modeParameter, newSigningKey } = deps;
  await trackIdentity(deps);
  const isNewKey = await secrets.createIfMissing('links/signing-key', newSigningKey);
  // The group is the last step and marks a finished setup: without the mode parameter the mode is observe.
  const isSetUp = (await table.get([groupKey(defaultGroup)])).length > 0;
  const isNewMode = !isSetUp && (await modeParameter.createIfMissing('enforce'));
  const isNewGroup = await createDefaultGroup(table);
  return [
    isNewKey ? 'created the signing key of links' : 'the signing key of links exists',
    ...(isNewMode ? ['set the mode to enforce'] : []),
    isNewGroup
      ? `created the approver group ${defaultGroup} without members; add one: ${createGroupCommand(defaultGroup)}`
      : `the approver group ${defaultGroup} exists`,
    'next: register a service with `linkgate service add vpce-svc-…`, and allow accounts with `linkgate allow`',
    'to notify approvers in Slack: `linkgate slack manifest` and `linkgate slack connect`; by email: `linkgate approvers set` with --email',
  ];
}
