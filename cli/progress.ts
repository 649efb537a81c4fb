import type { Io } from './process-io.ts';

/**
 * Says on standard error what a command is doing, once that takes longer than a person waits gladly:
 * each step in a terminal, and once where it is kept in a log.
 */
export interface Progress {
  doing(what: string): void;
  end(): void;
}

const patienceMs = 2_000;

export function progressOn({ stderr, clock }: Io): Progress {
  let now = '';
  let isLate = false;
  let hasSaid = false;
  function say() {
    if (now === '' || !isLate || (hasSaid && !stderr.isTTY)) return;
    stderr.write(`${now} …\n`);
    hasSaid = true;
  }
  const end = clock.after(patienceMs, () => {
    isLate = true;
    say();
  });
  return {
    doing(what) {
      if (what === now) return;
      now = what;
      say();
    },
    end,
  };
}
