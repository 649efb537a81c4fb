/** The invariants of linkgate: at every step, and in the final state. */
export type Invariant =
  | 'EC2 is changed by one run at a time'
  | 'EC2 is changed only where the mode is act, as read right before'
  | 'EC2 is asked only for what is due at a registered service'
  | 'EC2 is asked only for what policy or a person wants, as read right before'
  | 'policy accepts no more endpoints of an account than its entry counts'
  | 'nothing is cut that lives, and that linkgate did not ask to accept or announce to cut'
  | 'nobody else is said to have accepted what linkgate asked for'
  | 'nothing is cut that is endorsed'
  | 'nothing is cut by policy before it was announced in this table for its grace period'
  | 'policy cuts no more in 24 hours than its budget'
  | 'nothing is cut during a pause'
  | 'what is blocked is cut at once'
  | 'what lives without permission is announced, asked about or cut'
  | 'what is endorsed stays'
  | 'what has a time is pointed at'
  | 'audit entries are only ever added, in order'
  | 'what happened is audited once'
  | 'who has decided by the audit has said so'
  | 'one decision closes a request'
  | 'it takes a quorum to approve'
  | 'people are told what is so'
  | 'nobody decides who is no approver at that moment'
  | 'nobody approves what their own account asks for'
  | 'nobody decides by a message that linkgate does not remember'
  | 'people are told that it is connected only where EC2 has shown it'
  | 'nobody is called upon for what is decided'
  | 'what waits for a group is pointed at'
  | 'what is due is pointed at'
  | 'what a newer version added is kept'
  | 'what only a newer version can read is left alone'
  | 'it comes to rest'
  | 'nothing that is due is left undone'
  | 'every audit trail is whole'
  | 'every connection is remembered as EC2 shows it'
  | 'every pending connection has a current verdict'
  | 'what is pending waits by policy'
  | 'nobody waits for an endpoint to end where there is room'
  | 'every connection newer than its registration has a verdict'
  | 'nothing lives against its verdict without a word'
  | 'what linkgate accepted late against its verdict is put right'
  | 'what counts is what lives'
  | 'what cannot be read is told of'
  | 'approvers are told of each request that waits for them'
  | 'a request has one message with buttons'
  | 'what is shown is what is recorded'
  | 'nothing waits beyond its deadline where its service rejects what expires';

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
export type AssertInvariant = (promise: Invariant, holds: boolean, detail: string) => void;
