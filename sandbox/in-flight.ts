/** Counts work in flight for `GET /_sandbox/idle`. */
export interface InFlight {
  /** Counts one piece of work until the returned function is called. */
  begin(): () => void;
  track<T>(work: () => Promise<T>): Promise<T>;
  count(): number;
}

export function createInFlight(): InFlight {
  let underWay = 0;

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
    async track(work) {
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
