import { Limit } from '../../core/limit.ts';

interface Place {
  works: number;
  entered: Promise<void>;
  leave: () => void;
}

/** Works on at most so many hosts at once, first come, first served. A host that is in may do several works. */
export class HostsAtOnce {
  readonly #limit: Limit;
  readonly #places = new Map<string, Place>();

  constructor(limit: number) {
    this.#limit = new Limit(limit);
  }

  /** Rejects with the signal's reason when it aborts in the queue. */
  async run<T>(host: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const place = this.#places.get(host) ?? this.#enter(host, signal);
    place.works += 1;
    try {
      await place.entered;
      return await work();
    } finally {
      place.works -= 1;
      if (place.works === 0) {
        this.#places.delete(host);
        place.leave();
      }
    }
  }

  #enter(host: string, signal: AbortSignal): Place {
    const left = Promise.withResolvers<void>();
    const entered = new Promise<void>((resolve, reject) => {
      const stay = (): Promise<void> => {
        resolve();
        return left.promise;
      };
      this.#limit.run(stay, signal).catch(reject);
    });
    const place = { works: 0, entered, leave: () => left.resolve() };
    this.#places.set(host, place);
    return place;
  }
}
