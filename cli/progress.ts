import type { World } from './world.ts';

/** Says on standard error what a command is doing, once that takes longer than a person waits gladly. */
export interface Progress {
  doing(what: string): void;
  end(): void;
}

const patienceMs = 2_000;

export function progressOn({ stderr, clock }: World): Progress {
  let now = '';
  let isLate = false;
  const say = () => now && stderr.write(`${now} …\n`);
  const end = clock.after(patienceMs, () => {
    isLate = true;
    say();
  });
  return {
    doing(what) {
      if (what === now) return;
      now = what;
      if (isLate) say();
    },
    end,
  };
}
