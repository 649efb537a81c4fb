/** The invariants of linkgate: at every step, and in the final state. */
export type Invariant =
  | 'one run at a time changes EC2'
  | 'linkgate changes EC2 only in mode enforce, as read right before'
  | 'linkgate calls EC2 only for a pending effect at a registered service'
  | 'linkgate calls EC2 only for the current verdict of policy or of a person, as read right before'
  | 'policy accepts no more endpoints of an account than its entry allows'
  | 'linkgate disconnects only connections that it accepted, or whose disconnect it scheduled'
  | 'linkgate does not report its own accept as an external one'
  | 'no allowed connection is disconnected'
  | 'policy disconnects nothing before its grace period has passed in the current table'
  | 'policy disconnects no more in 24 hours than its quota'
  | 'nothing is disconnected at a paused service'
  | 'a blocked connection is disconnected at once'
  | 'a connection without permission has a scheduled disconnect or awaits approval'
  | 'an allowed connection has no scheduled disconnect'
  | 'each scheduled re-evaluation has a pointer'
  | 'audit entries are only ever added, in order'
  | 'each audit event is recorded once'
  | 'each decision in the audit trail was made by its actor'
  | 'one decision closes a request'
  | 'an approval needs its quorum'
  | 'responses to people match the recorded decisions'
  | 'only current approvers decide'
  | 'nobody approves a request of an account that they own'
  | 'nobody decides by a message that another one replaced'
  | 'a message shows a connection as connected only after EC2 shows it'
  | 'approvers are not reminded of a decided request'
  | 'each request that awaits approval has a pointer'
  | 'each pending effect has a pointer'
  | 'attributes of a newer version are kept'
  | 'items of a newer major version are not changed'
  | 'the history ends'
  | 'the state becomes final'
  | 'no effect stays pending'
  | 'every audit trail is complete'
  | 'every record has the state that EC2 shows'
  | 'every pending connection has a current verdict'
  | 'a pending connection waits only by policy'
  | 'no request waits for its endpoint limit while endpoints are free'
  | 'every connection newer than its registration has a verdict'
  | 'a connection that contradicts its verdict has a scheduled disconnect'
  | 'a late accept against the verdict is corrected'
  | 'the counted endpoints are the connected ones'
  | 'unreadable items are reported'
  | 'approvers are notified of each request that awaits approval'
  | 'a request has one message with buttons'
  | 'each message shows the recorded state'
  | 'no request waits beyond its deadline at a service that rejects on expiry';

/** An invariant does not hold. */
export class BrokenInvariantError extends Error {
  override readonly name = 'BrokenInvariantError';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

/** Records a broken invariant unless `holds`. */
export type AssertInvariant = (invariant: Invariant, holds: boolean, detail: string) => void;
