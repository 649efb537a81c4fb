export type InFlight = ReturnType<typeof createInFlight>;

/** Counts work in flight for `GET /_sandbox/idle`. */
export function createInFlight() {
  let underWay = 0;

  /** Counts one piece of work until the returned function is called. */
  function begin() {
    underWay += 1;
    let ended = false;
    return () => {
      if (!ended) underWay -= 1;
      ended = true;
    };
  }

  return {
    begin,
    async track<T>(work: () => Promise<T>): Promise<T> {
      const end = begin();
      try {
        return await work();
      } finally {
        end();
      }
    },
    count: () => underWay,
  };
}
