/** Replaces the parts of an output that change with each run: ids, times, ports, durations and column widths. */
export function normalizeOutput(printed: string): string {
  return printed
    .replaceAll(/\b(vpce-svc|vpce|vpce-nfn)-[0-9a-f]{17}\b/g, '$1-…')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)/g, '(a time)')
    .replaceAll(/\d+ ms/g, '(a while)')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
