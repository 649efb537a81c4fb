/** linkgate's app, as installed in its team. */
export const app = {
  id: 'A01LINKGATE',
  team: 'T01LOCAL',
  botUser: 'U01LINKGATE',
  name: 'linkgate',
  scopes: ['chat:write', 'commands'],
  command: '/linkgate',
} as const;

export interface User {
  readonly id: string;
  readonly team: string;
  readonly name: string;
  readonly about: string;
}

/** The users of the workspace. Mallory is a guest in a channel that is shared with her team. */
export const users: readonly User[] = [
  { id: 'U01ALICE', team: 'T01LOCAL', name: 'Alice', about: 'approver' },
  { id: 'U01BOB', team: 'T01LOCAL', name: 'Bob', about: 'approver' },
  { id: 'U01CAROL', team: 'T01LOCAL', name: 'Carol', about: 'no approver' },
  { id: 'U01MALLORY', team: 'T02OTHER', name: 'Mallory', about: 'guest' },
];

/** The user of an interaction. */
export interface Person {
  readonly user: string;
  readonly team: string;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  /** The teams whose members see the channel. */
  readonly teams: readonly string[];
}

export const channels: readonly Channel[] = [
  { id: 'C01APPROVALS', name: 'approvals', teams: ['T01LOCAL', 'T02OTHER'] },
  { id: 'C01OPS', name: 'ops', teams: ['T01LOCAL'] },
];

export function findChannel(id: string): Channel | undefined {
  return channels.find((channel) => channel.id === id);
}

/** Returns the name of a user, or the id of an unknown one. */
export function userName(userId: string): string {
  if (userId === app.botUser) return app.name;
  return users.find(({ id }) => id === userId)?.name ?? userId;
}
