import type { Io } from './process-io.ts';

/**
 * Shows the current step of a command on standard error after the delay: each step in a terminal, only the first step elsewhere,
 * such as in a log.
 */
export interface Progress {
  /** An empty step shows nothing. */
  report(step: string): void;
  end(): void;
}

const displayDelayMs = 2_000;

export function progressOn({ stderr, clock }: Io): Progress {
  let currentStep = '';
  let isDelayOver = false;
  let hasWritten = false;
  function writeStep() {
    if (currentStep === '' || !isDelayOver || (hasWritten && !stderr.isTTY)) return;
    stderr.write(`${currentStep} …\n`);
    hasWritten = true;
  }
  const end = clock.after(displayDelayMs, () => {
    isDelayOver = true;
    writeStep();
  });
  return {
    report(step) {
      if (step === currentStep) return;
      currentStep = step;
      writeStep();
    },
    end,
  };
}
