/** A measured number, with a baseline of the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'KiB' | 'MiB' | 'ms' | 's' | 'calls';
  readonly baseline?: { readonly name: string; readonly value: number };
}

/** A benchmark with its figures. */
export interface Bench {
  readonly name: string;
  /** Describes the measurement for readers of the table. */
  readonly about: string;
  measure(say: (progress: string) => void): Promise<readonly Figure[]>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

export function maximum(values: readonly number[]): number {
  return Math.max(...values);
}

export function ratioToBaseline({ value, baseline }: Figure): number | undefined {
  return baseline && baseline.value > 0 ? value / baseline.value : undefined;
}

/** Rounds to three significant digits; digits before the point stay. */
export function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
