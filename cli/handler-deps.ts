import type { Command } from 'commander';
import type { Io } from './process-io.ts';
import type { OpenSession } from './session.ts';

/** The dependencies of a handler. */
export interface HandlerDeps {
  readonly open: OpenSession;
  readonly io: Io;
}

/** Creates the action that commander calls with the arguments and options of a command. */
export type Handler = (deps: HandlerDeps) => Parameters<Command['action']>[0];
