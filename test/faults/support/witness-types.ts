export interface WitnessConfig {
  /** Addresses of the etcd members. */
  members: readonly string[];
  vip: string;
}

export interface Testimony {
  /** Writes that etcd acknowledged. */
  acknowledged: number;
  /** Those of them that are not there any more. */
  lost: number[];
  /** Longest time without an acknowledged write, ms. */
  writeGapMs: number;
  /** Longest time in which the API at the VIP did not say that it is ready, ms. */
  apiGapMs: number;
}
