import type { Command } from 'commander';
import type { Io } from './process-io.ts';
import type { OpenSession } from './session.ts';

/** What a handler needs of the world. */
export interface HandlerDeps {
  readonly open: OpenSession;
  readonly io: Io;
}

/** Makes what commander calls with the arguments and the options of a command. */
export type Handler = (deps: HandlerDeps) => Parameters<Command['action']>[0];
